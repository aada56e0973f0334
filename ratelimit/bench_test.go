package ratelimit_test

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// BenchmarkHandler compares agent_rate_limit, the door included, with a handler
// that does nothing and with the door alone.
func BenchmarkHandler(b *testing.B) {
	handler := func(lines string) caddyhttp.MiddlewareHandler {
		return gatetest.Handler[*ratelimit.RateLimit](gatetest.Start(b, "GATE {\nagent_rate_limit "+lines+"\n}"))
	}
	for _, bench := range []struct {
		name string
		make func() caddyhttp.MiddlewareHandler
	}{
		{"pass-through", func() caddyhttp.MiddlewareHandler { return gatetest.PassThrough{} }},
		{"door alone", func() caddyhttp.MiddlewareHandler { return handler("1 15m {\nexempt 192.0.2.0/24\n}") }},
		{"one tier, no headers", func() caddyhttp.MiddlewareHandler { return handler("2000000000 15m {\nheaders off\n}") }},
		{"one tier", func() caddyhttp.MiddlewareHandler { return handler("2000000000 15m") }},
		{"two tiers by path", func() caddyhttp.MiddlewareHandler {
			return handler("{\ntier api /api/* {\nlimit 2000000000 15m\n}\ntier upload /api/* {\nlimit 2000000000 15m\n}\n}")
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			gatetest.BenchHandler(b, bench.make(), "/api/agents", func(r *http.Request) {})
		})
	}
}
