package gatehouse_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	token     = "the-token-of-the-eliza-server"
	apiKey    = "the-key-of-the-eliza-clients"
	socketKey = "the-key-of-the-eliza-sockets"
)

// clearEnv takes the variables that a preset reads out of the environment.
func clearEnv(t testing.TB) {
	for _, name := range []string{"ELIZA_SERVER_AUTH_TOKEN", "ELIZA_API_KEY", "SERVER_API_KEY", "SERVER_PORT", "SERVER_HOST", "NODE_ENV"} {
		t.Setenv(name, "")
	}
	t.Setenv("SERVER_HOST", "127.0.0.1")
}

const oneLine = "GATE {\ngatehouse elizaos BACKEND\n}"

// statuses asks for the same with each of the keys in turn.
func statuses(g *gatetest.Gate, path string) (answers [3]int) {
	for i, key := range []string{token, apiKey, socketKey} {
		answers[i] = g.Get(path, "X-API-KEY", key).Status
	}
	return answers
}

func TestElizaEnvironment(t *testing.T) {
	for _, test := range []struct {
		name        string
		env         map[string]string
		want        [3]int // with the token, the API key, the socket key
		rest, socks string // what the backend gets
	}{
		{"the token alone", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token}, [3]int{200, 401, 401}, token, token},
		{"a key of the clients' own", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "ELIZA_API_KEY": apiKey}, [3]int{401, 200, 401}, token, token},
		{"an empty one", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "ELIZA_API_KEY": ""}, [3]int{200, 401, 401}, token, token},
		{"a key for sockets", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "SERVER_API_KEY": socketKey}, [3]int{200, 401, 401}, token, socketKey},
		{"all three", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "ELIZA_API_KEY": apiKey, "SERVER_API_KEY": socketKey}, [3]int{401, 200, 401}, token, socketKey},
		{"production", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "NODE_ENV": "production"}, [3]int{200, 401, 401}, token, token},
		{"development loosens nothing", map[string]string{"ELIZA_SERVER_AUTH_TOKEN": token, "NODE_ENV": "development"}, [3]int{200, 401, 401}, token, token},
	} {
		for _, from := range []string{"the process", "a file"} {
			t.Run(test.name+" from "+from, func(t *testing.T) {
				clearEnv(t)
				caddyfile := oneLine
				var lines strings.Builder
				for name, value := range test.env {
					lines.WriteString(name + "=" + value + "\n")
					if from == "the process" {
						t.Setenv(name, value)
					}
				}
				if from == "a file" {
					path := filepath.Join(t.TempDir(), ".env")
					if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
						t.Fatal(err)
					}
					caddyfile = "{\ngatehouse {\nenv_file " + path + "\n}\n}\n" + oneLine
				}
				g := gatetest.Start(t, caddyfile)
				if got := statuses(g, "/api/agents"); got != test.want {
					t.Errorf("got %v, want %v", got, test.want)
				}
				for path, want := range map[string]string{"/api/agents": test.rest, "/socket.io/?EIO=4": test.socks} {
					g.Get(path, "X-API-KEY", token)
					g.Get(path, "X-API-KEY", apiKey)
					if got := g.Backend.Last().Header.Get("X-Api-Key"); got != want || g.Backend.Last().RequestURI != path {
						t.Errorf("on %s the backend got %q", g.Backend.Last().RequestURI, got)
					}
				}
			})
		}
	}
}

