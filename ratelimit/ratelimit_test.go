package ratelimit_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	adaKey = "the-key-of-ada-0123456789"
	bobKey = "the-key-of-bob-0123456789"
	// carlKey is Carl's own.
	carlKey = "the-key-of-carl-0123456789"
)

func start(t testing.TB, caddyfile string) *gatetest.Gate {
	t.Helper()
	t.Setenv("ADA_KEY", adaKey)
	t.Setenv("BOB_KEY", bobKey)
	return gatetest.Start(t, caddyfile)
}

// site is a site with these lines in agent_rate_limit; clients say who they are
// by X-Forwarded-For, and callers without a key may come.
func site(lines string) string {
	return `{
		servers {
			trusted_proxies static 127.0.0.0/8
		}
	}
	GATE {
		agent_gate
		agent_auth {
			key ada {env.ADA_KEY} {
				plan pro
			}
			key bob {env.BOB_KEY}
			key carl ` + carlKey + `
			anonymous look
		}
		agent_rate_limit ` + lines + `
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`
}

// statuses sends n requests and counts the statuses.
func statuses(g *gatetest.Gate, n int, path string, headers ...string) map[int]int {
	got := make(map[int]int)
	for range n {
		got[g.Get(path, headers...).Status]++
	}
	return got
}

func expect(t *testing.T, what string, got map[int]int, ok, refused int) {
	t.Helper()
	if got[200] != ok || got[429] != refused || got[200]+got[429] != ok+refused {
		t.Errorf("%s: got %v, want %d times 200 and %d times 429", what, got, ok, refused)
	}
}

