package gate_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const key = "a-key-for-the-tests-of-the-door"

// faults is a handler that fails in the way that its argument says, as other
// people's modules do.
type faults struct {
	Kind string `json:"kind"`
}

func init() {
	caddy.RegisterModule(faults{})
	httpcaddyfile.RegisterHandlerDirective("test_fault", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		f := new(faults)
		h.Next()
		h.Args(&f.Kind)
		return f, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_fault", httpcaddyfile.Before, "respond")
}

func (faults) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_fault", New: func() caddy.Module { return new(faults) }}
}

func (f faults) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	switch f.Kind {
	case "panic":
		panic("the key is " + key)
	case "plain":
		return fmt.Errorf("a cause with the key %s in it", "agk_abcdefghij")
	case "wrapped":
		return fmt.Errorf("wrapped: %w", caddyhttp.Error(http.StatusTeapot, nil))
	case "late":
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "half of ")
		_ = http.NewResponseController(w).Flush()
		return caddyhttp.Error(http.StatusInternalServerError, nil)
	case "late panic":
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "half of ")
		_ = http.NewResponseController(w).Flush()
		panic("late")
	}
	return nil
}

func TestRefusals(t *testing.T) {
	t.Setenv("KEY", key)
	type answer struct {
		status    int
		mediaType string
		body      string
		challenge string
	}
	const (
		asJSON    = "application/json; charset=utf-8"
		asProblem = "application/problem+json"
	)
	coded := func(code, message string) string {
		return fmt.Sprintf(`{"success":false,"error":{"code":%q,"message":%q}}`, code, message)
	}
	for _, test := range []struct {
		name    string
		path    string
		headers []string
		want    map[string]answer
	}{
		{name: "no key", path: "/x", want: map[string]answer{
			"elizaos": {401, asJSON, `{"success":false,"error":"Authentication required"}`, `Bearer realm="tests"`},
			"code":    {401, asJSON, coded("UNAUTHORIZED", "Authentication required"), `Bearer realm="tests"`},
			"problem": {401, asProblem, `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Authentication required","instance":"urn:uuid:ID","code":"UNAUTHORIZED"}`, `Bearer realm="tests"`},
			"caddy":   {401, "text/plain; charset=utf-8", "site: 401 Authentication required", `Bearer realm="tests"`},
		}},
		{name: "wrong key", path: "/x", headers: []string{"X-API-KEY", "not-the-key"}, want: map[string]answer{
			"elizaos": {401, asJSON, `{"success":false,"error":"Authentication required"}`, `Bearer realm="tests", error="invalid_token"`},
		}},
		{name: "no scope", path: "/admin/x", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {403, asJSON, `{"success":false,"error":"Insufficient permissions"}`, `Bearer realm="tests", error="insufficient_scope", scope="admin"`},
			"code":    {403, asJSON, coded("FORBIDDEN", "Insufficient permissions"), `Bearer realm="tests", error="insufficient_scope", scope="admin"`},
			"caddy":   {403, "text/plain; charset=utf-8", "site: 403 Insufficient permissions", `Bearer realm="tests", error="insufficient_scope", scope="admin"`},
		}},
		{name: "path", path: "/x%2fy", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {400, asJSON, coded("INVALID_PATH", "Invalid request path"), ""},
			"problem": {400, asProblem, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"Invalid request path","instance":"urn:uuid:ID","code":"INVALID_PATH"}`, ""},
		}},
		{name: "another module's 413", path: "/big", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {413, asJSON, coded("PAYLOAD_TOO_LARGE", "Request body too large"), ""},
		}},
		{name: "another module's 429", path: "/fast", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {429, asJSON, coded("RATE_LIMIT_EXCEEDED", "Too many requests. Please try again later."), ""},
			"problem": {429, asProblem, `{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"detail":"Too many requests. Please try again later.","instance":"urn:uuid:ID","code":"RATE_LIMIT_EXCEEDED"}`, ""},
		}},
		{name: "another module's 503", path: "/busy", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {503, asJSON, coded("BACKEND_UNAVAILABLE", "The backend is unavailable"), ""},
		}},
		{name: "another module's 418", path: "/wrapped", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {418, asJSON, coded("REQUEST_REFUSED", "I'm a teapot"), ""},
		}},
		{name: "backend down", path: "/down", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {502, asJSON, coded("BACKEND_UNAVAILABLE", "The backend is unavailable"), ""},
			"code":    {502, asJSON, coded("BACKEND_UNAVAILABLE", "The backend is unavailable"), ""},
			"caddy":   {502, "text/plain; charset=utf-8", "site: 502 The backend is unavailable", ""},
		}},
		{name: "backend slow", path: "/slow", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {504, asJSON, coded("BACKEND_TIMEOUT", "The backend did not answer in time"), ""},
		}},
		{name: "panic", path: "/panic", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {500, asJSON, coded("INTERNAL_ERROR", "Internal error"), ""},
		}},
		{name: "plain error", path: "/plain", headers: []string{"X-API-KEY", key}, want: map[string]answer{
			"elizaos": {500, asJSON, coded("INTERNAL_ERROR", "Internal error"), ""},
		}},
	} {
		for format, want := range test.want {
			t.Run(test.name+" "+format, func(t *testing.T) {
				g := gatetest.Start(t, doorSite(t, format))
				g.Backend.Handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				var res gatetest.Response
				if test.path == "/big" {
					res = g.Send("POST", test.path, strings.Repeat("x", 100), test.headers...)
				} else {
					res = g.Get(test.path, test.headers...)
				}
				id := res.Header.Get("X-Request-Id")
				if len(id) != 36 {
					t.Errorf("request id %q", id)
				}
				body := strings.ReplaceAll(res.Body, id, "ID")
				got := answer{res.Status, res.Header.Get("Content-Type"), body, res.Header.Get("WWW-Authenticate")}
				if got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
				if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
					t.Errorf("Cache-Control: %q", cc)
				}
				assertNoLeak(t, g)
			})
		}
	}
}

// doorSite is a site with everything that can go wrong behind the gate.
func doorSite(t *testing.T, format string) string {
	return `
	{
		servers {
			timeouts {
				idle 1m
			}
		}
	}
	GATE {
		agent_gate {
			error_format ` + format + `
			realm tests
		}
		agent_auth {
			key ada {env.KEY} {
				scopes read
			}
			require admin /admin/*
		}
		request_body /big {
			max_size 10
		}
		test_fault /panic panic
		test_fault /plain plain
		test_fault /wrapped wrapped
		test_fault /late late
		test_fault /latepanic "late panic"
		error /fast 429
		error /busy 503
		reverse_proxy /down ` + closedAddr(t) + ` {
			transport agent_backend
		}
		reverse_proxy /slow BACKEND {
			transport agent_backend {
				response_header_timeout 50ms
			}
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
		handle_errors {
			respond "site: {err.status_code} {err.message}"
		}
	}`
}

// closedAddr is an address at which nobody listens.
func closedAddr(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", gatetest.Port(t)) }

// assertNoLeak holds that nothing in the log tells a key, and that Caddy's own
// error log, which prints requests with their headers, has been left out.
func assertNoLeak(t *testing.T, g *gatetest.Gate) {
	t.Helper()
	if strings.Contains(g.Log(), key) || strings.Contains(g.Log(), "agk_abcdefghij") {
		t.Errorf("a key stands in the log:\n%s", g.Log())
	}
	if strings.Contains(g.Log(), `"logger":"http.log.error`) {
		t.Errorf("an error got past the door:\n%s", g.Log())
	}
}

func TestRefusalIsOneEvent(t *testing.T) {
	t.Setenv("KEY", key)
	g := gatetest.Start(t, doorSite(t, "elizaos"))
	res := g.Get("/admin/x?api_key=agk_secretsecret", "X-API-KEY", key, "User-Agent", "night\u0085watch")
	events := g.Events()
	if len(events) != 1 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	for field, want := range map[string]any{
		"msg": "[SECURITY] Forbidden request from 127.0.0.1", "level": "warn",
		"event": "authz_fail", "client_ip": "127.0.0.1", "key_id": "ada", "method": "GET",
		"uri": "/admin/x?api_key=REDACTED", "user_agent": "nightwatch", "rule": "scope admin",
		"request_id": res.Header.Get("X-Request-Id"), "enforced": true,
	} {
		if events[0][field] != want {
			t.Errorf("%s: got %v, want %v", field, events[0][field], want)
		}
	}
}

// TestDoorOfOneHandler holds that agent_auth alone refuses as well as under agent_gate.
func TestDoorOfOneHandler(t *testing.T) {
	t.Setenv("KEY", key)
	g := gatetest.Start(t, `GATE {
		agent_auth {
			key ada {env.KEY}
		}
		test_fault /panic panic
		error /fast 429
		respond hello
	}`)
	if res := g.Get("/"); res.Status != 401 || res.Header.Get("WWW-Authenticate") != `Bearer realm="agents"` {
		t.Errorf("no key: %+v", res)
	}
	if res := g.Get("/panic", "X-API-KEY", key); res.Status != 500 || !strings.Contains(res.Body, "INTERNAL_ERROR") {
		t.Errorf("panic: %+v", res)
	}
	if res := g.Get("/fast", "X-API-KEY", key); res.Status != 429 || !strings.Contains(res.Body, "RATE_LIMIT_EXCEEDED") {
		t.Errorf("429: %+v", res)
	}
	if res := g.Get("/", "X-API-KEY", key); res.Status != 200 || res.Body != "hello" {
		t.Errorf("valid key: %+v", res)
	}
	assertNoLeak(t, g)
}

// TestLateErrorsCutOff holds that a response that broke is not passed off as whole.
func TestLateErrorsCutOff(t *testing.T) {
	t.Setenv("KEY", key)
	g := gatetest.Start(t, doorSite(t, "elizaos"))
	for _, path := range []string{"/late", "/latepanic"} {
		conn, err := net.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n", path, g.Addr, key)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err == nil || string(body) != "half of " {
			t.Errorf("%s: read %q, %v; want the first half and an error", path, body, err)
		}
	}
}

// TestOtherChallenges holds that another module's 401 keeps its own challenge.
func TestOtherChallenges(t *testing.T) {
	g := gatetest.Start(t, `GATE {
		agent_gate
		basic_auth {
			bob $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
		}
		respond hello
	}`)
	res := g.Get("/")
	if res.Status != 401 || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Basic ") || res.Body != `{"success":false,"error":"Authentication required"}` {
		t.Errorf("%+v", res)
	}
}

func TestRequestID(t *testing.T) {
	g := gatetest.Start(t, `GATE {
		agent_gate
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Request-Id", "the-backend's") })
	res := g.Get("/", "X-Request-Id", "the-client's")
	if ids := res.Header["X-Request-Id"]; len(ids) != 1 || ids[0] == "the-client's" || ids[0] == "the-backend's" {
		t.Errorf("outward: %v", ids)
	}
	if got := g.Backend.Last().Header["X-Request-Id"]; len(got) != 1 || got[0] != res.Header.Get("X-Request-Id") {
		t.Errorf("the backend got %v, the client %v", got, res.Header["X-Request-Id"])
	}
	if again := g.Get("/"); again.Header.Get("X-Request-Id") == res.Header.Get("X-Request-Id") {
		t.Error("two requests have one id")
	}
}

// TestPathForwarded holds that what is matched is what is forwarded.
func TestPathForwarded(t *testing.T) {
	g := gatetest.Start(t, `GATE {
		agent_gate
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	for target, want := range map[string]string{
		"//api/x?a=//b": "/api/x?a=//b", "/%61pi/x": "/api/x", "/./api/x": "/api/x", "/x/../api/x": "/api/x",
		"/API/x": "/API/x", "/caf%c3%a9": "/caf%C3%A9",
	} {
		if res := g.Get(target); res.Body != "GET "+want {
			t.Errorf("%s: the backend answers %d %q, want %q", target, res.Status, res.Body, want)
		}
	}
	for _, target := range []string{`/a%5cb`, "/a%2fb", "/a/..;/b", "/a%00", "/%252e%252e/x"} {
		before := len(g.Backend.Seen())
		if res := g.Get(target); res.Status != 400 {
			t.Errorf("%s: %d, want 400", target, res.Status)
		}
		if len(g.Backend.Seen()) != before {
			t.Errorf("%s reached the backend", target)
		}
	}
}

func TestClientAddress(t *testing.T) {
	const forged = "203.0.113.9"
	for name, test := range map[string]struct{ global, want string }{
		"no trusted proxy": {"", "127.0.0.1"},
		"trusted proxy":    {"{\nservers {\ntrusted_proxies static 127.0.0.0/8\n}\n}\n", forged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KEY", key)
			g := gatetest.Start(t, test.global+`GATE {
				agent_auth {
					key ada {env.KEY}
				}
				respond hello
			}`)
			g.Get("/", "X-Forwarded-For", forged, "X-Real-IP", "198.51.100.1")
			if msg := g.Events()[0]["msg"]; msg != "[SECURITY] Unauthorized access attempt from "+test.want {
				t.Errorf("message %q", msg)
			}
		})
	}
}

func TestGateValidate(t *testing.T) {
	for name, g := range map[string]gate.Gate{
		"format": {ErrorFormat: "html"},
		"realm":  {Realm: "a\"b"},
	} {
		if err := g.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := json.Unmarshal([]byte(`{"error_format":"problem"}`), new(gate.Gate)); err != nil {
		t.Error(err)
	}
}
