package gate_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// What an HTTP/2 client has taken back before the gate looks at it goes no
// further. An HTTP/1.1 client that has closed its side may wait for the answer.
func TestTakenBack(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_gate\n}")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		major  int
		passes bool
	}{
		{"HTTP/1.1, in time", t.Context(), 1, true},
		{"HTTP/1.1, its side closed", gone, 1, true},
		{"HTTP/2, in time", t.Context(), 2, true},
		{"HTTP/2, taken back", gone, 2, false},
		{"HTTP/3, taken back", gone, 3, false},
	} {
		passed := false
		next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			passed = true
			return nil
		})
		fresh := func(r *http.Request) {
			r.ProtoMajor = test.major
			ctx := test.ctx
			for _, key := range []any{caddyhttp.VarsCtxKey, caddy.ReplacerCtxKey, caddyhttp.ServerCtxKey, caddyhttp.OriginalRequestCtxKey} {
				ctx = context.WithValue(ctx, key, r.Context().Value(key))
			}
			*r = *r.WithContext(ctx)
		}
		if err := gatetest.Serve(gatetest.Handler[*gate.Gate](g), "/", fresh, next); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if passed != test.passes {
			t.Errorf("%s: it went on: %v", test.name, passed)
		}
	}
}
