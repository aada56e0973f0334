package ratelimit_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
)

// together is a site whose gates count in a server together.
func together(server *miniredis.Miniredis, lines string, options ...string) string {
	return strings.Replace(site(lines), "{\n", "{\n\tgatehouse {\n\t\tlimits redis redis://"+server.Addr()+
		" {\n\t\t\tbudget 30s\n\t\t\t"+strings.Join(options, "\n\t\t\t")+"\n\t\t}\n\t}\n", 1)
}

// events of a name, in the log.
func eventsNamed(g *gatetest.Gate, name string) (n int) {
	for _, e := range g.Events() {
		if e["event"] == name {
			n++
		}
	}
	return n
}

// gauge is the value of a metric without labels, and whether there is one.
func gauge(t *testing.T, name string) (float64, bool) {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		m := family.GetMetric()[0]
		return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
	}
	return 0, false
}

// TestStoreCounts holds that what one gate admitted is known to another, which
// has never seen the client.
func TestStoreCounts(t *testing.T) {
	server := miniredis.RunT(t)
	text := together(server, "{\ntier api {\nlimit 5 15m\nshared all\n}\n}")
	t.Run("one gate", func(t *testing.T) {
		g := start(t, text)
		expect(t, "ada", statuses(g, 3, "/", "X-API-KEY", adaKey), 3, 0)
		expect(t, "a stranger", statuses(g, 6, "/", "X-Forwarded-For", "2001:db8::1"), 5, 1)
	})
	t.Run("another", func(t *testing.T) {
		g := start(t, text)
		res := g.Get("/", "X-API-KEY", adaKey)
		if res.Status != 200 || res.Header.Get("RateLimit-Remaining") != "1" {
			t.Errorf("ada's fourth: %d %v", res.Status, res.Header)
		}
		expect(t, "ada", statuses(g, 2, "/", "X-API-KEY", adaKey), 1, 1)
		res = g.Get("/", "X-Forwarded-For", "2001:db8::2")
		if res.Status != 429 || res.Header.Get("Retry-After") == "" || res.Header.Get("RateLimit-Remaining") != "0" {
			t.Errorf("a stranger of the same network: %d %v", res.Status, res.Header)
		}
		// Refused there, nothing is kept here: the table would refuse after a
		// reset of the server otherwise.
		server.FlushAll()
		expect(t, "the stranger, after a reset", statuses(g, 6, "/", "X-Forwarded-For", "2001:db8::1"), 5, 1)
	})
	for _, key := range server.Keys() {
		if strings.Contains(key, "2001:db8") {
			t.Errorf("an address stands in the key %s", key)
		}
	}
}

func TestStoreGivesBack(t *testing.T) {
	server := miniredis.RunT(t)
	text := together(server, "{\ntier media {\nlimit 2 15m\nfree 304\nshared all\n}\n}")
	for range 2 {
		t.Run("a gate", func(t *testing.T) {
			g := start(t, text)
			g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
			for range 3 {
				if res := g.Get("/"); res.Status != 304 || res.Header.Get("RateLimit-Remaining") != "2" {
					t.Fatalf("got %d, %v", res.Status, res.Header)
				}
			}
		})
	}
}

