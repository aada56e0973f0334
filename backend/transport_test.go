package backend_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	clientKey  = "the-key-of-the-tests-client"
	backendKey = "the-key-that-the-backend-knows"
	socketKey  = "the-key-for-sockets-only-here"
)

func start(t *testing.T, transport, more string) *gatetest.Gate {
	t.Helper()
	g := gatetest.New(t)
	setenv(t)
	if err := g.Load(`GATE {
		agent_auth {
			key ada {env.CLIENT_KEY}
			public /healthz
		}
		` + more + `
		reverse_proxy BACKEND {
			transport agent_backend {
				` + transport + `
			}
		}
	}`); err != nil {
		t.Fatal(err)
	}
	return g
}

func setenv(t *testing.T) {
	t.Setenv("CLIENT_KEY", clientKey)
	t.Setenv("SERVER_KEY", backendKey)
	t.Setenv("SOCKET_KEY", socketKey)
	t.Setenv("SCHEMED", "Token "+backendKey)
}

func TestBackendKey(t *testing.T) {
	for _, test := range []struct {
		name, options, path string
		headers             []string
		header, want        string
	}{
		{"put in", "key {env.SERVER_KEY}", "/x", []string{"X-API-KEY", clientKey}, "X-Api-Key", backendKey},
		{"put in for bearer", "key {env.SERVER_KEY}", "/x", []string{"Authorization", "Bearer " + clientKey}, "X-Api-Key", backendKey},
		{"with a scheme", "key {env.SERVER_KEY}\nheader Authorization Bearer", "/x", []string{"X-API-KEY", clientKey, "Authorization", "Bearer not-ours"}, "Authorization", "Bearer " + backendKey},
		{"with a scheme, on sockets", "key {env.SERVER_KEY}\nsocket_key {env.SOCKET_KEY}\nheader Authorization Bearer", "/socket.io/?EIO=4", []string{"X-API-KEY", clientKey}, "Authorization", "Bearer " + socketKey},
		{"with a scheme of its own", "key {env.SCHEMED}\nheader Authorization", "/x", []string{"X-API-KEY", clientKey}, "Authorization", "Token " + backendKey},
		{"in another header", "key {env.SERVER_KEY}\nheader X-Backend", "/x", []string{"X-API-KEY", clientKey}, "X-Backend", backendKey},
		{"a default's", "key {env.NOT_SET:{env.SERVER_KEY}}", "/x", []string{"X-API-KEY", clientKey}, "X-Api-Key", backendKey},
		{"on sockets", "key {env.SERVER_KEY}\nsocket_key {env.SOCKET_KEY}", "/socket.io/?EIO=4", []string{"X-API-KEY", clientKey}, "X-Api-Key", socketKey},
		{"on sockets, other case", "key {env.SERVER_KEY}\nsocket_key {env.SOCKET_KEY}", "/Socket.IO/", []string{"X-API-KEY", clientKey}, "X-Api-Key", socketKey},
		{"beside sockets", "key {env.SERVER_KEY}\nsocket_key {env.SOCKET_KEY}", "/socket.iox", []string{"X-API-KEY", clientKey}, "X-Api-Key", backendKey},
		{"on sockets without a key for them", "key {env.SERVER_KEY}\nsocket_key {env.NOT_SET}", "/socket.io/", []string{"X-API-KEY", clientKey}, "X-Api-Key", backendKey},
		{"on public routes", "key {env.SERVER_KEY}", "/healthz", nil, "X-Api-Key", backendKey},
		{"instead of a stranger's", "key {env.SERVER_KEY}", "/healthz", []string{"X-API-KEY", "something-else"}, "X-Api-Key", backendKey},
		{"none without one", "keepalive 4s", "/x", []string{"X-API-KEY", clientKey}, "X-Api-Key", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, test.options, "")
			if res := g.Get(test.path, test.headers...); res.Status != 200 {
				t.Fatalf("%d %s", res.Status, res.Body)
			}
			if got := g.Backend.Last().Header.Get(test.header); got != test.want {
				t.Errorf("the backend got %q", got)
			}
		})
	}
}

