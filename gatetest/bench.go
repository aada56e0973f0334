package gatetest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Handler finds the first handler of a type in the running gate, to be
// measured or called without a server around it.
func Handler[T caddyhttp.MiddlewareHandler](g *Gate) T {
	g.t.Helper()
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		g.t.Fatal(err)
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		if h, ok := findHandler[T](server.Routes); ok {
			return h
		}
	}
	var none T
	g.t.Fatalf("no %T in the running gate", none)
	return none
}

func findHandler[T caddyhttp.MiddlewareHandler](routes caddyhttp.RouteList) (found T, ok bool) {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			if h, ok := handler.(T); ok {
				return h, true
			}
			if subroute, ok := handler.(*caddyhttp.Subroute); ok {
				if h, ok := findHandler[T](subroute.Routes); ok {
					return h, true
				}
			}
		}
	}
	return found, false
}

// BenchHandler measures a handler on one request, in front of a next handler
// that does nothing. Before each round, fresh puts back what the handler takes
// out of the request; the request's variables and placeholders are new each time.
func BenchHandler(b *testing.B, handler caddyhttp.MiddlewareHandler, target string, fresh func(r *http.Request)) {
	b.Helper()
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	w := discard{make(http.Header)}
	r, repl := prepared(w, target)
	vars := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	pristine, given := *repl, maps.Clone(vars)
	b.ReportAllocs()
	for b.Loop() {
		clear(vars)
		maps.Copy(vars, given)
		clear(w.header)
		*repl = pristine
		fresh(r)
		if err := handler.ServeHTTP(w, r, next); err != nil {
			b.Fatal(err)
		}
	}
}

// Serve sends a GET through a handler to next, without a server around it.
func Serve(handler caddyhttp.MiddlewareHandler, target string, fresh func(r *http.Request), next caddyhttp.Handler) error {
	w := discard{make(http.Header)}
	r, _ := prepared(w, target)
	fresh(r)
	return handler.ServeHTTP(w, r, next)
}

// prepared is a request as Caddy's server makes it, contexts and all.
func prepared(w http.ResponseWriter, target string) (*http.Request, *caddy.Replacer) {
	repl := caddy.NewReplacer()
	return caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, target, nil), repl, w, new(caddyhttp.Server)), repl
}

// PassThrough is a handler that does nothing: what is measured beside it is
// the cost of the rest.
type PassThrough struct{}

// ServeHTTP calls next.
func (PassThrough) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

// discard is a response that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
