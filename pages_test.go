package gatehouse_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// startEliza starts the preset with a key that has the scopes read and chat.
func startEliza(t *testing.T, block string) *gatetest.Gate {
	t.Helper()
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	t.Setenv("CHAT_KEY", apiKey)
	return gatetest.Start(t, "GATE {\ngatehouse elizaos BACKEND {\nauth {\nkey talker {env.CHAT_KEY} {\nscopes read chat\n}\n}\n"+block+"\n}\n}")
}

// navigation are the headers of a browser that asks for a page to show.
var navigation = []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}

// TestPathsOfTheDocuments holds that /agents is /api/agents, as the documents
// of ElizaOS write it, and is judged as that.
func TestPathsOfTheDocuments(t *testing.T) {
	g := startEliza(t, "")
	const id = "a9e7c0de-0000-4000-8000-000000000001"
	for _, test := range []struct {
		method, path string
		headers      []string
		status       int
		reaches      string
	}{
		// The first command of the document, as curl sends it.
		{"GET", "/agents", []string{"Authorization", "Bearer " + apiKey, "User-Agent", "curl/8.5.0", "Accept", "*/*"}, 200, "/api/agents"},
		{"GET", "/agents?x=%2F", []string{"X-API-KEY", apiKey}, 200, "/api/agents?x=%2F"},
		{"GET", "/AGENTS/", []string{"X-API-KEY", apiKey}, 200, "/api/agents/"},
		{"GET", "//x/../agents/" + id, []string{"X-API-KEY", apiKey}, 200, "/api/agents/" + id},
		{"GET", "/agents/" + id + "/rooms", []string{"X-API-KEY", apiKey, "Sec-Fetch-Mode", "cors"}, 200, "/api/agents/" + id + "/rooms"},
		{"GET", "/agents", nil, 401, ""},
		{"POST", "/agents", []string{"X-API-KEY", apiKey}, 403, ""},
		{"DELETE", "/agents/" + id, []string{"X-API-KEY", apiKey}, 403, ""},
		{"GET", "/agents/x", []string{"X-API-KEY", apiKey}, 400, ""},
		{"POST", "/agents/" + id + "/start", append([]string{"X-API-KEY", apiKey}, navigation...), 403, ""},
		{"GET", "/agentsx", []string{"X-API-KEY", apiKey}, 200, "/agentsx"},
		{"GET", "/agents", append([]string{"X-API-KEY", apiKey}, navigation...), 200, "/agents"},
		{"GET", "/agents", []string{"X-API-KEY", apiKey, "Accept", "text/html"}, 200, "/agents"},
	} {
		before := len(g.Backend.Seen())
		res := g.Send(test.method, test.path, "", test.headers...)
		seen := g.Backend.Seen()[before:]
		if res.Status != test.status || (len(seen) == 1) != (test.reaches != "") || len(seen) == 1 && seen[0].RequestURI != test.reaches {
			t.Errorf("%s %s %v: %d %s, the backend got %v", test.method, test.path, test.headers, res.Status, res.Body, seen)
		}
	}
}

// TestNothingIsOpen holds that outside of the API, too, nothing is open but
// /healthz, and that the web UI is off unless it is asked for.
func TestNothingIsOpen(t *testing.T) {
	for _, value := range []string{"", "false", "0", "off", "definitely"} {
		t.Run(value, func(t *testing.T) {
			t.Setenv("ELIZA_UI_ENABLE", value)
			g := startEliza(t, "")
			for path, want := range map[string]int{
				"/": 403, "/index.html": 403, "/favicon.ico": 403, "//": 403, "/chat/x": 401, "/fake-model/secret": 401, "/media/uploads/x": 401,
				"/health": 401, "/healthz": 200, "/socket.io/": 401, "/assets/never.js": 401, "/api/agents": 401,
			} {
				if res := g.Get(path, navigation...); res.Status != want {
					t.Errorf("%s: %d, want %d", path, res.Status, want)
				}
			}
			if res := g.Get("/", "X-API-KEY", token); res.Status != 403 || res.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("/ with a key: %d %v", res.Status, res.Header)
			}
			if res := g.Get("/fake-model/secret", "X-API-KEY", apiKey); res.Status != 200 {
				t.Errorf("a plugin's route with a key: %d", res.Status)
			}
			if strings.Count(g.Log(), "the web UI is off: / answers 403") != 1 {
				t.Error("no line says that the UI is off")
			}
		})
	}
}