// TestNoKeyForThoseNotLetIn holds that the backend's own check still stands for
// requests that agent_auth has not judged: preflights, and sites without it.
func TestNoKeyForThoseNotLetIn(t *testing.T) {
	g := start(t, "key {env.SERVER_KEY}", "")
	if res := g.Send("OPTIONS", "/x", "", "Origin", "https://a.example", "Access-Control-Request-Method", "GET"); res.Status != 200 {
		t.Fatalf("preflight: %d", res.Status)
	}
	if got := g.Backend.Last().Header.Get("X-Api-Key"); got != "" {
		t.Errorf("a preflight carries %q", got)
	}
	g.Send("TRACE", "/x", "", "X-API-KEY", clientKey) // the answer would show the key
	if last := g.Backend.Last(); last.Method != "TRACE" || last.Header.Get("X-Api-Key") != "" {
		t.Errorf("%s carries %q", last.Method, last.Header.Get("X-Api-Key"))
	}
	if err := g.Load("GATE {\nagent_gate\nreverse_proxy BACKEND {\ntransport agent_backend {\nkey {env.SERVER_KEY}\n}\n}\n}"); err != nil {
		t.Fatal(err)
	}
	g.Get("/x")
	if got := g.Backend.Last().Header.Get("X-Api-Key"); got != "" {
		t.Errorf("without agent_auth, a request carries %q", got)
	}
}

func TestRefusedConfigurations(t *testing.T) {
	setenv(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "key")
	if err := os.WriteFile(file, []byte("two\nlines-of-a-key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		"key {env.NOT_SET}":                              "transport agent_backend: the environment variable NOT_SET is unset or empty",
		"key {file." + file + "}":                        "cannot stand in a header",
		"key {env.CLIENT_KEY}\nheader a:b":               "this is not a header name",
		"key {env.CLIENT_KEY}\nheader Authorization":     "write `header Authorization Bearer`",
		"key {env.CLIENT_KEY}\nheader Authorization a:b": "is no scheme, such as Bearer",
	} {
		err := gatetest.New(t).Load("GATE {\nreverse_proxy BACKEND {\ntransport agent_backend {\n" + options + "\n}\n}\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
}

func TestSourceAddress(t *testing.T) {
	g := start(t, "key {env.SERVER_KEY}", "")
	g.Get("/healthz")
	host, _, err := net.SplitHostPort(g.Backend.Last().RemoteAddr)
	if err != nil {
		t.Fatal(err)
	}
	if own := host != "127.0.0.1"; own != (runtime.GOOS == "linux") {
		t.Errorf("the backend is dialled from %s", host)
	}
	// By name it could come over IPv6, which has one loopback address only.
	_, port, _ := net.SplitHostPort(g.Backend.Addr())
	if err := g.Load("GATE {\nreverse_proxy localhost:" + port + " {\ntransport agent_backend\n}\n}"); err != nil {
		t.Fatal(err)
	}
	if res := g.Get("/x"); res.Status != 200 {
		t.Fatalf("%d", res.Status)
	}
	if host, _, _ := net.SplitHostPort(g.Backend.Last().RemoteAddr); runtime.GOOS == "linux" && host == "127.0.0.1" {
		t.Errorf("localhost is dialled from %s", host)
	}
}

func TestResponseIsCleaned(t *testing.T) {
	g := start(t, "", "")
	status := http.StatusOK
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
			"RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Limit", "X-Ratelimit-Reset",
			"X-Powered-By", "Server", "Retry-After", "ETag", "X-Total-Count"} {
			w.Header().Set(name, "the-backends")
		}
		w.WriteHeader(status)
	})
	want := map[string]bool{"Retry-After": true, "Etag": true, "X-Total-Count": true}
	for _, status = range []int{200, 503, 429} {
		if status == 429 {
			delete(want, "Retry-After")
		}
		res := g.Get("/healthz")
		for name, values := range res.Header {
			for _, value := range values {
				if value == "the-backends" && !want[name] {
					t.Errorf("%d: %s of the backend goes out", status, name)
				}
			}
		}
		for name := range want {
			if res.Header.Get(name) != "the-backends" {
				t.Errorf("%d: %s of the backend is lost", status, name)
			}
		}
	}
}

