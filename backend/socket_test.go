package backend_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	chatKey    = "a-key-that-chats-on-sockets"
	adminKey   = "a-key-that-administers-all"
	limitedKey = "a-key-that-has-one-agent-only"
	oneAgent   = "a0000000-0000-4000-8000-00000000000a"
	oneUser    = "c0000000-0000-4000-8000-00000000000c"
)

// startSockets starts the preset before a backend that takes WebSockets, tells
// of each message that it gets, and answers a goodbye in kind.
func startSockets(t *testing.T) (*gatetest.Gate, chan string) {
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", backendKey)
	g := gatetest.Start(t, `GATE {
		gatehouse elizaos BACKEND {
			auth {
				key chatter `+chatKey+` {
					scopes read chat
				}
				key admin `+adminKey+` {
					scopes *
				}
				key limited `+limitedKey+` {
					scopes *
					agents `+oneAgent+`
				}
			}
		}
	}`)
	got := make(chan string, 100)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			body, _ := io.ReadAll(r.Body)
			if r.Method == http.MethodPost {
				got <- string(body)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"sessionId":"s1","channelId":"c1"}`)
			return
		}
		if extensions := r.Header.Get("Sec-WebSocket-Extensions"); extensions != "" {
			t.Errorf("the backend was offered %s", extensions)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		for {
			op, payload, err := readFrame(rw.Reader)
			if err != nil {
				return
			}
			if op == 8 {
				_, _ = conn.Write(append([]byte{0x88, byte(len(payload))}, payload...))
				return
			}
			got <- payload
		}
	})
	return g, got
}

func readFrame(r *bufio.Reader) (op byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	length := int(head[1] & 0x7f)
	if length == 126 {
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return 0, "", err
		}
		length = int(binary.BigEndian.Uint16(size[:]))
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return 0, "", err
		}
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, "", err
	}
	for i := range text {
		text[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, string(text), nil
}

// open opens a WebSocket through the gate.
func open(t *testing.T, g *gatetest.Gate, key string, headers ...string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n%s\r\n",
		g.Addr, key, strings.Join(append(headers, ""), "\r\n"))
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", res, err)
	}
	return conn, r
}

func say(t *testing.T, conn net.Conn, message string) {
	t.Helper()
	if _, err := conn.Write(frameOf(message)); err != nil {
		t.Fatal(err)
	}
}

// frameOf is a message as a client frames it.
func frameOf(message string) []byte {
	frame := []byte{0x81, 0x80 | 126, byte(len(message) >> 8), byte(len(message)), 1, 2, 3, 4}
	if len(message) < 126 {
		frame = []byte{0x81, 0x80 | byte(len(message)), 1, 2, 3, 4}
	}
	for i := range len(message) {
		frame = append(frame, message[i]^byte(i%4+1))
	}
	return frame
}

const (
	joinC1    = `42["message",{"type":1,"payload":{"channelId":"c1","entityId":"` + oneUser + `"}}]`
	joinC2    = `42["message",{"type":1,"payload":{"channelId":"c2","entityId":"` + oneUser + `"}}]`
	joinBoth  = `42["message",{"type":1,"payload":{"channelId":"c1","roomId":"c2"}}]`
	subscribe = `42["subscribe_logs"]`
)

// TestSocketEvents holds who may say what, on WebSockets and by polling.
func TestSocketEvents(t *testing.T) {
	g, got := startSockets(t)
	if res := g.Send("POST", "/api/messaging/sessions", `{"agentId":"`+oneAgent+`","userId":"`+oneUser+`"}`,
		"X-API-KEY", limitedKey, "Content-Type", "application/json"); res.Status != 200 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	<-got
	sendAs := func(user string) string {
		return `42["2",{"channelId":"c1","senderId":"` + user + `","message":"hello"}]`
	}
	for _, test := range []struct {
		name, key, message string
		pass               bool
	}{
		{"connect", chatKey, `40{"entityId":"x"}`, true},
		{"join", chatKey, joinC1, true},
		{"join any", chatKey, joinC2, true},
		{"logs", chatKey, subscribe, false},
		{"filters", chatKey, `42["update_log_filters",{}]`, false},
		{"nonsense", chatKey, `42[`, false},
		{"logs of an admin", adminKey, subscribe, true},
		{"its own channel", limitedKey, joinC1, true},
		{"another channel", limitedKey, joinC2, false},
		{"two channels", limitedKey, joinBoth, false},
		{"a list of channels", limitedKey, strings.Replace(joinC1, `"c1"`, `["c1","c2"]`, 1), false},
		{"twice the name", limitedKey, strings.Replace(joinC1, `"channelId":"c1"`, `"channelId":"c1","channelId":"c1"`, 1), false},
		{"no channel", limitedKey, `42["message",{}]`, false},
		{"its own voice", limitedKey, sendAs(oneUser), true},
		{"another's voice", limitedKey, sendAs("b0000000-0000-4000-8000-00000000000b"), false},
		{"logs of all agents", limitedKey, subscribe, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, r := open(t, g, test.key)
			say(t, conn, test.message)
			if test.pass {
				if message := <-got; message != test.message {
					t.Errorf("the backend got %s", message)
				}
			} else {
				op, reason, err := readFrame(r)
				if err != nil || op != 8 || binary.BigEndian.Uint16([]byte(reason)) != 1008 || len(reason) < 10 {
					t.Errorf("the client got %d %q, %v", op, reason, err)
				}
				if last := g.Events()[len(g.Events())-1]; !strings.HasPrefix(last["msg"].(string), "[SECURITY] Socket ended for") {
					t.Errorf("the last event: %v", last)
				}
			}
			res := g.Send("POST", "/socket.io/?EIO=4&transport=polling&sid=x", "3\x1e"+test.message, "X-API-KEY", test.key)
			if (res.Status == 200) != test.pass || !test.pass && res.Status != 403 && res.Status != 400 {
				t.Errorf("by polling: %d", res.Status)
			}
			if test.pass {
				if body := <-got; body != "3\x1e"+test.message {
					t.Errorf("by polling, the backend got %q", body)
				}
			}
			if len(got) > 0 {
				t.Errorf("the backend got %s", <-got)
			}
		})
	}
}

// TestSocketKeyStaysHere holds that the key that a client puts into the packet
// that opens its socket does not reach the backend.
func TestSocketKeyStaysHere(t *testing.T) {
	g, got := startSockets(t)
	for _, key := range []string{chatKey, "Bearer " + adminKey} {
		sent := `40{"apiKey":"` + key + `","entityId":"` + oneUser + `","other":"no-key-of-this-gate-at-all"}`
		want := strings.Replace(sent, `"`+key+`"`, `""`+strings.Repeat(" ", len(key)), 1)
		conn, _ := open(t, g, chatKey)
		say(t, conn, sent)
		if message := <-got; message != want {
			t.Errorf("on a WebSocket the backend got %s", message)
		}
		if res := g.Send("POST", "/socket.io/?EIO=4&transport=polling&sid=x", sent, "X-API-KEY", chatKey); res.Status != 200 {
			t.Errorf("by polling: %d", res.Status)
		}
		if body := <-got; body != want {
			t.Errorf("by polling the backend got %s", body)
		}
	}
}

// TestSocketsThatCannotBeRead holds that what the gate cannot read never
// reaches the backend.
func TestSocketsThatCannotBeRead(t *testing.T) {
	g, got := startSockets(t)
	for _, test := range []struct {
		method, query, body string
		headers             []string
		want                int
	}{
		{"GET", "EIO=4&transport=polling", "", nil, 200},
		{"GET", "EIO=3&transport=polling", "", nil, 400},
		{"GET", "EIO=4&EIO=3&transport=polling", "", nil, 400},
		{"GET", "EIO=4&transport=polling&j=0", "", nil, 400},
		{"GET", "EIO=4&transport=polling&%6a=0", "", nil, 400},
		{"GET", "EIO=4;j=0", "", nil, 400},
		{"POST", "transport=polling&sid=x", "3", nil, 400},
		{"POST", "EIO=4&transport=polling&sid=x", "", nil, 400},
		{"POST", "EIO=4&transport=polling&sid=x", "3", []string{"Content-Encoding", "gzip"}, 400},
		{"PUT", "EIO=4&transport=polling&sid=x", "3", nil, 400},
		{"POST", "EIO=4&transport=polling&sid=x", strings.Repeat("3\x1e", 600_000), nil, 413},
		{"GET", "EIO=4", "", []string{"Connection", "Upgrade", "Upgrade", "h2c"}, 200}, // and nothing is upgraded
		{"POST", "EIO=4", "", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, 400},
	} {
		before := len(g.Backend.Seen())
		res := g.Send(test.method, "/socket.io/?"+test.query, test.body, append(test.headers, "X-API-KEY", adminKey)...)
		if res.Status != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.query, res.Status, test.want)
		}
		if reached := len(g.Backend.Seen()) > before; reached != (test.want == 200) {
			t.Errorf("%s %s: reached the backend: %v", test.method, test.query, reached)
		}
	}
	if len(got) > 0 {
		t.Errorf("the backend got %s", <-got)
	}
}

// TestUpgradeWithABody holds that nothing goes to the backend as the body of the
// request that opens a WebSocket: backends (Node, for one) take what follows
// that request for the first frames, and nobody would have judged them.
func TestUpgradeWithABody(t *testing.T) {
	g, got := startSockets(t)
	frame := string(frameOf(subscribe))
	for name, framing := range map[string][2]string{
		"with a length": {fmt.Sprintf("Content-Length: %d", len(frame)), frame},
		"in chunks":     {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(frame), frame)},
	} {
		t.Run(name, func(t *testing.T) {
			res := g.Raw("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + g.Addr + "\r\nX-API-KEY: " + chatKey +
				"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
				framing[0] + "\r\n\r\n" + framing[1])
			if res.Status != http.StatusBadRequest || !strings.Contains(res.Body, "SOCKET_UNREADABLE") {
				t.Errorf("%d %s", res.Status, res.Body)
			}
			if len(got) > 0 {
				t.Errorf("the backend got %q", <-got)
			}
		})
	}
	if n := len(g.Backend.Seen()); n > 0 {
		t.Errorf("%d requests reached the backend", n)
	}
}

// TestSocketsNeedTheTransport holds that sockets are not let through where
// nobody would read them.
func TestSocketsNeedTheTransport(t *testing.T) {
	setenv(t)
	err := gatetest.New(t).Load("GATE {\nagent_auth {\nroutes elizaos\nkey a {env.CLIENT_KEY}\n}\nreverse_proxy BACKEND\n}")
	if err == nil || !strings.Contains(err.Error(), "nobody would read what clients say on sockets") {
		t.Errorf("got %v", err)
	}
}

// TestUnfinishedIsBounded holds that a key cannot have the gate hold what its
// sockets and bodies never come to the end of, however many it opens, that other
// keys feel nothing of it, and that it is over when the connections are.
func TestUnfinishedIsBounded(t *testing.T) {
	g, got := startSockets(t)
	const length = 990_000
	const many, bound = 45, 32 << 20
	body := "42[\"message\",\"" + strings.Repeat("x", 900_000) + "\"]"
	polling := func(key string) int {
		return g.Send("POST", "/socket.io/?EIO=4&transport=polling", body, "X-API-KEY", key, "Content-Type", "text/plain;charset=UTF-8").Status
	}
	for kind, begin := range map[string]func() (net.Conn, *bufio.Reader){
		"sockets": func() (net.Conn, *bufio.Reader) {
			conn, r := open(t, g, chatKey)
			_, _ = conn.Write([]byte{0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0x0f, 0x1b, 0x30, 0, 0, 0, 0})
			return conn, r
		},
		"bodies": func() (net.Conn, *bufio.Reader) {
			conn, err := net.Dial("tcp", g.Addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nContent-Length: %d\r\n\r\n", g.Addr, chatKey, length)
			return conn, bufio.NewReader(conn)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			refused := make(chan struct{}, many)
			var conns []net.Conn
			for range many {
				conn, r := begin()
				conns = append(conns, conn)
				_ = conn.SetDeadline(time.Time{})
				go func() {
					if first, err := r.ReadByte(); err == nil && (first == 0x88 || first == 'H') { // a goodbye, or a response
						refused <- struct{}{}
					}
				}()
				go func() { _, _ = conn.Write(make([]byte, length-1)) }()
			}
			for range many - bound/length {
				select {
				case <-refused:
				case <-time.After(time.Minute):
					t.Fatal("there is no bound")
				}
			}
			if status := polling(adminKey); status != 200 || <-got != body {
				t.Errorf("another key's body: %d", status)
			}
			for _, conn := range conns {
				conn.Close()
			}
			gatetest.Await(t, "what was held is forgotten", func() bool { return polling(chatKey) == 200 && <-got == body })
		})
	}
}
