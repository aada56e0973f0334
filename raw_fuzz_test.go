package gatehouse_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// FuzzRawRequests sends bytes to a whole gate with the preset, server and
// proxy included. Whatever they are: nothing panics, the connection comes to
// an end, what is answered is HTTP and holds no key, and nothing reaches the
// backend but what holds the clients' key, by a clean path and with the
// backend's own key on it.
func FuzzRawRequests(f *testing.F) {
	for _, seed := range rawSeeds {
		f.Add([]byte(strings.NewReplacer("KEY", apiKey, "\n", "\r\n").Replace(seed)))
	}
	clearEnv(f)
	f.Setenv("ELIZA_API_KEY", apiKey)
	f.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	f.Setenv("API_RATE_LIMIT_MAX", "1000000000")
	behind := new(rawBackend)
	server := httptest.NewServer(behind)
	f.Cleanup(server.Close)
	g := gatetest.New(f)
	_, port, _ := net.SplitHostPort(g.Addr)
	if err := g.Load("{\ndefault_bind 127.0.0.1\nlog {\nlevel ERROR\n}\n}\nhttp://:" + port + " {\ngatehouse elizaos " + server.Listener.Addr().String() + "\n}"); err != nil {
		f.Fatal(err)
	}
	exchangeRaw(f, g.Addr, []byte("GET /api/agents HTTP/1.1\r\nHost: a\r\nX-API-KEY: "+apiKey+"\r\n\r\n"))
	if seen := behind.take(); len(seen) != 2 { // the other is the one that ends the connection
		f.Fatalf("%d requests have reached the backend: the bytes do not get far", len(seen))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		answer := exchangeRaw(t, g.Addr, input)
		// Answers to HEAD announce bodies and have none; who speaks HTTP/2 is
		// answered in its frames.
		if !bytes.Contains(input, []byte("HEAD")) && !bytes.Contains(input, []byte("PRI * HTTP/2.0")) {
			checkAnswers(t, answer)
		}
		if bytes.Contains(answer, []byte(token)) {
			t.Fatalf("the backend's key is in %q", answer)
		}
		for _, seen := range behind.take() {
			checkSeen(t, seen, bytes.Contains(input, []byte(apiKey)))
		}
		if log := g.Log(); strings.Contains(log, "panic") {
			t.Fatalf("the log tells of a panic:\n%s", log)
		}
	})
}

var rawSeeds = []string{
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: KEY\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\n\nGET /healthz HTTP/1.1\nHost: a\n\n",
	"GET /%2e%2e/api//agents/./x HTTP/1.1\nHost: a\nAuthorization: Bearer KEY\n\n",
	"GET http://b/media/x%2fy?api_key=KEY HTTP/1.0\nHost: a\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: KEY\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n5\n[1,2]\n0\nX-API-KEY: KEY\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: KEY\nContent-Type: application/json\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\nGET /x HTTP/1.1\nHost: a\n\n",
	"POST /api/media/agents/x/upload-media HTTP/1.1\nHost: a\nX-API-KEY: KEY\nContent-Type: multipart/form-data; boundary=b\nContent-Length: 90\n\n--b\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\nContent-Type: image/png\n\nx\n--b--",
	"OPTIONS /api/agents HTTP/1.1\nHost: a\nOrigin: https://b\nAccess-Control-Request-Method: PUT\n\n",
	"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: a\nX-API-KEY: KEY\nConnection: Upgrade, X-API-KEY\nUpgrade: websocket\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Version: 13\n\n",
	"POST /socket.io/?EIO=4&sid=1 HTTP/1.1\nHost: a\nX-API-KEY: KEY\nContent-Length: 20\n\n42[\"message\",{\"a\":1}]",
	"PRI * HTTP/2.0\n\nSM\n\n",
	"CONNECT a:1 HTTP/1.1\nHost: a:1\nX-API-KEY: KEY\n\n",
	"GET /healthz HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1\n\nx",
	"GET /\xff\xfe HTTP/1.1\nHost: \xff\nX-Agent-ID: \xff\nUser-Agent: sqlmap ' or 1=1--\nCookie: __Host-gatehouse-00000000=1~2~3~4~5\n\n",
	"DELETE /.gatehouse/session HTTP/1.1\nHost: a\nSec-Fetch-Site: same-origin\n\n",
	"POST /.gatehouse/ticket HTTP/1.1\nHost: a\nX-API-KEY: KEY\n\n",
}

// exchangeRaw sends bytes, and a last request that ends the connection, and
// reads to the end. A client that said at once that no more comes would have
// left, to Caddy, and what it asked for would be given up.
func exchangeRaw(t testing.TB, addr string, input []byte) []byte {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() { // the gate may answer, and close, before it has read everything
		_, _ = conn.Write(append(slices.Clip(input), "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"...))
		close(sent)
	}()
	// Where the bytes leave the gate waiting for more, it is told soon that none come.
	more := time.AfterFunc(100*time.Millisecond, func() { _ = conn.(*net.TCPConn).CloseWrite() })
	defer more.Stop()
	// Only to end what hangs: it is far longer than anything takes.
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := io.ReadAll(conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatalf("the connection does not end; so far: %q", answer)
	}
	_ = conn.Close()
	<-sent
	return answer
}

// checkAnswers reads all answers of a connection.
func checkAnswers(t *testing.T, answer []byte) {
	in := bufio.NewReader(bytes.NewReader(answer))
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%v: %q", err, answer)
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return
		}
		// One that is cut off ends early, and nothing follows.
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return
		}
	}
}

func checkSeen(t *testing.T, seen *http.Request, keyShown bool) {
	path := strings.ToLower(seen.URL.Path)
	open := strings.TrimSuffix(path, "/") == "/healthz"
	if !open && !keyShown {
		t.Fatalf("%s %s has reached the backend without a key", seen.Method, seen.RequestURI)
	}
	if got := seen.Header["X-Api-Key"]; !open && (len(got) != 1 || got[0] != token) {
		t.Fatalf("%s %s has reached the backend with the key %q", seen.Method, seen.RequestURI, got)
	}
	if clean, err := gate.CleanPath(&url.URL{Path: seen.URL.Path}); err != nil || clean != seen.URL.Path {
		t.Fatalf("%s %s has reached the backend: %v", seen.Method, seen.RequestURI, err)
	}
}

// rawBackend keeps what has reached it.
type rawBackend struct {
	mu   sync.Mutex
	seen []*http.Request
}

func (b *rawBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	b.mu.Lock()
	b.seen = append(b.seen, r.Clone(r.Context()))
	b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"success":true}`)
}

func (b *rawBackend) take() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}
