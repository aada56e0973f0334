package gatehouse_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

func init() { caddy.RegisterModule(passThrough{}) }

// passThrough is a handler in a configuration that does nothing.
type passThrough struct{ gatetest.PassThrough }

func (passThrough) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.pass_through", New: func() caddy.Module { return new(passThrough) }}
}

// BenchmarkPreset shows what a preset adds to an allowed request, the proxy
// taken off: beside it the same chain with handlers that do nothing.
func BenchmarkPreset(b *testing.B) {
	for _, bench := range []struct {
		name, preset string
		idle         bool
	}{
		{"pass-through", "elizaos", true},
		{"elizaos", "elizaos", false},
		{"api", "api", false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			clearEnv(b)
			b.Setenv("ELIZA_API_KEY", "correct-horse-battery-staple-1")
			b.Setenv("ELIZA_SERVER_AUTH_TOKEN", "correct-horse-battery-staple-2")
			b.Setenv("CORS_ORIGIN", "https://app.example.com")
			b.Setenv("API_RATE_LIMIT_MAX", "1000000000")
			options := ""
			if bench.preset == "api" {
				options = " {\nauth {\nkey client {env.ELIZA_API_KEY} {\nscopes *\n}\n}\nrate_limit {\ntier api {\nlimit 1000000000 15m\n}\n}\n}"
			}
			g := gatetest.New(b)
			config, err := gatetest.Adapt("{\nauto_https off\nadmin off\n}\nhttp://127.0.0.1:18099 {\ngatehouse " + bench.preset + " 127.0.0.1:1" + options + "\n}")
			if err != nil {
				b.Fatal(err)
			}
			if err := g.LoadJSON(withoutProxy(b, config, bench.idle)); err != nil {
				b.Fatal(err)
			}
			var chain reaching
			chain.MiddlewareHandler = gatetest.Handler[*caddyhttp.Subroute](g)
			key, origin := []string{"correct-horse-battery-staple-1"}, []string{"https://app.example.com"}
			withKey := func(r *http.Request) { r.Header["X-Api-Key"], r.Header["Origin"] = key, origin }
			b.Run("list", func(b *testing.B) {
				gatetest.BenchHandler(b, &chain, "/api/agents", withKey)
			})
			b.Run("chat", func(b *testing.B) {
				const message = `{"content":"Who goes there? It is late, and I have a question about the weather in the mountains.","mode":"sync"}`
				body, kind := strings.NewReader(message), []string{"application/json"}
				gatetest.BenchHandler(b, &chain, "/api/messaging/sessions/8d0c1b52-6c05-4a6f-9c0e-0f6a5f2b7c11/messages", func(r *http.Request) {
					withKey(r)
					body.Reset(message)
					r.Method, r.Header["Content-Type"] = http.MethodPost, kind
					r.Body, r.ContentLength = io.NopCloser(body), int64(len(message))
				})
			})
			if chain.refused {
				b.Fatalf("a request was refused:\n%s", g.Log())
			}
		})
	}
}

// BenchmarkRefusal shows what the chain of a preset takes to refuse a stranger,
// and somebody over a limit.
func BenchmarkRefusal(b *testing.B) {
	clearEnv(b)
	b.Setenv("ELIZA_API_KEY", "correct-horse-battery-staple-1")
	g := gatetest.New(b)
	config, err := gatetest.Adapt("{\nauto_https off\nadmin off\n}\nhttp://127.0.0.1:18099 {\ngatehouse api 127.0.0.1:1 {\n" +
		"auth {\nkey client {env.ELIZA_API_KEY} {\nscopes *\n}\n}\nrate_limit {\ntier api {\nlimit 1 15m\n}\n}\n}\n}")
	if err != nil {
		b.Fatal(err)
	}
	if err := g.LoadJSON(withoutProxy(b, config, false)); err != nil {
		b.Fatal(err)
	}
	chain := reaching{MiddlewareHandler: gatetest.Handler[*caddyhttp.Subroute](g)}
	key := []string{"correct-horse-battery-staple-1"}
	for name, shown := range map[string][]string{"401": nil, "429": key} {
		b.Run(name, func(b *testing.B) {
			gatetest.BenchHandler(b, &chain, "/api/agents", func(r *http.Request) { r.Header["X-Api-Key"] = shown })
		})
		if chain.reached {
			b.Fatalf("%s: a request was let through:\n%s", name, g.Log())
		}
	}
}

// reaching sees whether every request gets through a chain, and reads its body
// as the backend would.
type reaching struct {
	caddyhttp.MiddlewareHandler
	reached, refused bool
}

func (c *reaching) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	c.reached = false
	err := c.MiddlewareHandler.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		c.reached = true
		if r.Body != nil {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return err
			}
		}
		return next.ServeHTTP(w, r)
	}))
	c.refused = c.refused || !c.reached
	return err
}

// withoutProxy puts a handler that does nothing in the place of the proxy, and
// if idle is set in the place of every handler of the gate.
func withoutProxy(t testing.TB, config []byte, idle bool) []byte {
	t.Helper()
	var tree any
	if err := json.Unmarshal(config, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				walk(item)
			}
		case map[string]any:
			name, _ := node["handler"].(string)
			if name == "reverse_proxy" || idle && strings.HasPrefix(name, "agent_") {
				clear(node)
				node["handler"] = "pass_through"
			}
			for _, item := range node {
				walk(item)
			}
		}
	}
	walk(tree)
	config, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return config
}
