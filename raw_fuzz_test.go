package gatehouse_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// FuzzRawRequests sends bytes to a whole gate with the preset, server and
// proxy included. Whatever they are: nothing panics or leaves goroutines, the
// connection comes to an end, what is answered is HTTP and no failure of the
// gate's own, neither an answer nor the log holds a key, and nothing reaches the
// backend but requests that the gate has numbered, with the clients' key, by a
// clean path, and with the backend's own key on them.
func FuzzRawRequests(f *testing.F) {
	keys := strings.NewReplacer("<key>", apiKey, "\n", "\r\n", "<lf>", "\n")
	for _, seed := range rawSeeds {
		f.Add([]byte(keys.Replace(seed)))
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
	if err := g.Load("{\ndefault_bind 127.0.0.1\nlog {\nformat agent\n}\n}\nhttp://:" + port + " {\nlog\ngatehouse elizaos " + server.Listener.Addr().String() + "\n}"); err != nil {
		f.Fatal(err)
	}
	exchangeRaw(f, g.Addr, "127.0.0.1", []byte("GET /api/agents HTTP/1.1\r\nHost: a\r\nX-API-KEY: "+apiKey+"\r\n\r\n"), time.Minute)
	if seen := behind.take(); len(seen) != 2 { // the other is the one that ends the connection
		f.Fatalf("%d requests have reached the backend: the bytes do not get far", len(seen))
	}
	atRest, runs := runtime.NumGoroutine(), 0
	recent := make(map[string][]byte) // inputs by the address that they came from
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.HasPrefix(input, []byte("PRI * HTTP/2.0")) {
			return // frames are no matter of this fuzzer, and each farewell of HTTP/2 takes a second
		}
		// The backend may see a request when its client has gone: the address tells whose it was.
		from := func(run int) string { return fmt.Sprintf("127.%d.%d.%d", 1+run>>16%250, run>>8%256, run%256) }
		runs++
		recent[from(runs)] = bytes.Clone(input)
		delete(recent, from(runs-100))
		answer := exchangeRaw(t, g.Addr, from(runs), input, 100*time.Millisecond)
		// Answers to HEAD announce bodies and have none.
		if !bytes.Contains(input, []byte("HEAD")) {
			checkAnswers(t, answer)
		}
		for _, secret := range []string{apiKey, token} {
			if bytes.Contains(answer, []byte(secret)) {
				t.Fatalf("a key is in the answer %q", answer)
			}
		}
		numbers := make(map[string]bool)
		for _, seen := range behind.take() {
			input, known := recent[seen.Header.Get("X-Forwarded-For")]
			if !known {
				t.Fatalf("%s %s has reached the backend for %q", seen.Method, seen.RequestURI, seen.Header["X-Forwarded-For"])
			}
			checkSeen(t, seen, input)
			id := seen.Header.Get("X-Request-Id")
			if numbers[id] {
				t.Fatalf("two requests have reached the backend as %s", id)
			}
			numbers[id] = true
		}
		if fault := faultIn(g.TakeLog()); fault != "" {
			// A line may be about a request of the run before.
			t.Fatalf("%s\nthe run before: %q", fault, recent[from(runs-1)])
		}
		// Idle connections to the backend are a few; what each run leaves is more.
		if runs%500 == 0 {
			checkGoroutines(t, atRest+100)
		}
	})
}

