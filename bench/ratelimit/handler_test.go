package ratelimit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// whole is agent_rate_limit as it runs: the door, the decision, the response
// fields and the metrics. Its log is off, as theirs is.
type whole struct {
	handler *ratelimit.RateLimit
	request *http.Request
	vars    map[string]any
	names   []string
	header  http.Header
}

func newWhole(b *testing.B, addrs []netip.Addr, limit int) limiter {
	b.Helper()
	g := gatetest.Start(b, fmt.Sprintf(`{
		log {
			level ERROR
		}
		gatehouse {
			limits {
				max_clients 2000000
			}
		}
	}
	GATE {
		agent_rate_limit %d %s
	}`, limit, length))
	w := &whole{handler: gatetest.Handler[*ratelimit.RateLimit](g)}
	for _, a := range addrs {
		w.names = append(w.names, a.String())
	}
	return w.fork()
}

func (w *whole) fork() limiter {
	w = &whole{handler: w.handler, names: w.names, vars: make(map[string]any), header: make(http.Header)}
	r := httptest.NewRequest(http.MethodGet, "/api/agents", nil)
	ctx := context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewEmptyReplacer())
	w.request = r.WithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, w.vars))
	return w
}

func (w *whole) take(client int) bool {
	clear(w.vars)
	w.vars[caddyhttp.ClientIPVarKey] = w.names[client]
	admitted := false
	_ = w.handler.ServeHTTP(discard{w.header}, w.request, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		admitted = true
		return nil
	}))
	return admitted
}
