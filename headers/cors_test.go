package headers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	app  = "https://app.example.com"
	evil = "https://evil.example"
	key  = "a-key-for-the-tests-of-headers"
)

// reflecting is a backend with every fault that ElizaOS has: it allows any
// origin, with credentials, and says so in its own headers.
func reflecting(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Private-Network", "true")
	h.Set("Vary", "Origin")
	h.Set("Content-Security-Policy", "script-src * 'unsafe-inline'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Strict-Transport-Security", "max-age=1")
	h.Set("X-Powered-By", "Express")
	h.Set("X-Generator", "eliza")
	h.Set("Content-Type", "application/json")
	io.WriteString(w, "{}")
}

func corsSite(cors, transport string) string {
	return `
GATE {
	agent_gate
	` + cors + `
	agent_auth {
		key ada {env.ADA_KEY}
	}
	reverse_proxy BACKEND {
		` + transport + `
	}
}
`
}

const ours = "transport agent_backend"

func start(t *testing.T, site string) *gatetest.Gate {
	t.Helper()
	t.Setenv("ADA_KEY", key)
	g := gatetest.Start(t, site)
	g.Backend.Handle(reflecting)
	return g
}

func TestCORSOnEveryResponse(t *testing.T) {
	for _, transport := range []string{ours, "header_up X-Plain yes"} {
		g := start(t, corsSite("agent_cors "+app+" {\ncredentials\n}", transport))
		for _, test := range []struct {
			name   string
			status int
			origin string
			key    string
		}{
			{"answer to an allowed page", 200, app, key},
			{"refusal to an allowed page", 401, app, ""},
			{"answer to a foreign page", 200, evil, key},
			{"refusal to a foreign page", 401, evil, ""},
			{"answer to a program", 200, "", key},
			{"refusal to a program", 401, "", ""},
		} {
			var headers []string
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			if test.key != "" {
				headers = append(headers, "X-API-KEY", test.key)
			}
			res := g.Get("/api/agents", headers...)
			var origin, credentials []string
			if test.origin == app {
				origin, credentials = []string{app}, []string{"true"}
			}
			if res.Status != test.status || !slices.Equal(res.Header["Access-Control-Allow-Origin"], origin) ||
				!slices.Equal(res.Header["Access-Control-Allow-Credentials"], credentials) ||
				!slices.Equal(res.Header["Vary"], []string{"Origin"}) || res.Header["Access-Control-Allow-Private-Network"] != nil {
				t.Errorf("%s, %s: %d %v", transport, test.name, res.Status, res.Header)
			}
		}
		g.Backend.Close()
		res := g.Get("/api/agents", "Origin", app, "X-API-KEY", key)
		if res.Status != 502 || res.Header.Get("Access-Control-Allow-Origin") != app || res.Header.Get("Vary") != "Origin" {
			t.Errorf("502: %d %v", res.Status, res.Header)
		}
	}
}

func TestPreflights(t *testing.T) {
	for _, site := range []string{
		corsSite("agent_cors "+app, ours),
		corsSite("agent_cors off", ours),
		corsSite("agent_cors {env.CORS_ORIGIN}", ours), // unset
	} {
		g := start(t, site)
		allowed := strings.Contains(site, app)
		res := g.Send("OPTIONS", "/api/agents", "", "Origin", app, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-api-key")
		if allowed {
			if res.Status != 204 || res.Header.Get("Access-Control-Allow-Origin") != app || res.Header.Get("Access-Control-Allow-Methods") != "PUT" || res.Body != "" {
				t.Errorf("allowed: %d %v", res.Status, res.Header)
			}
		} else if res.Status != 403 {
			t.Errorf("same origin only: %d", res.Status)
		}
		res = g.Send("OPTIONS", "/api/agents", "", "Origin", evil, "Access-Control-Request-Method", "PUT")
		if res.Status != 403 || res.Body != `{"success":false,"error":"Insufficient permissions"}` {
			t.Errorf("foreign: %d %s", res.Status, res.Body)
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("a refused preflight has %s", name)
			}
		}
		events := g.Events()
		last := events[len(events)-1]
		if last["event"] != "malicious_cors" || last["msg"] != "[SECURITY] Cross-origin request refused from 127.0.0.1" ||
			last["rule"] != "cors preflight" || !strings.Contains(fmt.Sprint(last["reason"]), evil) {
			t.Errorf("event: %v", last)
		}
		if n := len(g.Backend.Seen()); n != 0 {
			t.Errorf("%d preflights reached the backend", n)
		}
		// An OPTIONS that is no preflight needs a key like anything else.
		if res := g.Send("OPTIONS", "/api/agents", ""); res.Status != 401 {
			t.Errorf("OPTIONS without a key: %d", res.Status)
		}
	}
}

// The log names what was asked for and is not allowed, and no line of it can
// be forged from there.
func TestRefusedPreflightReason(t *testing.T) {
	g := start(t, corsSite("agent_cors "+app, ours))
	g.Send("OPTIONS", "/x", "", "Origin", app, "Access-Control-Request-Method", "PURGE", "Access-Control-Request-Headers", "x-evil")
	events := g.Events()
	reason := fmt.Sprint(events[0]["reason"])
	if !strings.Contains(reason, "PURGE") || !strings.Contains(reason, "x-evil") || !strings.Contains(reason, "methods") {
		t.Errorf("reason: %s", reason)
	}
	g.Send("OPTIONS", "/x", "", "Origin", "https://\u202eevil\u0085", "Access-Control-Request-Method", "GET")
	events = g.Events()
	if reason := fmt.Sprint(events[1]["reason"]); strings.ContainsAny(reason, "\u202e\u0085") {
		t.Errorf("reason: %q", reason)
	}
}