var rawSeeds = []string{
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\n\nGET /healthz HTTP/1.1\nHost: a\n\n",
	"GET /%2e%2e/api//agents/./x HTTP/1.1\nHost: a\nAuthorization: Bearer <key>\n\n",
	"GET http://b/media/x%2fy?api_key=<key> HTTP/1.0\nHost: a\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n5\n[1,2]\n0\nX-API-KEY: <key>\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\nGET /x HTTP/1.1\nHost: a\n\n",
	"POST /api/media/agents/x/upload-media HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: multipart/form-data; boundary=b\nContent-Length: 90\n\n--b\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\nContent-Type: image/png\n\nx\n--b--",
	"OPTIONS /api/agents HTTP/1.1\nHost: a\nOrigin: https://b\nAccess-Control-Request-Method: PUT\n\n",
	"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: a\nX-API-KEY: <key>\nConnection: Upgrade, X-API-KEY\nUpgrade: websocket\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Version: 13\n\n",
	"POST /socket.io/?EIO=4&sid=1 HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Length: 20\n\n42[\"message\",{\"a\":1}]",
	"POST /socket.io/?EIO=4&sid=1 HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Length: 0\n\n",
	"CONNECT a:1 HTTP/1.1\nHost: a:1\nX-API-KEY: <key>\n\n",
	"GET /healthz HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1\n\nx",
	"GET /\xff\xfe HTTP/1.1\nHost: \xff\nX-Agent-ID: \xff\nUser-Agent: sqlmap ' or 1=1--\nCookie: __Host-gatehouse-00000000=1~2~3~4~5\n\n",
	"DELETE /.gatehouse/session HTTP/1.1\nHost: a\nSec-Fetch-Site: same-origin\n\n",
	"POST /.gatehouse/ticket HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\n",

	// Bodies framed so that two servers might read them differently.
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n2;ext=\"<lf>\nGET /smuggled HTTP/1.1<lf>\"\n{}\n0\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n2<lf>{}<lf>0<lf><lf>GET /smuggled HTTP/1.1\nHost: a\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\n\nffffffffffffffff2\n{}\n0\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n2\n{}\n0\nContent-Length: 100\nTransfer-Encoding: x\nX-Request-Id: mine\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding: chunked\nTransfer-Encoding: identity\n\n2\n{}\n0\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nTransfer-Encoding:\x0bchunked\nContent-Length: 2\n\n{}",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nContent-Length: 2\nContent-Length: 2\nContent-Length : 50\n\n{}GET /smuggled HTTP/1.1\nHost: a\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nContent-Length: +2\n\n{}",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Length: 40\n\nGET /smuggled HTTP/1.1\nHost: a\nX: yyyyyyy\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: 4\n\n\x1f\x8b\x08\x00",

	// Heads that two servers might read differently.
	"GET /api/agents HTTP/1.1<lf>Host: a<lf>X-API-KEY: <key><lf><lf>",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nX-Folded: a\n Content-Length: 9\n\tX: b\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\nHost: b\nX-API-KEY: <key>\n\n",
	"GET /api/agents HTTP/1.1\nX-API-KEY: <key>\n\n",
	"GET /api/agents HTTP/1.1\nHost: a/b@c\nX_API_KEY: <key>\nX-Api-Key\t: <key>\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nX-API-KEY: <key>\nAuthorization: Bearer <key>\nConnection: close, X-Request-Id, X-Entity-Id, Content-Length\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nX-Forwarded-For: 1.2.3.4\nForwarded: for=\"[::1]\"\nX-Real-IP: 127.0.0.1\nX-HTTP-Method-Override: DELETE\nX-Original-URL: /api/server/stop\n\n",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nX-Request-Id: 3b241101-e2bb-4255-8caf-4136c566a962\n\n",
	"GET http://user:<key>@a:99999/api/agents#x HTTP/1.1\nHost: b\nX-API-KEY: <key>\n\n",
	"OPTIONS * HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\n",
	"GET * HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\n",
	"CONNECT /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\nGET /smuggled HTTP/1.1\nHost: a\n\n",
	"TRACE /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\nMax-Forwards: 0\n\n",
	"get /api/agents http/1.1\nHost: a\nX-API-KEY: <key>\n\n",
	"GET /api/agents\n",
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\x00\nRange: bytes=0-,1-,2-\nIf-None-Match: \"\xe2\x28\xa1\"\n\n",

	// Several requests on a connection.
	"GET /api/agents HTTP/1.1\nHost: a\nX-API-KEY: <key>\n\nPOST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json\nContent-Length: 2\n\n{}GET /api/server/logs HTTP/1.1\nHost: a\n\n",
	"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: a\nX-API-KEY: <key>\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Version: 13\n\nGET /smuggled HTTP/1.1\nHost: a\n\n",

	// Floods, and text that is none.
	"GET /api/agents?" + strings.Repeat("a=%ff&", 500) + " HTTP/1.1\nHost: a\nX-API-KEY: <key>\n" + strings.Repeat("X-Filler: \xff\n", 300) + "\n",
	"GET /api/agents HTTP/1.1\nHost: a\nCookie: " + strings.Repeat("__Host-gatehouse-00000000=<key>; ", 100) + "\n\n",
	"GET /api/../../..;/etc/passwd%00?q=%c0%ae%c0%ae%u002e' union select HTTP/1.1\nHost: a\nX-API-KEY: <key>\nReferer: javascript:<key>\n\n",
	"POST /api/messaging/sessions HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: application/json; charset=utf-\xff\nTransfer-Encoding: chunked\n\n40\n" + strings.Repeat("[", 64) + "\n8\n{\"\xed\xa0\x80\":\n0\n\n",
	"POST /socket.io/?EIO=4&transport=polling&sid=1 HTTP/1.1\nHost: a\nX-API-KEY: <key>\nContent-Type: text/plain\nContent-Length: 30\n\n42[\"m\",{\"k\":\"<key>\"}]\x1e451-[\"\xff",
	"GET /media/x HTTP/1.1\nHost: a\nCookie: a=b\nOrigin: null\nSec-Fetch-Site: cross-site\nX-Entity-Id: \xc3\x28\n\n",
}

