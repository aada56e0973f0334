package headers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddyheaders "github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/headers"
)

// BenchmarkHandlers compares agent_headers and agent_cors together with
// Caddy's directive header, set to send the same headers, at once and when the
// response starts (which is what it takes to have no header twice).
func BenchmarkHandlers(b *testing.B) {
	g := gatetest.Start(b, `GATE {
		route {
			agent_gate
			agent_headers api
			agent_cors https://app.example.com
			respond ok
		}
	}`)
	ours, cors := gatetest.Handler[*headers.Headers](g), gatetest.Handler[*headers.CORS](g)
	final := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		w.Header()["Content-Type"] = contentType
		w.WriteHeader(http.StatusOK)
		return nil
	})
	set := make(http.Header)
	recorder := httptest.NewRecorder()
	serve(b, ours, cors, final, recorder)
	for name, values := range recorder.Header() {
		if name != "Content-Type" && name != "X-Request-Id" {
			set[name] = values
		}
	}
	caddys := func(deferred bool) *caddyheaders.Handler {
		h := &caddyheaders.Handler{Response: &caddyheaders.RespHeaderOps{
			HeaderOps: &caddyheaders.HeaderOps{Set: set, Delete: []string{"Server", "Via", "X-Powered-By"}}, Deferred: deferred}}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		b.Cleanup(cancel)
		if err := h.Provision(ctx); err != nil {
			b.Fatal(err)
		}
		return h
	}
	b.Run("ours", func(b *testing.B) { measure(b, ours, cors, final) })
	b.Run("caddy at once", func(b *testing.B) { measure(b, caddys(false), nil, final) })
	b.Run("caddy deferred", func(b *testing.B) { measure(b, caddys(true), nil, final) })
}

var contentType = []string{"application/json"}

func prepare(tb testing.TB, first, second caddyhttp.MiddlewareHandler, final caddyhttp.Handler) (caddyhttp.Handler, *http.Request) {
	chain := final
	if second != nil {
		next := chain
		chain = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return second.ServeHTTP(w, r, next) })
	}
	next := chain
	chain = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return first.ServeHTTP(w, r, next) })
	r := httptest.NewRequest("GET", "/api/agents", nil)
	r.Header.Set("Origin", "https://app.example.com")
	vars := map[string]any{caddyhttp.ClientIPVarKey: "192.0.2.1"}
	ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, vars)
	return chain, r.WithContext(ctx)
}

func serve(tb testing.TB, first, second caddyhttp.MiddlewareHandler, final caddyhttp.Handler, w http.ResponseWriter) {
	chain, r := prepare(tb, first, second, final)
	if err := chain.ServeHTTP(w, r); err != nil {
		tb.Fatal(err)
	}
}

func measure(b *testing.B, first, second caddyhttp.MiddlewareHandler, final caddyhttp.Handler) {
	chain, r := prepare(b, first, second, final)
	if second != nil {
		// The door is opened once: what it costs is not these handlers'.
		_ = chain.ServeHTTP(httptest.NewRecorder(), r)
		if gate.From(r.Context()) == nil {
			b.Fatal("no door")
		}
	}
	w := &discard{header: make(http.Header, 32)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		w.header["Server"] = contentType
		if err := chain.ServeHTTP(w, r); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
