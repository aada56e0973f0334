package headers_test

import (
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	_ "github.com/mholt/caddy-ratelimit"
)

func init() {
	caddy.RegisterModule(panics{})
	httpcaddyfile.RegisterHandlerDirective("test_panic", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return panics{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_panic", httpcaddyfile.Before, "respond")
}

// panics is a handler with a fault in it.
type panics struct{}

func (panics) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_panic", New: func() caddy.Module { return new(panics) }}
}

func (panics) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error {
	panic("a fault")
}

// Errors that are none of these handlers' own, whichever module they come from,
// leave with both policies: a page of the allowed origin reads them, a foreign
// one does not, and none is there twice.
func TestErrorsOfOthers(t *testing.T) {
	const app, stranger = "https://app.example.com", "https://stranger.example"
	g := start(t, site("", "agent_headers api\nagent_cors "+app+" {\ncredentials\n}", `
	request_body /big {
		max_size 10
	}
	rate_limit /fast {
		zone one {
			key all
			events 1
			window 1h
		}
	}
	test_panic /panic
	error /busy 503
	error /teapot 418
	redir /moved /public
	reverse_proxy /down 127.0.0.1:1 {
		transport agent_backend
	}
	reverse_proxy /slow BACKEND {
		transport agent_backend {
			response_header_timeout 50ms
		}
	}
	`+ourProxy))
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-done:
			}
		}
		reflecting(w, r)
	})
	g.Get("/fast", "X-API-KEY", key) // all that the zone allows
	for _, c := range []struct {
		method, path, body, key string
		status                  int
	}{
		{"GET", "/moved", "", "", 302}, // no error, and none of the gate's
		{"GET", "/none", "", "", 401},
		{"GET", "/x%2fy", "", key, 400},
		{"POST", "/big", "more than ten bytes", key, 413},
		{"GET", "/teapot", "", key, 418},
		{"GET", "/fast", "", key, 429},
		{"GET", "/panic", "", key, 500},
		{"GET", "/down", "", key, 502},
		{"GET", "/busy", "", key, 503},
		{"GET", "/slow", "", key, 504},
	} {
		for _, origin := range []string{app, stranger, ""} {
			var headers []string
			if origin != "" {
				headers = append(headers, "Origin", origin)
			}
			if c.key != "" {
				headers = append(headers, "X-API-KEY", c.key)
			}
			res := g.Send(c.method, c.path, c.body, headers...)
			if res.Status != c.status {
				t.Errorf("%s: %d, not %d: %s", c.path, res.Status, c.status, res.Body)
			}
			want := map[string][]string{
				"Content-Security-Policy":          {"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
				"X-Frame-Options":                  {"DENY"},
				"X-Content-Type-Options":           {"nosniff"},
				"Referrer-Policy":                  {"no-referrer"},
				"Cache-Control":                    {"no-store"},
				"Vary":                             {"Origin"},
				"Access-Control-Allow-Origin":      nil,
				"Access-Control-Allow-Credentials": nil,
				"Server":                           nil,
			}
			if origin == app {
				want["Access-Control-Allow-Origin"], want["Access-Control-Allow-Credentials"] = []string{app}, []string{"true"}
			}
			for name, values := range want {
				if got := res.Header[name]; !slices.Equal(got, values) {
					t.Errorf("%d to %q: %s is %q, not %q", c.status, origin, name, got, values)
				}
			}
			if got := res.Header.Get("Access-Control-Expose-Headers"); (got != "") != (origin == app) {
				t.Errorf("%d to %q: exposed are %q", c.status, origin, got)
			}
		}
	}
}

// HTTP/2 sends trailers in a frame of their own, with no chunks around them.
func TestHTTP2(t *testing.T) {
	g := start(t, "{\nservers {\nprotocols h1 h2c\n}\n}\n"+site("", "agent_headers api\nagent_cors https://app.example.com", "reverse_proxy BACKEND {\nflush_interval -1\ntransport agent_backend\n}"))
	next := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				_, _ = w.Write([]byte{'0' + byte(i)})
				_ = http.NewResponseController(w).Flush()
				<-next
			}
			return
		}
		w.Header().Set("Trailer", "X-Sum")
		_, _ = w.Write([]byte("body"))
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"X-Late", "43")
	})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	get := func(path string) *http.Response {
		t.Helper()
		r, err := http.NewRequest("GET", "http://"+g.Addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-KEY", key)
		res, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.ProtoMajor != 2 || !slices.Equal(res.Header["X-Frame-Options"], []string{"DENY"}) || !slices.Equal(res.Header["Vary"], []string{"Origin"}) {
			t.Errorf("%s: %s %v", path, res.Proto, res.Header)
		}
		return res
	}
	res := get("/trailers")
	buffer := make([]byte, 100)
	n := 0
	for {
		m, err := res.Body.Read(buffer[n:])
		if n += m; err != nil {
			break
		}
	}
	if string(buffer[:n]) != "body" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "43" {
		t.Errorf("%q, trailers %v", buffer[:n], res.Trailer)
	}
	res = get("/events")
	for i := range 3 {
		if m, err := res.Body.Read(buffer); err != nil || string(buffer[:m]) != string('0'+rune(i)) {
			t.Fatalf("event %d: %q %v", i, buffer[:m], err)
		}
		next <- struct{}{}
	}
}

// A policy that was written for some requests is not put on others, and where
// two are written nobody can tell which of them is meant.
func TestErrorsBeforeAPolicyOfSomeRequests(t *testing.T) {
	for name, policies := range map[string]string{
		"a matcher": "agent_headers /api/* api\nagent_cors /api/* https://app.example.com",
		"a handle":  "handle /api/* {\nagent_headers api\nagent_cors https://app.example.com\n}",
		"two":       "agent_headers /api/* api\nagent_headers web\nagent_cors https://app.example.com\nagent_cors /api/* https://other.example.com",
	} {
		g := start(t, "GATE {\nagent_gate\nredir /moved /public\n"+policies+"\nrespond ok\n}")
		res := g.Get("/moved", "Origin", "https://app.example.com")
		if res.Status != 302 || res.Header["X-Frame-Options"] != nil || res.Header["Access-Control-Allow-Origin"] != nil {
			t.Errorf("%s: %d %v", name, res.Status, res.Header)
		}
	}
	// A site that answers every host has its handlers side by side.
	g := gatetest.New(t)
	_, port, _ := net.SplitHostPort(g.Addr)
	if err := g.Load("http://:" + port + " {\nagent_gate\nagent_headers api\nredir /moved /public\nrespond ok\n}"); err != nil {
		t.Fatal(err)
	}
	if res := g.Get("/moved"); res.Status != 302 || res.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("every host: %d %v", res.Status, res.Header)
	}
}