// TestRefusedRoutesSayHowToOpenThem holds that an event names the line that
// would open a plugin's route, and only where that line is enough.
func TestRefusedRoutesSayHowToOpenThem(t *testing.T) {
	g := startEliza(t, "")
	for path, want := range map[string]string{
		"/telegram/webhook":  "write `public /telegram/webhook`",
		"/a%0d%60b":          "",
		"/a%60%20b":          "write `public /a%60%20b`",
		"/api/agents":        "",
		"/socket.io/?EIO=4":  "",
		"/media/uploads/x/y": "",
	} {
		before := len(g.Log())
		g.Get(path)
		if got := strings.Contains(g.Log()[before:], "write `public"); got != (want != "") || !strings.Contains(g.Log()[before:], want) {
			t.Errorf("%s: the event is %s", path, g.Log()[before:])
		}
	}
	before := len(g.Log())
	g.Get("/telegram/webhook", "X-API-KEY", "a-wrong-key-of-somebody")
	if strings.Contains(g.Log()[before:], "write `public") {
		t.Error("somebody with a wrong key is to be let in")
	}
	// The line works, for navigations too.
	g = startEliza(t, "")
	if err := g.Load("GATE {\ngatehouse elizaos BACKEND {\nui on\nauth {\npublic /telegram/webhook\n}\n}\n}"); err != nil {
		t.Fatal(err)
	}
	if res := g.Get("/telegram/webhook", navigation...); res.Body != "GET /telegram/webhook" {
		t.Errorf("got %d %s", res.Status, res.Body)
	}
}

// TestWebUI holds that with `ui on` the files of the UI are open, that pages
// which it makes itself get its index, and that nothing else is opened.
func TestWebUI(t *testing.T) {
	for name, start := range map[string]func() *gatetest.Gate{
		"the option": func() *gatetest.Gate { return startEliza(t, "ui on") },
		"the variable": func() *gatetest.Gate {
			t.Setenv("ELIZA_UI_ENABLE", " True ")
			return startEliza(t, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := start()
			for _, test := range []struct {
				path    string
				headers []string
				want    string // of the body; empty: 401
			}{
				{"/", nil, "GET /"},
				{"/favicon.ico", nil, "GET /favicon.ico"},
				{"/assets/main-CqTmsniN.js", nil, "GET /assets/main-CqTmsniN.js"},
				{"/assets/main-CqTmsniN.js.map", nil, ""},
				{"/assets/other.js", nil, ""},
				{"/chat/x?y=z", navigation, "GET /?y=z"},
				{"/agents/x", navigation, "GET /"},
				{"/chat/x", nil, ""},
				{"/fake-model/secret", nil, ""},
				{"/fake-model/secret", navigation, "GET /"},
				{"/api/agents", navigation, ""},
				{"/API/agents", navigation, ""},
				{"/media/uploads/x", navigation, ""},
				{"/socket.io/x", navigation, ""},
				{"/health", navigation, ""},
			} {
				res := g.Get(test.path, test.headers...)
				if test.want == "" && res.Status != 401 || test.want != "" && res.Body != test.want {
					t.Errorf("%s %v: %d %s, want %q", test.path, test.headers, res.Status, res.Body, test.want)
				}
			}
			if csp := g.Get("/").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src") {
				t.Errorf("the page has the policy %s", csp)
			}
			if res := g.Send("POST", "/", "", navigation...); res.Status != 401 {
				t.Errorf("POST /: %d", res.Status)
			}
			if strings.Contains(g.Log(), "the web UI is off") {
				t.Error("the log says that the UI is off")
			}
		})
	}
}

func TestPublicMedia(t *testing.T) {
	for line, want := range map[string]int{"": 401, "media private": 401, "media public": 200} {
		if res := startEliza(t, line).Get("/media/uploads/agents/b850bc30-45f8-0041-a00a-83df46d8555d/y.png"); res.Status != want {
			t.Errorf("%q: %d", line, res.Status)
		}
	}
}