func TestShortForm(t *testing.T) {
	g := start(t, site("3 15m"))
	for left := 2; left >= 0; left-- {
		res := g.Get("/", "X-Forwarded-For", "10.0.0.50")
		if res.Status != 200 || res.Header.Get("RateLimit-Remaining") != strconv.Itoa(left) {
			t.Fatalf("with %d left: %d %v", left, res.Status, res.Header)
		}
	}
	res := g.Get("/", "X-Forwarded-For", "10.0.0.50")
	if res.Status != 429 {
		t.Fatalf("the fourth request: %d", res.Status)
	}
	if want := `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests. Please try again later."}}`; res.Body != want {
		t.Errorf("got %s", res.Body)
	}
	for name, want := range map[string]string{
		"RateLimit-Limit":     "3",
		"RateLimit-Remaining": "0",
		"RateLimit-Policy":    `"default";q=3;w=900`,
		"Content-Type":        "application/json; charset=utf-8",
		"Cache-Control":       "no-store",
	} {
		if got := res.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	retry, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || retry < 900 || retry > 916 {
		t.Errorf("Retry-After: %s", res.Header.Get("Retry-After"))
	}
	events := g.Events()
	if len(events) != 1 {
		t.Fatalf("got %d events", len(events))
	}
	for field, want := range map[string]any{
		"msg": "[SECURITY] Rate limit exceeded for IP: 10.0.0.50", "event": "excess_rate_limit_exceeded",
		"tier": "default", "enforced": true, "client_ip": "10.0.0.50", "level": "warn",
	} {
		if events[0][field] != want {
			t.Errorf("%s is %v, want %v", field, events[0][field], want)
		}
	}
	expect(t, "another address", statuses(g, 4, "/", "X-Forwarded-For", "10.0.0.51"), 3, 1)
}

func TestTiers(t *testing.T) {
	g := start(t, site(`{
		tier api /api/* {
			limit 5 15m
			limit 100 1h
		}
		tier upload /api/media/upload /api/audio/* {
			limit 2 15m
			code UPLOAD_RATE_LIMIT_EXCEEDED
			message "Too many upload attempts. Please try again later."
		}
	}`))
	expect(t, "uploads", statuses(g, 3, "/api/media/upload", "X-Forwarded-For", "10.0.0.50"), 2, 1)
	res := g.Get("/api/media/upload", "X-Forwarded-For", "10.0.0.50")
	if want := `{"success":false,"error":{"code":"UPLOAD_RATE_LIMIT_EXCEEDED","message":"Too many upload attempts. Please try again later."}}`; res.Body != want {
		t.Errorf("got %s", res.Body)
	}
	events := g.Events()
	if got, want := events[len(events)-1]["msg"], "[SECURITY] Upload rate limit exceeded for IP: 10.0.0.50, endpoint: /api/media/upload"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	standing, err := httpsfv.UnmarshalList(res.Header.Values("RateLimit"))
	if err != nil || len(standing) != 2 {
		t.Fatalf("RateLimit %q: %v", res.Header.Values("RateLimit"), err)
	}
	policies, err := httpsfv.UnmarshalList(res.Header.Values("RateLimit-Policy"))
	if err != nil || len(policies) != 3 {
		t.Fatalf("RateLimit-Policy %q: %v", res.Header.Values("RateLimit-Policy"), err)
	}
	if got, want := res.Header.Get("RateLimit-Policy"), `"api";q=5;w=900, "api-1h0m0s";q=100;w=3600, "upload";q=2;w=900`; got != want {
		t.Errorf("RateLimit-Policy is %s, want %s", got, want)
	}
	// The refused uploads were not charged to api.
	expect(t, "the rest of api", statuses(g, 4, "/api/x", "X-Forwarded-For", "10.0.0.50"), 3, 1)
	expect(t, "outside of all tiers", statuses(g, 10, "/x", "X-Forwarded-For", "10.0.0.50"), 10, 0)
	if res := g.Get("/x"); res.Header.Get("RateLimit-Limit") != "" {
		t.Errorf("outside of all tiers there is a limit: %v", res.Header)
	}
}

// TestForgedEndpoint holds that no path can pass for another log sentence.
func TestForgedEndpoint(t *testing.T) {
	g := start(t, site("{\ntier upload {\nlimit 1 15m\n}\n}"))
	statuses(g, 2, "/x%20[SECURITY]%20Path%20traversal%20detected%20from%20192.0.2.1", "X-Forwarded-For", "10.0.0.50")
	events := g.Events()
	got := fmt.Sprint(events[0]["msg"])
	if prefix := "[SECURITY] Upload rate limit exceeded for IP: 10.0.0.50, endpoint: /"; !strings.HasPrefix(got, prefix) || strings.Contains(got[len(prefix):], " ") || strings.Contains(got[len(prefix):], "[") {
		t.Errorf("got %q", got)
	}
}

func TestWhoIsCounted(t *testing.T) {
	g := start(t, site("2 15m"))
	// Keys from the environment, which many share, are counted by key and address.
	expect(t, "ada from one place", statuses(g, 3, "/", "X-API-KEY", adaKey, "X-Forwarded-For", "10.0.0.1"), 2, 1)
	expect(t, "ada from another", statuses(g, 3, "/", "X-API-KEY", adaKey, "X-Forwarded-For", "10.0.0.2"), 2, 1)
	// A key of one's own is counted by the key.
	expect(t, "carl from one place", statuses(g, 2, "/", "X-API-KEY", carlKey, "X-Forwarded-For", "10.0.0.1"), 2, 0)
	expect(t, "carl from another", statuses(g, 1, "/", "X-API-KEY", carlKey, "X-Forwarded-For", "10.0.0.2"), 0, 1)
	expect(t, "bob from there", statuses(g, 3, "/", "X-API-KEY", bobKey, "X-Forwarded-For", "10.0.0.1"), 2, 1)
	expect(t, "a stranger from there", statuses(g, 3, "/", "X-Forwarded-For", "10.0.0.1"), 2, 1)
	expect(t, "an IPv6 address", statuses(g, 2, "/", "X-Forwarded-For", "2001:db8::1"), 2, 0)
	expect(t, "another of its /64", statuses(g, 1, "/", "X-Forwarded-For", "2001:db8::2"), 0, 1)
	expect(t, "another /64", statuses(g, 1, "/", "X-Forwarded-For", "2001:db8:0:1::1"), 1, 0)
}

func TestBy(t *testing.T) {
	g := start(t, site(`{
		tier one /key {
			limit 2 15m
			by key
		}
		tier two /ip {
			limit 2 15m
			by ip
		}
		tier three /both {
			limit 2 15m
			by key_and_ip
		}
		tier four /tenant {
			limit 2 15m
			by {header.X-Tenant}
		}
		tier five /wide {
			limit 2 15m
			ipv6_prefix 48
		}
	}`))
	ada := []string{"X-API-KEY", adaKey, "X-Forwarded-For", "10.0.0.1"}
	adaElsewhere := []string{"X-API-KEY", adaKey, "X-Forwarded-For", "10.0.0.2"}
	bob := []string{"X-API-KEY", bobKey, "X-Forwarded-For", "10.0.0.1"}
	for _, test := range []struct {
		path    string
		headers []string
		ok, no  int
	}{
		{"/key", ada, 2, 1}, {"/key", adaElsewhere, 0, 1}, {"/key", bob, 2, 1},
		{"/ip", ada, 2, 1}, {"/ip", adaElsewhere, 2, 1}, {"/ip", bob, 0, 1},
		{"/both", ada, 2, 1}, {"/both", adaElsewhere, 2, 1}, {"/both", bob, 2, 1},
		{"/tenant", append(ada, "X-Tenant", "a"), 2, 1}, {"/tenant", append(bob, "X-Tenant", "a"), 0, 1},
		{"/tenant", append(bob, "X-Tenant", "b"), 2, 1}, {"/tenant", ada, 2, 1},
		{"/wide", []string{"X-Forwarded-For", "2001:db8:1:1::1"}, 2, 1}, {"/wide", []string{"X-Forwarded-For", "2001:db8:1:2::1"}, 0, 1},
	} {
		expect(t, fmt.Sprint(test.path, test.headers), statuses(g, test.ok+test.no, test.path, test.headers...), test.ok, test.no)
	}
}

func TestPlans(t *testing.T) {
	g := start(t, site(`{
		tier api /api/* {
			limit 2 15m
		}
		tier other /other {
			limit 1 15m
		}
		plan pro {
			api 4 15m
		}
	}`))
	expect(t, "on the plan", statuses(g, 5, "/api/x", "X-API-KEY", adaKey), 4, 1)
	if got := g.Get("/api/x", "X-API-KEY", adaKey).Header.Get("RateLimit-Policy"); got != `"api";q=4;w=900` {
		t.Errorf("the plan's policy is %s", got)
	}
	expect(t, "without a plan", statuses(g, 5, "/api/x", "X-API-KEY", bobKey), 2, 3)
	expect(t, "a tier that the plan does not name", statuses(g, 2, "/other", "X-API-KEY", adaKey), 1, 1)
}

func TestExempt(t *testing.T) {
	g := start(t, site("1 15m {\nexempt 10.0.0.0/8 2001:db8::1 ::ffff:172.16.0.0/108\n}"))
	expect(t, "exempt as IPv6", statuses(g, 5, "/", "X-Forwarded-For", "172.16.2.3"), 5, 0)
	expect(t, "exempt", statuses(g, 5, "/", "X-Forwarded-For", "10.1.2.3"), 5, 0)
	expect(t, "exempt by address", statuses(g, 5, "/", "X-Forwarded-For", "2001:db8::1"), 5, 0)
	expect(t, "not exempt", statuses(g, 5, "/", "X-Forwarded-For", "11.1.2.3"), 1, 4)
}

func TestShadow(t *testing.T) {
	g := start(t, site("{\ntier trial {\nlimit 2 15m\nshadow\n}\n}"))
	expect(t, "shadow", statuses(g, 4, "/", "X-Forwarded-For", "10.0.0.50"), 4, 0)
	events := g.Events()
	if len(events) != 2 || events[0]["enforced"] != false || events[0]["tier"] != "trial" || events[0]["event"] != "excess_rate_limit_exceeded" {
		t.Errorf("the events: %v", events)
	}
	if got := g.Get("/").Header.Get("RateLimit-Limit"); got != "" {
		t.Errorf("a shadow announces itself: %s", got)
	}
}
