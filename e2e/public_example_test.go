package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// In the public example, a caller without a key reads and chats with the real
// server, and none of the routes that run it ever hears of him.
func TestPublicExample(t *testing.T) {
	e := house.SharedElizaOS(t)
	text, err := os.ReadFile(filepath.Join(house.Root(), "examples", "public", "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, site, found := strings.Cut(string(text), "agents.example.com {")
	if !found {
		t.Fatal("the example has another site")
	}
	g := house.StartGate(t, house.GateConfig{
		Sites: "localhost {" + strings.ReplaceAll(site, "127.0.0.1:3000", fmt.Sprintf("127.0.0.1:%d", e.Port)),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	client := house.Client(t, g.LocalCA())
	ask := func(method, path string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("https://localhost:%d%s", g.Config.HTTPSPort, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if status := ask("GET", "/api/agents"); status != http.StatusOK {
		t.Fatalf("a stranger cannot read: %d", status)
	}
	reached := len(backendCalls(t, e))
	for _, route := range []string{
		"POST /api/agents", "PATCH /api/agents/ID", "DELETE /api/agents/ID", "POST /api/agents/ID/start", "POST /api/agents/ID/stop",
		"GET /api/agents/ID/logs", "DELETE /api/agents/ID/logs/x", "GET /api/agents/ID/runs", "DELETE /api/agents/ID/memories",
		"PATCH /api/agents/ID/memories/x", "DELETE /api/memory/ID/memories", "POST /api/memory/groups/x", "DELETE /api/memory/groups/x",
		"POST /api/messaging/submit", "POST /api/messaging/action", "POST /api/messaging/ingest-external", "POST /api/messaging/message-servers",
		"GET /api/messaging/sessions", "GET /api/messaging/jobs", "GET /api/server/debug/servers", "POST /api/server/stop",
		"GET /api/server/logs", "POST /api/server/logs", "DELETE /api/server/logs", "GET /api/system/env/local", "POST /api/system/env/local",
	} {
		method, path, _ := strings.Cut(strings.ReplaceAll(route, "ID", e.AgentID), " ")
		if status := ask(method, path); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", route, status)
		}
	}
	if n := len(backendCalls(t, e)) - reached; n != 0 {
		t.Errorf("%d of them reached the server", n)
	}
}
