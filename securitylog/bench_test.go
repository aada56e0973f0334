package securitylog_test

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog"
)

// BenchmarkHandler compares agent_security_log on clean requests, the door
// included, with a handler that does nothing and with the door alone.
func BenchmarkHandler(b *testing.B) {
	g := start(b, "agent_security_log")
	handler := gatetest.Handler[*securitylog.SecurityLog](g)
	browser := []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"}
	for _, bench := range []struct {
		name    string
		handler caddyhttp.MiddlewareHandler
		target  string
	}{
		{"pass-through", gatetest.PassThrough{}, "/api/agents?limit=50"},
		{"the door alone", gatetest.Handler[*gate.Gate](g), "/api/agents?limit=50"},
		{"clean API request", handler, "/api/agents?limit=50"},
		{"chat in the query", handler, "/api/search?q=could%20you%20update%20my%20selection,%20please%3F"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			gatetest.BenchHandler(b, bench.handler, bench.target, func(r *http.Request) { r.Header["User-Agent"] = browser })
		})
	}
}