func TestElizaNeedsItsToken(t *testing.T) {
	clearEnv(t)
	for _, value := range []string{"", "short", "your-secure-token-here"} {
		t.Setenv("ELIZA_SERVER_AUTH_TOKEN", value)
		err := gatetest.New(t).Load(oneLine)
		if err == nil || !strings.Contains(err.Error(), "ELIZA_SERVER_AUTH_TOKEN") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestDefaultUpstream(t *testing.T) {
	clearEnv(t)
	for port, want := range map[string]string{"": "127.0.0.1:3000", "4567": "127.0.0.1:4567"} {
		t.Setenv("SERVER_PORT", port)
		config, err := gatetest.Adapt("example.com {\ngatehouse elizaos\n}")
		if err != nil || !strings.Contains(string(config), `"dial":"`+want+`"`) {
			t.Errorf("SERVER_PORT=%s: %v, %s", port, err, config)
		}
	}
}

// A file that is not there is named with the line that names it, whether a site
// asks for it while it is adapted, for the backend's port, or nobody does.
func TestMissingEnvFile(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	for _, upstream := range []string{"", "BACKEND"} {
		err := gatetest.New(t).Validate("{\ngatehouse {\nenv_file /nowhere/.env\n}\n}\nGATE {\ngatehouse elizaos " + upstream + "\n}")
		if err == nil || !strings.Contains(err.Error(), "Caddyfile:3: env_file: open /nowhere/.env") || strings.Contains(err.Error(), "Caddyfile:7") {
			t.Errorf("with the backend %q: %v", upstream, err)
		}
	}
}

func TestServerHost(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	for host, warns := range map[string]bool{"": true, "0.0.0.0": true, "127.0.0.1": false, "localhost": false} {
		t.Setenv("SERVER_HOST", host)
		g := gatetest.Start(t, oneLine)
		if got := strings.Contains(g.Log(), "set SERVER_HOST=127.0.0.1"); got != warns {
			t.Errorf("SERVER_HOST=%s: warned %v", host, got)
		}
	}
}

func TestUnreadEnvFile(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	t.Chdir(t.TempDir())
	for _, name := range []string{".env", ".env.production"} {
		if err := os.WriteFile(name, []byte("A=b"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const notice = "an env file lies in this folder and is not read"
	g := gatetest.Start(t, oneLine)
	if strings.Count(g.Log(), notice) != 2 {
		t.Errorf("the log:\n%s", g.Log())
	}
	g = gatetest.Start(t, "{\ngatehouse {\nenv_file .env\n}\n}\n"+oneLine)
	if strings.Count(g.Log(), notice) != 1 || !strings.Contains(g.Log(), ".env.production") {
		t.Errorf("with one named, the log:\n%s", g.Log())
	}
}

// TestElizaRoutes holds that what a key may do in the preset follows the table.
func TestElizaRoutes(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	t.Setenv("CHAT_KEY", apiKey)
	g := gatetest.Start(t, `GATE {
		gatehouse elizaos BACKEND {
			auth {
				key talker {env.CHAT_KEY} {
					scopes read chat
				}
			}
		}
	}`)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/api/agents", 200},
		{"GET", "/api/agents/", 200},
		{"POST", "/api/messaging/sessions", 200},
		{"GET", "/socket.io/?EIO=4", 200},
		{"GET", "/fake-model/secret", 200},
		{"POST", "/api/agents", 403},
		{"GET", "/api/system/env/local", 403},
		{"GET", "//api//system/env/./local", 403},
		{"GET", "/%61pi/system/env/local/", 403},
		{"GET", "/API/SYSTEM/ENV/LOCAL", 403},
		{"POST", "/api/server/stop", 403},
		{"POST", "/api/messaging/submit", 403},
		{"POST", "/api/messaging/channels/x/upload-media", 403},
		{"GET", "/api/never/heard/of", 403},
	} {
		if res := g.Send(test.method, test.path, "", "X-API-KEY", apiKey); res.Status != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, res.Status, test.want)
		}
	}
	if res := g.Get("/healthz"); res.Status != 200 {
		t.Errorf("/healthz: %d", res.Status)
	}
	for _, path := range []string{"/chat", "/api/agents", "/socket.io/", "/media/uploads/x", "/health", "/fake-model/secret"} {
		if res := g.Get(path); res.Status != 401 {
			t.Errorf("%s without a key: %d", path, res.Status)
		}
	}
}

// TestStreamsPassAtOnce holds that the preset passes each event of a stream on
// when it comes: the backend sends the next only after the client has this one.
func TestStreamsPassAtOnce(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	g := gatetest.Start(t, oneLine)
	received := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range []string{"data: one\n\n", "data: two\n\n", "data: three\n\n"} {
			_, _ = w.Write([]byte(event))
			_ = http.NewResponseController(w).Flush()
			<-received
		}
	})
	r, err := http.NewRequest("GET", "http://"+g.Addr+"/api/agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-KEY", token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, want := range []string{"data: one\n\n", "data: two\n\n", "data: three\n\n"} {
		got := make([]byte, len(want))
		if _, err := res.Body.Read(got); err != nil || string(got) != want {
			t.Fatalf("read %q, %v", got, err)
		}
		received <- struct{}{}
	}
}

func TestTwoDoorsAreRefused(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	err := gatetest.New(t).Load("GATE {\nagent_auth {\nkey a {env.ELIZA_SERVER_AUTH_TOKEN}\n}\ngatehouse elizaos BACKEND\n}")
	if err == nil || !strings.Contains(err.Error(), "agent_auth stands before agent_gate") {
		t.Errorf("got %v", err)
	}
	err = gatetest.New(t).Load("GATE {\nagent_gate\nroute {\nagent_gate\nrespond a\n}\n}")
	if err == nil || !strings.Contains(err.Error(), "Caddyfile:2 or Caddyfile:4: there are two agent_gate in one site") {
		t.Errorf("got %v", err)
	}
	// Sites and routes that exclude each other are no such case.
	if err := gatetest.New(t).Load("GATE {\nhandle /a/* {\nagent_auth {\nkey a {env.ELIZA_SERVER_AUTH_TOKEN}\n}\nrespond a\n}\nhandle {\ngatehouse elizaos BACKEND\n}\n}"); err != nil {
		t.Error(err)
	}
}

// TestTwoGatesAreRefused holds that a `gatehouse` to which no request would come
// is refused with the lines of both, and that one to which some come is not.
func TestTwoGatesAreRefused(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	const lines = "gatehouse elizaos 127.0.0.1:3001\ngatehouse elizaos 127.0.0.1:3002 {\nerror_format code\n}\n"
	next := 2
	for name, test := range map[string]struct{ caddyfile, want string }{
		"in one block": {"GATE {\n" + lines + "}",
			"to 127.0.0.1:3001 (Caddyfile:2) and to 127.0.0.1:3002 (Caddyfile:3): the first takes all of them"},
		"in a site of every host": {":PORT {\n" + lines + "}", "127.0.0.1:3001 (Caddyfile:2) and to 127.0.0.1:3002 (Caddyfile:3)"},
		"of other presets":        {"GATE {\ngatehouse elizaos 127.0.0.1:3001\ngatehouse api 127.0.0.1:3002 {\nauth {\nkey a {env.ELIZA_SERVER_AUTH_TOKEN}\n}\n}\n}", "the first takes all of them"},
		"written alike":           {"GATE {\ngatehouse elizaos 127.0.0.1:3001\ngatehouse elizaos 127.0.0.1:3001\n}", "127.0.0.1:3001 (Caddyfile:2 or Caddyfile:3) and to 127.0.0.1:3001 (Caddyfile:2 or Caddyfile:3)"},
		"in one handle":           {"GATE {\nhandle /x* {\nrespond x\n}\nhandle {\n" + lines + "}\n}", "(Caddyfile:6) and to 127.0.0.1:3002 (Caddyfile:7)"},
		"behind a route":          {"GATE {\nroute {\ngatehouse elizaos 127.0.0.1:3001\n}\ngatehouse elizaos 127.0.0.1:3002\n}", "(Caddyfile:3) and to 127.0.0.1:3002 (Caddyfile:5)"},
		"for one path":            {"GATE {\ngatehouse /a/* elizaos 127.0.0.1:3001\ngatehouse /a/* elizaos 127.0.0.1:3002\n}", "(Caddyfile:2) and to 127.0.0.1:3002 (Caddyfile:3)"},
		"for one path, of every host": {":PORT {\ngatehouse /a/* elizaos 127.0.0.1:3001\ngatehouse /a/* elizaos 127.0.0.1:3002\n}",
			"(Caddyfile:2) and to 127.0.0.1:3002 (Caddyfile:3)"},

		"for paths":                       {"GATE {\ngatehouse /a/* elizaos 127.0.0.1:3001\ngatehouse elizaos 127.0.0.1:3002\n}", ""},
		"for paths, of every host":        {":PORT {\ngatehouse /a/* elizaos 127.0.0.1:3001\ngatehouse elizaos 127.0.0.1:3002\n}", ""},
		"for matchers":                    {"GATE {\n@a header X-A 1\n@b header X-B 1\ngatehouse @a elizaos 127.0.0.1:3001\ngatehouse @b elizaos 127.0.0.1:3002\n}", ""},
		"in two handles":                  {"GATE {\nhandle /a/* {\ngatehouse elizaos 127.0.0.1:3001\n}\nhandle {\ngatehouse elizaos 127.0.0.1:3002\n}\n}", ""},
		"in two routes":                   {"GATE {\nroute /a/* {\ngatehouse elizaos 127.0.0.1:3001\n}\nroute {\ngatehouse elizaos 127.0.0.1:3002\n}\n}", ""},
		"in two sites":                    {"(gate) {\ngatehouse elizaos 127.0.0.1:3001\n}\nGATE {\nimport gate\n}\nhttp://localhost:PORT {\nimport gate\n}", ""},
		"in two sites, one of every host": {"GATE {\ngatehouse elizaos 127.0.0.1:3001\n}\n:PORT {\ngatehouse elizaos 127.0.0.1:3002\n}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := gatetest.New(t)
			_, port, _ := strings.Cut(g.Addr, ":")
			// What stands where is forgotten when a configuration is started, and
			// none is: each case has backends of its own.
			own := strings.NewReplacer("PORT", port, "127.0.0.1:", fmt.Sprintf("127.0.0.%d:", next))
			next++
			err := g.Validate(own.Replace(test.caddyfile))
			want := own.Replace(test.want)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), "two gates for the same requests") || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