func TestEnvironmentOfCORS(t *testing.T) {
	site := corsSite("agent_cors {env.CORS_ORIGIN} {env.API_CORS_ORIGIN} {\ncredentials\n}", ours)
	for _, test := range []struct {
		name, cors, api string
		allowed         []string
		refused         string // the report has to name this
	}{
		{name: "unset"},
		{name: "one", cors: app, allowed: []string{app}},
		{name: "comma list", cors: app + ", https://admin.example.com,", allowed: []string{app, "https://admin.example.com"}},
		{name: "both", cors: app, api: "https://admin.example.com", allowed: []string{app, "https://admin.example.com"}},
		{name: "both the same", cors: app, api: app, allowed: []string{app}},
		{name: "slash", cors: app + "/", refused: "leave out the slash"},
		{name: "null", cors: "null", refused: "every sandboxed page"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("ADA_KEY", key)
			t.Setenv("CORS_ORIGIN", test.cors)
			t.Setenv("API_CORS_ORIGIN", test.api)
			g := gatetest.New(t)
			err := g.Load(site)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, origin := range []string{app, "https://admin.example.com", evil} {
				res := g.Get("/x", "X-API-KEY", key, "Origin", origin)
				want := ""
				if slices.Contains(test.allowed, origin) {
					want = origin
				}
				if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || (res.Header.Get("Access-Control-Allow-Credentials") == "true") != (want != "") {
					t.Errorf("%s: %v", origin, res.Header)
				}
			}
		})
	}
}

// A backend's setting of * has to start, but it gives no cookies to the world.
func TestAnyOriginFromTheEnvironment(t *testing.T) {
	t.Setenv("CORS_ORIGIN", "*")
	g := start(t, corsSite("agent_cors {env.CORS_ORIGIN} {\ncredentials\n}", ours))
	res := g.Get("/x", "X-API-KEY", key, "Origin", evil)
	if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header["Access-Control-Allow-Credentials"] != nil || res.Header["Vary"] != nil && res.Header.Get("Vary") != "Origin" {
		t.Errorf("%v", res.Header)
	}
	if !strings.Contains(g.Log(), "credentials (cookies) are off") || !strings.Contains(g.Log(), "{env.CORS_ORIGIN}") {
		t.Errorf("no warning: %s", g.Log())
	}
}

func TestHandshakes(t *testing.T) {
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "X-API-KEY", key}
	for _, test := range []struct {
		name, cors, path, origin string
		upgrade                  bool
		status                   int
	}{
		{"program", app, "/ws", "", true, 200},
		{"same origin", app, "/ws", "self", true, 200},
		{"same origin, nothing allowed", "off", "/ws", "self", true, 200},
		{"allowed", app, "/ws", app, true, 200},
		{"foreign", app, "/ws", evil, true, 403},
		{"foreign, nothing allowed", "off", "/ws", evil, true, 403},
		{"foreign, all allowed", "*", "/ws", evil, true, 200},
		{"null", app, "/ws", "null", true, 403},
		{"https page of the same host", app, "/ws", "self over TLS", true, 403},
		{"polling, foreign", app, "/socket.io/?EIO=4&transport=polling", evil, false, 403},
		{"polling, foreign, other case", app, "/Socket.IO/?EIO=4&transport=polling", evil, false, 403},
		{"polling, foreign, not clean", app, "//socket.io/", evil, false, 403},
		{"polling, allowed", app, "/socket.io/", app, false, 200},
		{"polling, program", app, "/socket.io/", "", false, 200},
		{"another path", app, "/socket.iox", evil, false, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, corsSite("agent_cors "+test.cors, ours))
			headers := []string{"X-API-KEY", key}
			if test.upgrade {
				headers = upgrade
			}
			switch test.origin {
			case "":
			case "self":
				headers = append(slices.Clone(headers), "Origin", "http://"+g.Addr)
			case "self over TLS":
				headers = append(slices.Clone(headers), "Origin", "https://"+g.Addr)
			default:
				headers = append(slices.Clone(headers), "Origin", test.origin)
			}
			if res := g.Get(test.path, headers...); res.Status != test.status {
				t.Errorf("%d %s", res.Status, res.Body)
			}
			if test.status == 403 {
				if events := g.Events(); len(events) != 1 || events[0]["rule"] != "cors handshake" {
					t.Errorf("%v", events)
				}
			}
		})
	}
}

// A WebSocket goes through both handlers, with their headers on the 101.
func TestWebSocketPasses(t *testing.T) {
	g := start(t, corsSite("agent_headers api\nagent_cors "+app, ours))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Frame-Options: SAMEORIGIN\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		io.WriteString(rw, "echo "+line)
		rw.Flush()
	})
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: "+g.Addr+"\r\nOrigin: "+app+"\r\nX-API-KEY: "+key+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 101 || res.Header.Get("Access-Control-Allow-Origin") != app ||
		!slices.Equal(res.Header["X-Frame-Options"], []string{"DENY"}) {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	io.WriteString(conn, "hello\n")
	if line, err := in.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q %v", line, err)
	}
}
