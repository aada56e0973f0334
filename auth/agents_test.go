package auth_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	agentA = "a0000000-0000-4000-8000-00000000000a"
	agentB = "b0000000-0000-4000-8000-00000000000b"
	entity = "e0000000-0000-4000-8000-00000000000e"

	limitedKey = "a-key-that-is-limited-to-agent-a"
)

// agentSite has a key of one agent, and one of all.
const agentSite = `GATE {
	agent_auth {
		routes elizaos
		key limited ` + limitedKey + ` {
			scopes *
			agents ` + agentA + `
		}
		key bob ` + bobKey + ` {
			scopes *
			entity ` + entity + `
		}
	}
	header {
		+X-Agent "{http.auth.agent.id}"
		defer
	}
	reverse_proxy BACKEND {
		transport agent_backend
	}
}`

// TestXAgentID holds that X-Agent-ID narrows a request to one agent.
func TestXAgentID(t *testing.T) {
	g := gatetest.Start(t, agentSite)
	for _, test := range []struct {
		name, key, method, path, body string
		header                        []string
		want                          int
		code                          string
	}{
		{"none", bobKey, "GET", "/api/agents/" + agentB, "", nil, 200, agentB},
		{"none, no agent", bobKey, "GET", "/api/agents", "", nil, 200, ""},
		{"alone", bobKey, "GET", "/api/agents", "", []string{agentA}, 200, agentA},
		{"empty", bobKey, "GET", "/api/agents", "", []string{""}, 200, ""},
		{"same in path", bobKey, "GET", "/api/agents/" + strings.ToUpper(agentA) + "/rooms", "", []string{agentA}, 200, agentA},
		{"other in path", bobKey, "GET", "/api/agents/" + agentB + "/rooms", "", []string{agentA}, 400, "AGENT_MISMATCH"},
		{"other in a plugin's path", bobKey, "GET", "/api/agents/" + agentB + "/plugins/x", "", []string{agentA}, 400, "AGENT_MISMATCH"},
		{"other in a room's path", bobKey, "GET", "/api/agents/" + agentB + "/rooms/" + entity, "", []string{agentA}, 400, "AGENT_MISMATCH"},
		{"same in query", bobKey, "GET", "/api/x?agentId=" + agentA, "", []string{agentA}, 200, agentA},
		{"other in query", bobKey, "GET", "/api/x?agent_id=" + agentB, "", []string{agentA}, 400, "AGENT_MISMATCH"},
		{"same in body", bobKey, "POST", "/api/messaging/sessions", `{"agentId":"` + agentA + `","userId":"` + entity + `"}`, []string{agentA}, 200, agentA},
		{"other in body", bobKey, "POST", "/api/messaging/sessions", `{"x":[{"agentId":"` + agentB + `"}]}`, []string{agentA}, 400, "AGENT_MISMATCH"},
		{"many in a body", bobKey, "POST", "/api/x", `{"participants":["` + numbered(200) + `"]}`, []string{agentA}, 200, agentA},
		{"too many in a body", bobKey, "POST", "/api/x", `{"participants":["` + numbered(300) + `"]}`, []string{agentA}, 400, "AGENT_MISMATCH"},
		{"a body that is none", bobKey, "POST", "/api/messaging/sessions", `{"agentId"`, []string{agentA}, 400, "AGENT_MISMATCH"},
		{"twice the same", bobKey, "GET", "/api/agents", "", []string{agentA, strings.ToUpper(agentA)}, 200, agentA},
		{"twice, two agents", bobKey, "GET", "/api/agents", "", []string{agentA, agentB}, 400, "AGENT_MISMATCH"},
		{"limited, own", limitedKey, "GET", "/api/agents/" + agentA + "/rooms", "", []string{agentA}, 200, agentA},
		{"limited, other", limitedKey, "GET", "/api/agents/" + agentA + "/rooms", "", []string{agentB}, 403, ""},
		{"limited, own, other in path", limitedKey, "GET", "/api/agents/" + agentB + "/rooms", "", []string{agentA}, 400, "AGENT_MISMATCH"},
		{"limited, own, no agent", limitedKey, "GET", "/api/agents", "", []string{agentA}, 403, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			headers := []string{"X-API-KEY", test.key}
			for _, value := range test.header {
				headers = append(headers, "X-Agent-ID", value)
			}
			if test.body != "" {
				headers = append(headers, "Content-Type", "application/json")
			}
			res := g.Send(test.method, test.path, test.body, headers...)
			if res.Status != test.want {
				t.Fatalf("%d %s, want %d", res.Status, res.Body, test.want)
			}
			if test.want == 400 && !strings.Contains(res.Body, `"code":"`+test.code+`"`) {
				t.Errorf("the answer is %s", res.Body)
			}
			if got := res.Header.Get("X-Agent"); test.want == 200 && got != test.code {
				t.Errorf("the placeholder is %q, want %q", got, test.code)
			}
		})
	}
	if line := g.Events()[0]; line["rule"] != "AGENT_MISMATCH" || line["key_id"] != "bob" {
		t.Errorf("the event is %v", line)
	}
}

// numbered are so many names, as a list in JSON has them between its first quote
// and its last.
func numbered(count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return strings.Join(names, `","`)
}

