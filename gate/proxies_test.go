package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A proxy that is not named is told of once, whoever refuses its requests; one
// that is named, and a client that comes by itself, never.
func TestProxyWatch(t *testing.T) {
	forwarded := http.Header{"X-Forwarded-For": {"192.0.2.1"}}
	cloudflare := http.Header{"X-Forwarded-For": {"192.0.2.1"}, "Cf-Connecting-Ip": {"192.0.2.1"}, "Cf-Ray": {"8a"}}
	for _, test := range []struct {
		peer    string
		header  http.Header
		trusted bool
		want    string
	}{
		{"10.0.0.7:1", forwarded, false, "COUNTED AS ONE"},
		{"[fe80::1%eth0]:1", forwarded, false, "COUNTED AS ONE"},
		{"127.0.0.1:1", cloudflare, false, "a tunnel"},
		{"104.16.0.1:1", cloudflare, false, "behind Cloudflare"},
		{"10.0.0.7:1", forwarded, true, ""},
		{"104.16.0.1:1", cloudflare, true, ""},
		{"198.51.100.1:1", forwarded, false, ""},
		{"198.51.100.1:1", http.Header{"Cf-Ray": {"8a"}}, false, ""},
		{"10.0.0.7:1", nil, false, ""},
	} {
		core, logs := observer.New(zap.WarnLevel)
		watch := proxyWatch{logger: zap.New(core)}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: test.trusted}))
		r.RemoteAddr, r.Header = test.peer, test.header
		for range 3 {
			watch.look(r, &Request{door: new(Door)})
		}
		if test.want == "" {
			if logs.Len() != 0 {
				t.Errorf("%s %v: %s", test.peer, test.header, logs.All()[0].Message)
			}
			continue
		}
		if logs.Len() != 1 || !strings.Contains(logs.All()[0].Message, test.want) || !strings.Contains(logs.All()[0].Message, "trusted_proxies") {
			t.Errorf("%s %v: %v", test.peer, test.header, logs.All())
		}
	}
}

// Clients that choose their address behind a trusted proxy are told of once,
// and only where Caddy believes them.
func TestChosenAddresses(t *testing.T) {
	const several = "192.0.2.1, 198.51.100.1"
	for _, test := range []struct {
		name      string
		forwarded []string
		strict    int
		trusted   bool
		headers   []string
		warns     bool
	}{
		{"several", []string{several}, 0, true, []string{"X-Forwarded-For"}, true},
		{"several lines", []string{"192.0.2.1", "198.51.100.1"}, 0, true, []string{"x-forwarded-for"}, true},
		{"one", []string{"192.0.2.1"}, 0, true, []string{"X-Forwarded-For"}, false},
		{"strict", []string{several}, 1, true, []string{"X-Forwarded-For"}, false},
		{"nobody's proxy", []string{several}, 0, false, []string{"X-Forwarded-For"}, false},
		{"another header first", []string{several}, 0, true, []string{"Cf-Connecting-Ip", "X-Forwarded-For"}, false},
	} {
		core, logs := observer.New(zap.WarnLevel)
		watch := proxyWatch{logger: zap.New(core)}
		watch.private.Store(true)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: test.trusted}))
		r.Header = http.Header{"X-Forwarded-For": test.forwarded}
		door := &Door{server: &caddyhttp.Server{TrustedProxiesStrict: test.strict, ClientIPHeaders: test.headers}}
		for range 3 {
			watch.look(r, &Request{door: door})
		}
		if warned := logs.FilterMessageSnippet("CHOOSE THEIR ADDRESS").Len(); warned != map[bool]int{true: 1}[test.warns] {
			t.Errorf("%s: warned %d times", test.name, warned)
		}
	}
}
