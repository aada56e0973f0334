package e2e_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

const (
	noSuchID = "5f0f6a2e-0000-4000-8000-00000000dead"
	// ownServer is the message server of ElizaOS itself.
	ownServer = "00000000-0000-0000-0000-000000000000"
)

// sensitive are the routes of the real server by which it is run, or by which
// others are overheard or spoken for. {agent} is its agent. The last one stops
// the server.
var sensitive = []string{
	"POST /api/agents",
	"PATCH /api/agents/{agent}",
	"DELETE /api/agents/{none}",
	"POST /api/agents/{agent}/start",
	"POST /api/agents/{none}/stop",
	"GET /api/agents/{agent}/logs",
	"DELETE /api/agents/{agent}/logs/{none}",
	"GET /api/agents/{agent}/runs",
	"GET /api/agents/{agent}/runs/{none}",
	"DELETE /api/agents/{agent}/memories",
	"PATCH /api/agents/{agent}/memories/{none}",
	"DELETE /api/agents/{agent}/memories/{none}",
	"DELETE /api/agents/{agent}/memories/all/{none}",
	"DELETE /api/memory/{agent}/memories",
	"PATCH /api/memory/{agent}/memories/{none}",
	"DELETE /api/memory/{agent}/memories/{none}",
	"DELETE /api/memory/{agent}/memories/all/{none}",
	"POST /api/memory/groups/{none}",
	"DELETE /api/memory/groups/{none}",
	"DELETE /api/memory/groups/{none}/memories",
	"POST /api/messaging/submit",
	"POST /api/messaging/action",
	"PATCH /api/messaging/action/{none}",
	"POST /api/messaging/ingest-external",
	"POST /api/messaging/message-servers",
	"POST /api/messaging/message-servers/{server}/agents",
	"DELETE /api/messaging/message-servers/{server}/agents/{none}",
	"GET /api/messaging/sessions",
	"GET /api/messaging/jobs",
	"GET /api/server/debug/servers",
	"GET /api/server/logs",
	"POST /api/server/logs",
	"DELETE /api/server/logs",
	"POST /api/system/env/local", // the server breaks the connection afterwards
	"GET /api/system/env/local",
	"POST /api/server/stop",
}

// A key with the scopes read and chat lists agents and talks with them over
// sync, SSE and sockets, and gets 403 on each sensitive route, of which the
// server sees nothing; a key with the scope admin passes them.
func TestChatKey(t *testing.T) {
	e := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken})
	file := filepath.Join(t.TempDir(), "keys.json")
	chat := addKey(t, file, keys.Key{ID: "talker", Scopes: []string{"read", "chat"}})
	admin := addKey(t, file, keys.Key{ID: "ops", Scopes: []string{"admin"}})
	g := house.StartGate(t, house.GateConfig{
		Global: "gatehouse {\nkeys " + file + "\n}",
		Sites:  fmt.Sprintf("localhost {\n\tgatehouse elizaos 127.0.0.1:%d\n}", e.Port),
		Env:    []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	url := fmt.Sprintf("https://localhost:%d", g.Config.HTTPSPort)
	client := house.Client(t, g.LocalCA())

	steps := []string{"agents", "message servers", "create channel", "create session", "sync message", "session messages",
		"sse session", "socket websocket talk", "socket polling talk", "socket upgrade talk"}
	for _, step := range (house.Drive{Server: e, URL: url, Key: chat, CAFile: g.LocalCA(), Steps: steps}).Run(t) {
		if !step.OK {
			t.Errorf("the chat key: %s: %d %s", step.Name, step.Status, step.Detail)
		}
	}

	since := 0
	for _, request := range e.Requests(t, 0) {
		since = request.Number
	}
	send := func(route, key string) (status int, body string, reached bool) {
		t.Helper()
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{agent}", e.AgentID, "{none}", noSuchID, "{server}", ownServer).Replace(path)
		header := []string{"X-API-KEY", key}
		if method == http.MethodPost || method == http.MethodPatch {
			body = "{}"
			header = append(header, "Content-Type", "application/json")
		}
		answer := house.Ask(t, client, method, url+path, body, header...)
		for _, request := range e.Requests(t, since) {
			since = request.Number
			reached = reached || request.URL == path && request.Values("X-Forwarded-For") != nil
		}
		return answer.Status, answer.Body, reached
	}
	for _, route := range sensitive {
		status, body, reached := send(route, chat)
		if status != http.StatusForbidden || body != `{"success":false,"error":"Insufficient permissions"}` || reached {
			t.Errorf("%s with a chat key: %d %s, reached the server: %v", route, status, body, reached)
		}
	}
	for _, route := range sensitive {
		status, body, reached := send(route, admin)
		for tries := 0; status == http.StatusBadGateway && !reached && tries < 3; tries++ {
			status, body, reached = send(route, admin) // it met the connection that was just broken
		}
		t.Logf("%-70s %d", route, status)
		if !reached || status == http.StatusUnauthorized {
			t.Errorf("%s with an admin key: %d %s, reached the server: %v", route, status, body, reached)
		}
	}
}
