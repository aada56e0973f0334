package auth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// A character file's API_KEY is a key, as long as it stands there.
func TestCharacterKeys(t *testing.T) {
	file, folder := newKeyFile(t), t.TempDir()
	own := file.add(keys.Key{ID: "own", Scopes: []string{"read"}})
	character := filepath.Join(folder, "ada.json")
	write := func(text string) {
		t.Helper()
		next := character + ".new"
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, character); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"name": "Ada", "settings": {"secrets": {"API_KEY": "` + adaKey + `"}}}`)
	site := "{\ngatehouse {\nkeys " + file.Path() + " {\ncharacters " + folder + "/*.json read\n}\n}\n}\nGATE {\nagent_auth {\nroutes elizaos\nrequire read /api/agents/*\n}\nrespond hello\n}"
	g := gatetest.Start(t, site)
	mine := "/api/agents/" + keys.AgentID("Ada") + "/rooms"
	if res := g.Get(mine, "X-API-KEY", adaKey); res.Status != 200 {
		t.Errorf("its own agent: %d", res.Status)
	}
	if res := g.Get("/api/agents/"+keys.AgentID("Bob")+"/rooms", "X-API-KEY", adaKey); res.Status != 403 {
		t.Errorf("another agent: %d", res.Status)
	}
	write(`{`)
	gatetest.Await(t, "the log complains", func() bool {
		return strings.Contains(g.Log(), "the character files cannot be used") && strings.Contains(g.Log(), "sys_key_file_broken")
	})
	if res := g.Get(mine, "X-API-KEY", adaKey); res.Status != 200 {
		t.Errorf("with a broken character: %d", res.Status)
	}
	write(`{"name": "Ada", "settings": {"secrets": {"API_KEY": "` + otherKey + `"}}}`)
	gatetest.Await(t, "the new key is valid", func() bool { return g.Get(mine, "X-API-KEY", otherKey).Status == 200 })
	if res := g.Get(mine, "X-API-KEY", adaKey); res.Status != 401 {
		t.Errorf("the old key: %d", res.Status)
	}
	if res := g.Get("/api/agents/x/rooms", "X-API-KEY", own); res.Status != 200 {
		t.Errorf("a key of the key file: %d", res.Status)
	}
	if err := gatetest.New(t).Load(strings.ReplaceAll(site, "*.json", "*.none")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("a pattern of nothing: %v", err)
	}
}