// endings end a body in chunks, and one that is short by less than they have:
// waiting for the gate's patience to end would take most of the fuzzer's time.
var endings = strings.Repeat("0\r\n\r\n", 100)

// exchangeRaw sends bytes, and a last request that ends the connection, and
// reads to the end. A client that said at once that no more comes would have
// left, to Caddy, and what it asked for would be given up: it says so after silence.
func exchangeRaw(t testing.TB, addr, from string, input []byte, silence time.Duration) []byte {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() { // the gate may answer, and close, before it has read everything
		_, _ = conn.Write(append(slices.Clip(input), "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"+endings...))
		close(sent)
	}()
	// Where the bytes leave the gate waiting for still more, it is told that none come.
	more := time.AfterFunc(silence, func() { _ = conn.(*net.TCPConn).CloseWrite() })
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
		switch res.StatusCode {
		case http.StatusSwitchingProtocols:
			return
		case http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			t.Fatalf("the gate has failed: %q", answer) // the backend never does
		}
		// One that is cut off ends early, and nothing follows.
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return
		}
	}
}

// checkSeen judges a request that has reached the backend.
func checkSeen(t *testing.T, seen *http.Request, input []byte) {
	path := strings.ToLower(seen.URL.Path)
	open := strings.TrimSuffix(path, "/") == "/healthz"
	if !open && !bytes.Contains(input, []byte(apiKey)) {
		t.Fatalf("%s %s has reached the backend without a key", seen.Method, seen.RequestURI)
	}
	if got := seen.Header["X-Api-Key"]; !open && (len(got) != 1 || got[0] != token) {
		t.Fatalf("%s %s has reached the backend with the key %q", seen.Method, seen.RequestURI, got)
	}
	if got := seen.Header["Authorization"]; slices.Contains(got, "Bearer "+apiKey) {
		t.Fatalf("%s %s has reached the backend with the clients' key", seen.Method, seen.RequestURI)
	}
	// What was smuggled past the gate would have no number, or one of its own.
	if id := seen.Header["X-Request-Id"]; len(id) != 1 || uuid.Validate(id[0]) != nil || bytes.Contains(input, []byte(id[0])) {
		t.Fatalf("%s %s has reached the backend with the number %q", seen.Method, seen.RequestURI, id)
	}
	if clean, err := urlpath.Clean(&url.URL{Path: seen.URL.Path}); err != nil || clean != seen.URL.Path {
		t.Fatalf("%s %s has reached the backend: %v", seen.Method, seen.RequestURI, err)
	}
}

// faultIn is what is wrong with the log, access log included; "" if nothing is.
func faultIn(log string) string {
	for line := range strings.Lines(log) {
		switch {
		case strings.Contains(line, apiKey), strings.Contains(line, token):
			return "the log holds a key:\n" + line
		case strings.Contains(line, "panic") && strings.Contains(line, `"level":"error"`):
			return "the log tells of a panic:\n" + line
		case !utf8.ValidString(line), !json.Valid([]byte(line)):
			return fmt.Sprintf("the log has a line that is no JSON:\n%q", line)
		}
	}
	return ""
}

// checkGoroutines waits until no more than so many run.
func checkGoroutines(t *testing.T, most int) {
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > most; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines are left, and %d are right:\n%s", runtime.NumGoroutine(), most, stacks[:runtime.Stack(stacks, true)])
		}
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
