package auth_test

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// BenchmarkHandler compares agent_auth on the allowed path, the door included,
// with a handler that does nothing.
func BenchmarkHandler(b *testing.B) {
	g := start(b, `GATE {
		agent_auth {
			key ada {env.ADA_KEY}
		}
	}`)
	handler := gatetest.Handler[*auth.Auth](g)
	for _, bench := range []struct {
		name          string
		handler       caddyhttp.MiddlewareHandler
		header, value string
	}{
		{"pass-through", gatetest.PassThrough{}, "X-Api-Key", adaKey},
		{"X-API-KEY", handler, "X-Api-Key", adaKey},
		{"bearer", handler, "Authorization", "Bearer " + adaKey},
	} {
		b.Run(bench.name, func(b *testing.B) {
			values := []string{bench.value}
			gatetest.BenchHandler(b, bench.handler, "/api/agents", func(r *http.Request) { r.Header[bench.header] = values })
		})
	}
}
