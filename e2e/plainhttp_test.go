package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestPlainHTTP asks the port of plain http for what must not come there, for
// what may, and for what is none of the gate's business.
func TestPlainHTTP(t *testing.T) {
	const guarded = `agents.test {
	tls internal
	gatehouse api 127.0.0.1:1 {
		gate {
			realm agents
		}
		auth {
			key ada {env.ADA_KEY}
		}
	}
}
blog.test {
	tls internal
	respond "the blog"
}
`
	const ownSite = `
http://own.test {
	respond "the operator's own"
}
`
	key := operatorKey()
	g := house.StartGate(t, house.GateConfig{Sites: guarded, Env: []string{"ADA_KEY=" + key}})
	ask := func(t *testing.T, method, host, path string, header ...string) (int, http.Header, string) {
		t.Helper()
		a := house.Ask(t, house.Client(t, ""), method, fmt.Sprintf("http://%s:%d%s", host, g.Config.HTTPPort, path), "", header...)
		return a.Status, a.Header, a.Body
	}
	check := func(t *testing.T) {
		for _, c := range []struct {
			name, host, path string
			header           []string
			refused          bool
		}{
			{"a browser", "agents.test", "/", nil, false},
			{"a browser with cookies", "agents.test", "/chat?tab=1", []string{"Cookie", "theme=dark; session_token=0123456789abcdef0123"}, false},
			{"the API", "agents.test", "/api/agents", nil, true},
			{"the API, written otherwise", "agents.test", "//%61PI/agents", nil, true},
			{"what only begins like it", "agents.test", "/apiary", nil, false},
			{"a key", "agents.test", "/", []string{"X-API-KEY", key}, true},
			{"no key of ours", "agents.test", "/", []string{"X-API-KEY", "x"}, true},
			{"a bearer", "agents.test", "/", []string{"Authorization", "Bearer " + key}, true},
			{"basic", "agents.test", "/", []string{"Authorization", "Basic eDp5"}, true},
			{"a misspelt header", "agents.test", "/", []string{"X-Agent-Key", key}, true},
			{"a key in the query", "agents.test", "/?api_key=x", nil, true},
			{"a key in a cookie", "agents.test", "/", []string{"Cookie", "x=" + key}, true},
			{"a host that nobody has", "nobody.test", "/", []string{"X-API-KEY", key}, true},
			{"another site", "blog.test", "/api/x", []string{"Authorization", "Basic eDp5"}, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				status, header, body := ask(t, http.MethodGet, c.host, c.path, c.header...)
				if !c.refused {
					if status != http.StatusPermanentRedirect || !strings.HasPrefix(header.Get("Location"), "https://"+c.host) {
						t.Fatalf("not redirected: %d %v", status, header)
					}
					return
				}
				if status != http.StatusForbidden || !strings.Contains(body, `"code":"HTTPS_REQUIRED"`) {
					t.Fatalf("not refused: %d %s", status, body)
				}
				g.WaitFor(t, `"request_id":"`+header.Get("X-Request-Id")+`"`)
				var event string
				for line := range strings.Lines(g.Output()) {
					if strings.Contains(line, header.Get("X-Request-Id")) {
						event = line
					}
				}
				carries := strings.Contains(strings.Join(c.header, " "), key)
				if exposed := strings.Contains(event, `"event":"authn_token_exposed"`) && strings.Contains(event, `"key_id":"ada"`); exposed != carries {
					t.Errorf("the event does not say what was exposed: %s", event)
				}
			})
		}
	}
	t.Run("started", check)
	g.Reload(t, guarded, "")
	t.Run("reloaded", check)
	// Now the port has a site of the operator's, and the redirects are in its server.
	g.Reload(t, guarded+ownSite, "")
	t.Run("beside a site", func(t *testing.T) {
		check(t)
		if status, _, body := ask(t, http.MethodGet, "own.test", "/api/x", "X-API-KEY", key); status != http.StatusOK || body != "the operator's own" {
			t.Errorf("the operator's own site: %d %s", status, body)
		}
	})
	if strings.Contains(g.Output(), key) {
		t.Error("the key is in the output")
	}
}
