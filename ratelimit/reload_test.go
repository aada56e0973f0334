package ratelimit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

func TestSitesCountApart(t *testing.T) {
	both := func(a, b string) string {
		return "http://a.test:PORT {\nagent_rate_limit " + a + "\nrespond ok\n}\nhttp://b.test:PORT {\nagent_rate_limit " + b + "\nrespond ok\n}\n"
	}
	g := gatetest.New(t)
	load := func(a, b string) error {
		_, port, _ := strings.Cut(g.Addr, ":")
		return g.Load("{\ndefault_bind 127.0.0.1\n}\n" + strings.ReplaceAll(both(a, b), "PORT", port))
	}
	if err := load("2 15m", "2 15m"); err != nil {
		t.Fatal(err)
	}
	expect(t, "a", statuses(g, 3, "/", "Host", "a.test"), 2, 1)
	expect(t, "b", statuses(g, 3, "/", "Host", "b.test"), 2, 1)
	const shared = "{\ntier flood {\nlimit %d 15m\nshared all\n}\n}"
	if err := load(fmt.Sprintf(shared, 3), fmt.Sprintf(shared, 3)); err != nil {
		t.Fatal(err)
	}
	expect(t, "a, shared", statuses(g, 2, "/", "Host", "a.test"), 2, 0)
	expect(t, "b, shared", statuses(g, 2, "/", "Host", "b.test"), 1, 1)
	if err := load(fmt.Sprintf(shared, 3), fmt.Sprintf(shared, 4)); err == nil || !strings.Contains(err.Error(), "other numbers") {
		t.Errorf("conflicting numbers: %v", err)
	}
}

func TestReload(t *testing.T) {
	g := start(t, site("5 15m"))
	expect(t, "before", statuses(g, 3, "/"), 3, 0)
	if err := g.Load(site("5 15m {\nheaders draft6\n}")); err != nil {
		t.Fatal(err)
	}
	expect(t, "after", statuses(g, 3, "/"), 2, 1)
	if err := g.Load(site("6 15m")); err != nil {
		t.Fatal(err)
	}
	expect(t, "with one more", statuses(g, 2, "/"), 1, 1)
	// A configuration that fails changes nothing.
	if err := g.Load(strings.Replace(site("100 15m"), "agent_gate", "agent_gate\nagent_ip {\nallow file /does/not/exist\n}", 1)); err == nil {
		t.Fatal("a configuration without its file is loaded")
	}
	expect(t, "after a failed one", statuses(g, 1, "/"), 0, 1)
	if err := g.Load(site("3 15m")); err != nil {
		t.Fatal(err)
	}
	res := g.Get("/")
	if res.Status != 429 || res.Header.Get("RateLimit-Limit") != "3" || res.Header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("with fewer: %d %v", res.Status, res.Header)
	}
}