// TestBodyGoesOn holds that a body that was read reaches the backend whole.
func TestBodyGoesOn(t *testing.T) {
	g := gatetest.Start(t, agentSite)
	got := make(chan string, 2)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	})
	body := `{"agentId":"` + agentA + `","text":"` + strings.Repeat("héllo ", 20_000) + `"}`
	g.Send("POST", "/api/messaging/jobs", body, "X-API-KEY", bobKey, "X-Agent-ID", agentA, "Content-Type", "application/json")
	if seen := <-got; seen != body {
		t.Errorf("the backend got %d of %d bytes", len(seen), len(body))
	}
	g.Raw("POST /api/messaging/jobs HTTP/1.1\r\nHost: " + g.Addr + "\r\nConnection: close\r\nX-API-KEY: " + bobKey + "\r\nX-Agent-ID: " + agentA +
		"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n")
	if seen := <-got; seen != `{"a":1}` {
		t.Errorf("in chunks, the backend got %q", seen)
	}
}

// TestEntity holds that a key that pins an entity carries that one alone.
func TestEntity(t *testing.T) {
	g := gatetest.Start(t, agentSite)
	for _, headers := range [][]string{nil, {"X-Entity-Id", agentB}, {"x-entity-id", agentB, "X-Entity-ID", agentA}} {
		g.Get("/api/agents", append(headers, "X-API-KEY", bobKey)...)
		if got := g.Backend.Last().Header["X-Entity-Id"]; len(got) != 1 || got[0] != entity {
			t.Errorf("%q: the backend got %q", headers, got)
		}
	}
	g.Get("/api/agents/"+agentA, "X-API-KEY", limitedKey, "X-Entity-Id", agentB)
	if got := g.Backend.Last().Header["X-Entity-Id"]; len(got) != 1 || got[0] != agentB {
		t.Errorf("not pinned: the backend got %q", got)
	}
}

// TestLimitedWithoutRoutes holds that a key that is limited to agents is good
// for nothing where nobody knows how the backend names them.
func TestLimitedWithoutRoutes(t *testing.T) {
	err := gatetest.New(t).Load(strings.Replace(agentSite, "routes elizaos", "", 1))
	if err == nil || !strings.Contains(err.Error(), "key limited: it is limited to agents, and nothing says where") {
		t.Errorf("loading it: %v", err)
	}
	file := newKeyFile(t)
	limited := file.add(keys.Key{ID: "limited", Scopes: []string{"*"}, Agents: []string{agentA}})
	g := gatetest.Start(t, file.site(""))
	for _, path := range []string{"/", "/read/x", "/api/agents/" + agentA} {
		if res := g.Get(path, "X-API-KEY", limited, "X-Agent-ID", agentA); res.Status != 403 {
			t.Errorf("%s: %d", path, res.Status)
		}
	}
	if len(g.Backend.Seen()) > 0 {
		t.Error("it reached the backend")
	}
}

// TestMadeIsKept holds that what a key has made outlives reloads and restarts,
// and that a store that cannot be read costs that key alone.
func TestMadeIsKept(t *testing.T) {
	g := gatetest.New(t)
	storage := t.TempDir()
	const other = "another-key-that-is-limited-to-agent-a"
	site := "{\nstorage file_system " + storage + "\n}\n" + strings.Replace(agentSite, "key bob", "key other "+other+" {\nscopes *\nagents "+agentA+"\n}\nkey bob", 1)
	load := func() {
		t.Helper()
		if err := g.Load(site); err != nil {
			t.Fatal(err)
		}
	}
	load()
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"sessionId":"S-`+r.Header.Get("X-Name")+`","channelId":"C"}`)
	})
	for name, key := range map[string]string{"one": limitedKey, "two": other} {
		res := g.Send("POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`"}`, "X-API-KEY", key, "X-Name", name, "Accept-Encoding", "gzip")
		if res.Status != 200 {
			t.Fatalf("%d %s", res.Status, res.Body)
		}
	}
	check := func(when, key, session string, want int) {
		t.Helper()
		if got := g.Get("/api/messaging/sessions/"+session, "X-API-KEY", key).Status; got != want {
			t.Errorf("%s: %s is %d, want %d", when, session, got, want)
		}
	}
	everything := func(when string) {
		t.Helper()
		check(when, limitedKey, "s-one", 200)
		check(when, limitedKey, "s-two", 403)
		check(when, other, "s-two", 200)
		check(when, other, "s-one", 403)
	}
	everything("at once")
	site = strings.Replace(site, "X-Agent", "X-The-Agent", 1)
	load()
	everything("after a reload")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	load()
	everything("after a restart")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	stored, err := filepath.Glob(filepath.Join(storage, "gatehouse", "made", "*.json"))
	if err != nil || len(stored) != 2 {
		t.Fatalf("stored: %v, %v", stored, err)
	}
	for _, path := range stored {
		if text, _ := os.ReadFile(path); strings.Contains(string(text), "s-one") {
			if err := os.WriteFile(path, text[:len(text)-3], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	load()
	check("after the store broke", limitedKey, "s-one", 403)
	check("after the store broke", other, "s-two", 200)
	if !strings.Contains(g.Log(), "what a key has made cannot be read from the storage") {
		t.Error("the log does not say so")
	}
}

// TestAFormThatIsJSON holds that a key that is limited to agents names none
// behind the gate's back: a form may be JSON as well, and say something else.
func TestAFormThatIsJSON(t *testing.T) {
	g := gatetest.Start(t, agentSite)
	const body = `"&agentId=` + agentB + `&x="`
	for contentType, want := range map[string]int{
		"application/x-www-form-urlencoded":                403,
		"application/X-WWW-form-urlencoded; charset=utf-8": 403,
		"application/json":                                 200,
	} {
		res := g.Send("POST", "/api/agents/"+agentA+"/rooms", body, "X-API-KEY", limitedKey, "Content-Type", contentType)
		if res.Status != want {
			t.Errorf("%s: %d, want %d", contentType, res.Status, want)
		}
	}
}
