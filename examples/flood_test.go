package examples_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	_ "github.com/mholt/caddy-ratelimit"
)

// TestFlood holds that the zone refuses before anybody's key is looked at, in
// our words, and that the tiers count behind it.
func TestFlood(t *testing.T) {
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "the-token-of-the-backend-0123456789abcdef")
	t.Setenv("ELIZA_API_KEY", key)
	text, err := os.ReadFile("flood/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for old, now := range map[string]string{"agents.example.com {": "GATE {", "127.0.0.1:3000": "BACKEND", "events 2000": "events 3", "10s": "1h"} {
		if strings.Count(string(text), old) != 1 {
			t.Fatalf("%s is not once in the example", old)
		}
		text = []byte(strings.Replace(string(text), old, now, 1))
	}
	g := gatetest.Start(t, string(text))
	if res := g.Get("/api/agents", "X-API-KEY", key); res.Status != 200 || res.Header.Get("RateLimit-Limit") != "1000" {
		t.Errorf("within both: %d %v", res.Status, res.Header)
	}
	for range 2 {
		if res := g.Get("/api/agents", "X-API-KEY", "a-key-that-nobody-has-0123456789"); res.Status != 401 {
			t.Errorf("a wrong key: %d", res.Status)
		}
	}
	res := g.Get("/api/agents", "X-API-KEY", "a-key-that-nobody-has-0123456789")
	const want = `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests. Please try again later."}}`
	if res.Status != 429 || res.Body != want || res.Header.Get("Retry-After") == "" || res.Header.Get("X-Content-Type-Options") == "" {
		t.Errorf("over the ceiling: %d %s %v", res.Status, res.Body, res.Header)
	}
	events := g.Events()
	if last := events[len(events)-1]; last["event"] != "excess_rate_limit_exceeded" || last["tier"] != "flood" {
		t.Errorf("the event: %v", last)
	}
}
