package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// The API_KEY of a character file, without an id and with a name that has to be
// encoded, is a key for the agent that the real server makes of that file, and
// for no other.
func TestCharacterFile(t *testing.T) {
	const secret = "the-api-key-of-a-character-0123456789"
	folder := t.TempDir()
	text, err := json.Marshal(map[string]any{
		"name": "Ada Lövelace (the 1st) & Söhne 🚪",
		"bio":  []string{"Answers the same to everyone."},
		"settings": map[string]any{
			"secrets": map[string]string{"API_KEY": secret},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "ada.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	e := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Env: []string{"E2E_CHARACTER=" + file}})
	found, ok, err := keys.ParseCharacter(text, []string{"read", "chat"})
	if err != nil || !ok || len(found.Agents) != 1 {
		t.Fatalf("the key of the character file: %v, %v", found, err)
	}
	if got := found.Agents[0]; got != e.AgentID {
		t.Fatalf("the key is for the agent %s, the server has the agent %s", got, e.AgentID)
	}

	ring := filepath.Join(t.TempDir(), "keys.json")
	if err := keys.NewFile(ring).Init(); err != nil {
		t.Fatal(err)
	}
	g := house.StartGate(t, house.GateConfig{
		Global: "gatehouse {\nkeys " + ring + " {\ncharacters " + folder + "/*.json\n}\n}",
		Sites:  fmt.Sprintf("localhost {\n\tgatehouse elizaos 127.0.0.1:%d\n}", e.Port),
		Env:    []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	client := house.Client(t, g.LocalCA())
	ask := func(path string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://localhost:%d%s", g.Config.HTTPSPort, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-API-KEY", secret)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := ask("/api/agents/" + e.AgentID + "/rooms"); got != http.StatusOK {
		t.Errorf("its own agent: %d", got)
	}
	if got := ask("/api/agents/" + noSuchID + "/rooms"); got != http.StatusForbidden {
		t.Errorf("another agent: %d", got)
	}
	// The file is watched: without the secret in it, there is no key.
	if err := os.WriteFile(file, []byte(`{"name": "Ada"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	g.Retry(t, func() error {
		if got := ask("/api/agents/" + e.AgentID + "/rooms"); got != http.StatusUnauthorized {
			return fmt.Errorf("the key that is gone: %d", got)
		}
		return nil
	})
}
