package elizaos

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
)

func TestScope(t *testing.T) {
	table := compile(routes)
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/api/agents", read},
		{"HEAD", "/api/agents", read},
		{"GET", "/api/agents/", read},
		{"GET", "/API/Agents", read},
		{"POST", "/api/agents", admin},
		{"PUT", "/api/agents", admin},
		{"GET", "/api/agents/0f1e", read},
		{"GET", "/api/agents/worlds", read},
		{"GET", "/api/agents/0f1e/panels", read},
		{"GET", "/api/agents/0f1e/plugins/x/y", admin},
		{"GET", "/api/agents/0f1e/logs", admin},
		{"DELETE", "/api/agents/0f1e/memories/all/77", admin},
		{"GET", "/api/memory/0f1e/rooms/77/memories", read},
		{"POST", "/api/memory/groups/77", admin},
		{"GET", "/api/memory/groups/77", admin},
		{"POST", "/api/messaging/submit", admin},
		{"POST", "/api/messaging/channels/77/messages", chat},
		{"GET", "/api/messaging/channels/77/messages", read},
		{"POST", "/api/messaging/channels/77/upload-media", upload},
		{"POST", "/api/messaging/sessions", chat},
		{"GET", "/api/messaging/sessions", admin},
		{"GET", "/api/messaging/sessions/health", read},
		{"GET", "/api/messaging/sessions/77", chat},
		{"PATCH", "/api/messaging/sessions/77/timeout", chat},
		{"GET", "/api/messaging/central-channels/77/messages", admin},
		{"POST", "/api/audio/0f1e/transcriptions", upload},
		{"POST", "/api/audio/0f1e/speech/generate", chat},
		{"GET", "/api/system/env/local", admin},
		{"POST", "/api/server/stop", admin},
		{"GET", "/api", admin},
		{"GET", "/api/", admin},
		{"GET", "/api/unheard/of", admin},
		{"BREW", "/api/agents", admin},
		{"GET", "/media/uploads/agents/0f1e/x.png", read},
		{"POST", "/media/uploads/x", anyKey},
		{"GET", "/socket.io/", chat},
		{"POST", "/socket.io/", chat},
		{"GET", "/", anyKey},
		{"GET", "/assets/index.js", anyKey},
		{"GET", "/fake-model/secret", anyKey},
	} {
		if got := table.Route(test.method, test.path).Scope; got != test.want {
			t.Errorf("%s %s needs %q, want %q", test.method, test.path, got, test.want)
		}
	}
}

func TestTiers(t *testing.T) {
	table := compile(routes)
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/api/agents", "api"},
		{"GET", "/api", "api"},
		{"BREW", "/api/unheard/of", "api"},
		{"POST", "/api/media/agents/0f1e/upload-media", "api upload file_system"},
		{"POST", "/api/media/channels/77/upload-media", "api upload file_system channel_validation"},
		{"POST", "/api/messaging/channels/77/upload-media/", "api upload file_system channel_validation"},
		{"POST", "/API/Audio/0f1e/transcriptions", "api upload file_system"},
		{"POST", "/api/audio/0f1e/speech/generate", "api file_system"},
		{"GET", "/api/messaging/channels/77/messages", "api channel_validation"},
		{"GET", "/media/uploads/agents/0f1e/x.png", "media"},
		{"HEAD", "/media/generated/0f1e/x.png", "media"},
		{"POST", "/media/uploads/x", ""},
		{"GET", "/socket.io/", ""},
		{"GET", "/", ""},
	} {
		if got := strings.Join(table.Route(test.method, test.path).Tiers, " "); got != test.want {
			t.Errorf("%s %s counts in %q, want %q", test.method, test.path, got, test.want)
		}
	}
}

// TestEveryRoute holds that each line of the table answers for its own path.
func TestEveryRoute(t *testing.T) {
	table := compile(routes)
	for _, r := range routes {
		path := strings.NewReplacer(":", "a-", "*", "rest/of/it").Replace(r.path)
		for _, method := range strings.Fields(strings.ReplaceAll(r.methods, "*", "BREW")) {
			if got := table.Route(method, path).Scope; got != r.scope {
				t.Errorf("%s %s needs %q, its line says %q", method, path, got, r.scope)
			}
		}
	}
}

// FuzzScope holds that nothing under /api is open without a line that says so:
// the answer for a path is the one that a plain reading of the lines gives.
func FuzzScope(f *testing.F) {
	f.Add("GET", "/api/agents")
	f.Add("POST", "/api/memory/groups/x/memories")
	f.Add("DELETE", "/API/agents/x/memories/all/y/")
	table := compile(routes)
	f.Fuzz(func(t *testing.T, method, path string) {
		cleaned, err := urlpath.Clean(&url.URL{Path: path})
		if err != nil {
			return
		}
		got := table.Route(method, cleaned).Scope
		if !possible(method, cleaned)[got] {
			t.Fatalf("%s %s needs %q, which no line of the table says", method, cleaned, got)
		}
	})
}

// possible are the scopes of all lines that could be meant.
func possible(method, path string) map[string]bool {
	if method == "HEAD" {
		method = "GET"
	}
	scopes := make(map[string]bool)
	have := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	named, wild := map[string]bool{}, map[string]bool{}
	for _, r := range routes {
		want := strings.Split(strings.TrimPrefix(r.path, "/"), "/")
		rest := want[len(want)-1] == "*"
		if rest {
			want = want[:len(want)-1]
		}
		if len(have) < len(want) && !(len(want) == 0) || !rest && len(have) != len(want) {
			continue
		}
		match := true
		for i, segment := range want {
			match = match && (strings.HasPrefix(segment, ":") || strings.EqualFold(segment, have[i]))
		}
		methods := " " + r.methods + " "
		if !match || r.methods != "*" && !strings.Contains(methods, " "+method+" ") {
			continue
		}
		if rest {
			if len(want) > 0 { // the nearer "*" wins over "/*"
				delete(wild, anyKey)
				wild[r.scope] = true
			} else if len(wild) == 0 {
				wild[r.scope] = true
			}
		} else {
			named[r.scope] = true
		}
	}
	for scope := range named {
		scopes[scope] = true
	}
	if len(named) == 0 {
		scopes = wild
	}
	return scopes
}