// TestAllOfAResponseIsCleaned holds that what comes before a response (103) and
// behind its body is cleaned as its header is.
func TestAllOfAResponseIsCleaned(t *testing.T) {
	g := start(t, "key {env.SERVER_KEY}", "")
	unwanted := []string{"Server", "X-Powered-By", "Ratelimit-Limit", "Access-Control-Allow-Origin", "X-Request-Id", "X-Echo"}
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		tell := func(prefix string) {
			for _, name := range unwanted {
				w.Header().Set(prefix+name, "the-backends "+r.Header.Get("X-API-KEY"))
			}
		}
		tell("")
		w.Header().Set("Link", "</x.css>")
		w.WriteHeader(http.StatusEarlyHints)
		clear(w.Header())
		w.Header().Set("Trailer", "X-Sum, Server")
		fmt.Fprint(w, "body")
		_ = http.NewResponseController(w).Flush()
		tell(http.TrailerPrefix)
		w.Header().Set("X-Sum", "42")
	})
	early := http.Header{}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, fields textproto.MIMEHeader) error {
		early = http.Header(fields).Clone()
		return nil
	}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "body" {
		t.Errorf("%q %v", body, err)
	}
	for part, fields := range map[string]http.Header{"103": early, "the header": res.Header, "the trailer": res.Trailer} {
		for name, values := range fields {
			if strings.Contains(strings.Join(values, " "), "the-backends") {
				t.Errorf("%s has %s: %s", part, name, values)
			}
		}
	}
	if early.Get("Link") == "" || res.Trailer.Get("X-Sum") != "42" {
		t.Errorf("lost: 103 %v, trailer %v", early, res.Trailer)
	}
}

// TestPathChangedAfterCheck holds that a path which was rewritten behind
// agent_auth does not reach the backend, and is not its fault.
func TestPathChangedAfterCheck(t *testing.T) {
	setenv(t)
	for name, rewriting := range map[string]string{
		"rewrite":     "route {\nagent_auth {\nkey ada {env.CLIENT_KEY}\n}\nrewrite /x /admin\nPROXY\n}",
		"handle_path": "agent_auth {\nkey ada {env.CLIENT_KEY}\n}\nhandle_path /x/* {\nPROXY\n}",
		"proxy":       "agent_auth {\nkey ada {env.CLIENT_KEY}\n}\nreverse_proxy BACKEND {\nrewrite /admin{uri}\ntransport agent_backend\n}",
	} {
		t.Run(name, func(t *testing.T) {
			proxy := "reverse_proxy BACKEND {\nmax_fails 1\nfail_duration 1m\ntransport agent_backend\n}"
			g := gatetest.Start(t, "GATE {\n"+strings.ReplaceAll(rewriting, "PROXY", proxy)+"\n}")
			for range 2 { // were it held against the backend, the second would get 503
				if res := g.Get("/x", "X-API-KEY", clientKey); res.Status != 500 && name != "handle_path" {
					t.Errorf("%d %s", res.Status, res.Body)
				}
				if res := g.Get("/x/y", "X-API-KEY", clientKey); res.Status != 500 && name == "handle_path" {
					t.Errorf("%d %s", res.Status, res.Body)
				}
			}
			for _, seen := range g.Backend.Seen() {
				if seen.URL.Path != "/x/y" {
					t.Errorf("the backend saw %s", seen.URL.Path)
				}
			}
			if !strings.Contains(g.Log(), "the path was rewritten after it had been checked") {
				t.Errorf("the log does not say why:\n%s", g.Log())
			}
		})
	}
}

// TestKeyStaysOutOfLogs holds that the backend's key is in no line that Caddy
// writes, not even those about a client that leaves in the middle of a stream.
func TestKeyStaysOutOfLogs(t *testing.T) {
	setenv(t)
	g := gatetest.Start(t, `{
		debug
	}
	GATE {
		log
		agent_gate {
			allow_unsafe unredacted_log "the test looks for what the transport leaves to be printed"
		}
		agent_auth {
			key ada {env.CLIENT_KEY}
		}
		reverse_proxy BACKEND {
			flush_interval -1
			transport agent_backend {
				key {env.SERVER_KEY}
			}
		}
	}`)
	left := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := fmt.Fprintf(w, "data: %s\n\n", strings.Repeat("x", 4096)); err != nil {
				break
			}
			http.NewResponseController(w).Flush()
			if r.Context().Err() != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		close(left)
	})
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /stream HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n", g.Addr, clientKey)
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-left
	if got := g.Backend.Last().Header.Get("X-Api-Key"); got != backendKey {
		t.Fatalf("the backend got %q", got)
	}
	gatetest.Await(t, "the line about the client that has left", func() bool {
		return strings.Contains(g.Log(), "aborting with incomplete response")
	})
	if strings.Contains(g.Log(), backendKey) {
		t.Errorf("the backend's key is in the log:\n%s", g.Log())
	}
	if !strings.Contains(g.Log(), "upstream roundtrip") {
		t.Error("the debug log says nothing of the proxied request, so this test shows nothing")
	}
	if !strings.Contains(g.Log(), `"headers":{"X-Request-Id":["`) {
		t.Errorf("the proxy's lines have other headers than the request's id:\n%s", g.Log())
	}
}
