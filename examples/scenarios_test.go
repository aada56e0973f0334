// Package examples_test runs the examples, each with a backend that records
// what reaches it.
package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	key      = "the-key-of-the-clients-0123456789abcdef"
	app      = "https://app.example.com"
	stranger = "https://stranger.example"
)

// start loads an example as it stands, but for the addresses.
func start(t *testing.T, name, site string, global ...string) *gatetest.Gate {
	t.Helper()
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "the-token-of-the-backend-0123456789abcdef")
	t.Setenv("ELIZA_API_KEY", key)
	text, err := os.ReadFile(filepath.Join(name, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	for old, now := range map[string]string{site + " {": "GATE {", "127.0.0.1:3000": "BACKEND"} {
		if strings.Count(string(text), old) != 1 {
			t.Fatalf("%s is not once in the example", old)
		}
		text = []byte(strings.Replace(string(text), old, now, 1))
	}
	if len(global) > 0 {
		text = []byte(strings.Replace(string(text), "{\n", "{\n"+strings.Join(global, "\n")+"\n", 1))
	}
	return gatetest.Start(t, string(text))
}

const trusted = "servers {\ntrusted_proxies static 127.0.0.1\ntrusted_proxies_strict\n}"

func TestPublic(t *testing.T) {
	g := start(t, "public", "agents.example.com", trusted)
	res := g.Get("/api/agents", "Origin", stranger)
	if res.Status != 200 || res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header["Access-Control-Allow-Credentials"] != nil {
		t.Errorf("a stranger's page: %d %v", res.Status, res.Header)
	}
	if res := g.Send("POST", "/api/messaging/sessions", `{}`, "Content-Type", "application/json"); res.Status != 200 {
		t.Errorf("a stranger may chat: %d %s", res.Status, res.Body)
	}
	reached := len(g.Backend.Seen())
	for _, route := range sensitive {
		method, path, _ := strings.Cut(route, " ")
		if res := g.Send(method, path, "", "X-Forwarded-For", "192.0.2.77"); res.Status != 401 {
			t.Errorf("%s: %d", route, res.Status)
		}
	}
	if n := len(g.Backend.Seen()) - reached; n != 0 {
		t.Errorf("%d sensitive requests reached the backend", n)
	}
	for i := range 101 {
		res = g.Get("/api/agents", "X-Forwarded-For", "192.0.2.1")
		if want := 200; i == 100 {
			want = 429
			if res.Status != want || !strings.Contains(res.Body, "RATE_LIMIT_EXCEEDED") || res.Header.Get("Retry-After") == "" {
				t.Errorf("request 101: %d %s", res.Status, res.Body)
			}
		} else if res.Status != want {
			t.Fatalf("request %d: %d", i+1, res.Status)
		}
	}
	if res := g.Get("/api/agents", "X-Forwarded-For", "192.0.2.2"); res.Status != 200 {
		t.Errorf("another address is limited too: %d", res.Status)
	}
}

// sensitive are routes that run the server.
var sensitive = []string{
	"POST /api/agents", "PATCH /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d", "DELETE /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d", "POST /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/start", "POST /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/stop",
	"GET /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/logs", "DELETE /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/logs/b850bc30-45f8-0041-a00a-83df46d8555e", "GET /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/runs", "DELETE /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/memories", "PATCH /api/agents/b850bc30-45f8-0041-a00a-83df46d8555d/memories/b850bc30-45f8-0041-a00a-83df46d8555e",
	"DELETE /api/memory/x/memories", "POST /api/memory/groups/x", "POST /api/messaging/submit", "POST /api/messaging/action",
	"POST /api/messaging/ingest-external", "POST /api/messaging/message-servers", "GET /api/messaging/sessions", "GET /api/messaging/jobs",
	"GET /api/server/debug/servers", "POST /api/server/stop", "GET /api/server/logs", "POST /api/server/logs", "DELETE /api/server/logs",
	"GET /api/system/env/local", "POST /api/system/env/local", "GET /api/nobody/knows", "POST /api/messaging/channels/x/upload-media",
}

func TestPrivate(t *testing.T) {
	g := start(t, "private", "agents.example.com")
	if res := g.Get("/api/agents", "Origin", app); res.Status != 401 || res.Header.Get("Access-Control-Allow-Origin") != app {
		t.Errorf("without a key: %d %v", res.Status, res.Header)
	}
	if res := g.Get("/api/agents", "Authorization", "Bearer "+key); res.Status != 401 {
		t.Errorf("with the key in another header: %d", res.Status)
	}
	res := g.Get("/api/agents", "X-API-KEY", key, "Origin", app)
	if res.Status != 200 || res.Header.Get("Access-Control-Allow-Origin") != app || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("the app: %d %v", res.Status, res.Header)
	}
	if limit := res.Header.Get("RateLimit-Limit"); limit != "1000" {
		t.Errorf("the limit is %s", limit)
	}
	if res := g.Get("/api/agents", "X-API-KEY", key, "Origin", stranger); res.Header["Access-Control-Allow-Origin"] != nil {
		t.Errorf("a stranger's page: %v", res.Header)
	}
}

func TestInternal(t *testing.T) {
	g := start(t, "internal", "agents.example.com", trusted)
	for from, want := range map[string]int{"10.1.2.3": 200, "172.20.0.1": 200, "172.32.0.1": 403, "192.0.2.1": 403, "127.0.0.1": 403} {
		if res := g.Get("/api/agents", "X-API-KEY", key, "X-Forwarded-For", from); res.Status != want {
			t.Errorf("from %s: %d", from, res.Status)
		}
	}
	if res := g.Get("/api/agents", "X-Forwarded-For", "10.1.2.3"); res.Status != 401 {
		t.Errorf("without a key: %d", res.Status)
	}
	res := g.Send("OPTIONS", "/api/agents", "", "Origin", app, "Access-Control-Request-Method", "GET", "X-Forwarded-For", "10.1.2.3")
	if res.Status != 403 {
		t.Errorf("preflight: %d", res.Status)
	}
	if res := g.Get("/api/agents", "X-API-KEY", key, "Origin", app, "X-Forwarded-For", "10.1.2.3"); res.Header["Access-Control-Allow-Origin"] != nil {
		t.Errorf("%v", res.Header)
	}
}

func TestDevelopment(t *testing.T) {
	g := start(t, "development", "http://localhost:8080")
	if res := g.Send("POST", "/api/agents", `{}`, "Origin", "http://localhost:5173"); res.Status != 200 || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%d %v", res.Status, res.Header)
	}
	text, err := os.ReadFile("development/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	config, err := gatetest.Adapt(string(text))
	if err != nil || !strings.Contains(string(config), `"listen":["127.0.0.1:8080"]`) {
		t.Errorf("it listens elsewhere: %v %s", err, config)
	}
}