// TestStoreAway holds that a gate goes on with its own counts, says so, and
// comes back.
func TestStoreAway(t *testing.T) {
	server := miniredis.NewMiniRedis()
	// A port of the system's own could be another's when it is to start again.
	if err := server.StartAddr(fmt.Sprintf("127.0.0.1:%d", gatetest.Port(t))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	text := together(server, "5 15m", "prefix test")
	g := start(t, text)
	expect(t, "with the store", statuses(g, 3, "/"), 3, 0)
	if up, ok := gauge(t, "caddy_gatehouse_rate_limit_store_up"); !ok || up != 1 {
		t.Errorf("store_up is %v, %t", up, ok)
	}
	if health := g.Get("/healthz", "X-Forwarded-For", "192.0.2.77").Header.Get("Gatehouse-Health"); health != "" {
		t.Errorf("with the store the gate is %s", health)
	}
	server.Close()
	expect(t, "without it", statuses(g, 4, "/"), 2, 2)
	health := func(path string) (int, string) {
		res := g.Get(path, "X-Forwarded-For", "192.0.2.77")
		return res.Status, res.Header.Get("Gatehouse-Health")
	}
	if status, state := health("/healthz"); status != 200 || state != "degraded" {
		t.Errorf("/healthz without it: %d, %q", status, state)
	}
	if _, state := health("/elsewhere"); state != "" {
		t.Errorf("elsewhere strangers learn that the gate is %s", state)
	}
	gatetest.Await(t, "an event", func() bool { return eventsNamed(g, "sys_limit_store_away") == 1 })
	if up, _ := gauge(t, "caddy_gatehouse_rate_limit_store_up"); up != 0 {
		t.Errorf("store_up is %v", up)
	}
	if n, _ := gauge(t, "caddy_gatehouse_rate_limit_store_local_decisions_total"); n < 4 {
		t.Errorf("%v local decisions", n)
	}
	// A reload finds the store as it is.
	if err := g.Load(strings.Replace(text, "5 15m", "6 15m", 1)); err != nil {
		t.Fatal(err)
	}
	if up, _ := gauge(t, "caddy_gatehouse_rate_limit_store_up"); up != 0 {
		t.Errorf("after a reload store_up is %v", up)
	}
	server.FlushAll()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	gatetest.Await(t, "it is back", func() bool { return eventsNamed(g, "sys_limit_store_back") == 1 })
	if status, state := health("/healthz"); status != 200 || state != "" {
		t.Errorf("/healthz with it again: %d, %q", status, state)
	}
	if eventsNamed(g, "sys_limit_store_emptied") != 1 {
		t.Error("it came back without its memory, and nobody says so")
	}
	// The server knows nothing, the gate does.
	expect(t, "afterwards", statuses(g, 3, "/"), 1, 2)
}

// TestStoreNeverThere holds that a gate starts and serves without its store.
func TestStoreNeverThere(t *testing.T) {
	server := miniredis.RunT(t)
	text := together(server, "2 15m")
	server.Close()
	g := start(t, text)
	expect(t, "without a store", statuses(g, 4, "/"), 2, 2)
}

func TestStoreRefused(t *testing.T) {
	g := gatetest.New(t)
	for config, want := range map[string]string{
		`{"redis":{}}`: "its URL is missing",
		`{"redis":{"url":"redis://u:p@127.0.0.1:1"}}`:                                "the URL holds a password",
		`{"redis":{"url":"redis://127.0.0.1:1","password":"p"}}`:                     "the password is written down",
		`{"redis":{"url":"redis://127.0.0.1:1","password":"{env.GH_NOT_THERE}"}}`:    "GH_NOT_THERE",
		`{"redis":{"url":"http://127.0.0.1:1"}}`:                                     "redis://",
		`{"redis":{"url":"redis://127.0.0.1:1","budget":"0s"}}`:                      "more than zero",
		`{"redis":{"url":"redis://127.0.0.1:1","ca":"/does/not/exist"}}`:             "ca:",
		`{"redis":{"url":"rediss://127.0.0.1:1","ca":"testdata/not-a-certificate"}}`: "ca",
	} {
		err := g.LoadJSON([]byte(`{"apps":{"gatehouse":{"parts":{"limits":` + config + `}}}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something with %q", config, err, want)
		}
	}
}

// TestStoreReset holds that a client whom another gate has reset is let in here,
// however it is named.
func TestStoreReset(t *testing.T) {
	server := miniredis.RunT(t)
	g := start(t, together(server, "{\ntier api {\nlimit 2 15m\nshared all\n}\n}"))
	for _, client := range []struct {
		header, value string
		subject       ratelimit.Subject
	}{
		{"X-API-KEY", carlKey, ratelimit.Subject{Key: "carl"}},
		{"X-API-KEY", adaKey, ratelimit.Subject{Key: "ada", IP: "127.0.0.1"}}, // shared by many
		{"X-Forwarded-For", "2001:db8::1", ratelimit.Subject{IP: "2001:db8::9"}},
	} {
		expect(t, client.value, statuses(g, 3, "/", client.header, client.value), 2, 1)
		ratelimit.ResetElsewhere(t, redis.Options{URL: "redis://" + server.Addr(), Budget: time.Minute}, client.subject)
		gatetest.Await(t, "this gate follows", func() bool { return g.Get("/", client.header, client.value).Status == 200 })
		expect(t, client.value+", reset", statuses(g, 2, "/", client.header, client.value), 1, 1)
	}
}
