package detect_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

func TestAttacksAreNamed(t *testing.T) {
	d := detect.New(detect.Options{})
	for class, targets := range attacks {
		for _, target := range targets {
			found := d.Target(target)
			if !found.Classes().Has(class) {
				t.Errorf("%s: %s: found %v", class, target, found)
			}
		}
	}
}

func TestEveryClassHasCases(t *testing.T) {
	for _, c := range detect.Classes() {
		if c != detect.UA && len(attacks[c]) < 3 {
			t.Errorf("%s: %d cases", c, len(attacks[c]))
		}
	}
}

// TestFirstNameIsRight holds the order of findings: what a log line is titled with must be the attack, not a side effect of it.
func TestFirstNameIsRight(t *testing.T) {
	d := detect.New(detect.Options{})
	for class, targets := range attacks {
		for _, target := range targets {
			if found := d.Target(target); len(found) > 0 && found[0].Class != class {
				t.Errorf("%s: %s: first is %v", class, target, found)
			}
		}
	}
}

func TestCleanRequestsAreSilent(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, target := range cleanTargets {
		if found := d.Target(target); found != nil {
			t.Errorf("%s: %v", target, found)
		}
	}
	for _, talk := range cleanTalk {
		escaped := strings.ReplaceAll(url.PathEscape(talk), "&", "%26")
		for _, target := range []string{"/s?q=" + url.QueryEscape(talk), "/s?lang=en&q=" + escaped, "/s/" + escaped} {
			if found := d.Target(target); found != nil {
				t.Errorf("%q: %v", target, found)
			}
		}
	}
	for _, agent := range cleanAgents {
		if found := d.UserAgent(agent); found != nil {
			t.Errorf("User-Agent %q: %v", agent, found)
		}
	}
}

func TestUserAgents(t *testing.T) {
	d := detect.New(detect.Options{})
	for agent, class := range hostileAgents {
		names := d.UserAgent(agent).Names()
		if len(names) == 0 || names[0] != "ua" || !slices.Contains(names, class) {
			t.Errorf("%q: %v, want ua and %s", agent, names, class)
		}
	}
}

// TestBackendPatterns holds that what ElizaOS itself looks for is recognised under the names of its documents.
func TestBackendPatterns(t *testing.T) {
	d := detect.New(detect.Options{})
	for target, title := range map[string]string{
		"/api/agents?file=../x":                                "Path traversal",
		"/api/agents?q=<script":                                "XSS attempt",
		"/api/agents?to=javascript:x":                          "JavaScript injection",
		"/api/agents?id=1+union+select+password+from+accounts": "SQL injection pattern",
		"/api/agents?id=1;delete+from+accounts":                "SQL injection pattern",
	} {
		found := d.Target(target)
		if !slices.ContainsFunc(found, func(f detect.Finding) bool { return f.Class.Title() == title }) {
			t.Errorf("%s: %v, want %q", target, found, title)
		}
	}
	if found := d.UserAgent("x/../y"); !found.Classes().Has(detect.UA) {
		t.Errorf("User-Agent with a traversal: %v", found)
	}
}

func TestPlaces(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, tc := range []struct {
		found detect.Findings
		want  detect.Finding
	}{
		{d.Target("/a/../../b"), detect.Finding{Class: detect.Traversal, Rule: "traversal-dotdot", Where: detect.InPath}},
		{d.Target("/a?file=../b"), detect.Finding{Class: detect.Traversal, Rule: "traversal-dotdot", Where: detect.InQuery, Name: "file"}},
		{d.Target("/a?..%2fb=1"), detect.Finding{Class: detect.Traversal, Rule: "traversal-dotdot", Where: detect.InQuery}},
		{d.Request("/", "", "https://a.example/p?q=<script>x"), detect.Finding{Class: detect.XSS, Rule: "xss-script", Where: detect.InReferer, Name: "q"}},
		{d.Header("X-Api-Version", "${jndi:ldap://h}"), detect.Finding{Class: detect.Log4Shell, Rule: "log4shell-jndi", Where: detect.InHeader, Name: "X-Api-Version"}},
		{d.UserAgent("sqlmap/1.9"), detect.Finding{Class: detect.UA, Rule: "ua-scanner", Where: detect.InUserAgent}},
	} {
		if !slices.Contains(tc.found, tc.want) {
			t.Errorf("found %+v, want %+v", tc.found, tc.want)
		}
	}
}

func TestRefererHostIsNoAttack(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, ref := range []string{"https://app.example.com/agents/7?tab=2", "https://www.google.com/", "android-app://com.example.app/", "about:blank"} {
		if found := d.Request("/", "", ref); found != nil {
			t.Errorf("%s: %v", ref, found)
		}
	}
}

func TestBodies(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, tc := range []struct{ contentType, body, name, class string }{
		{"application/json", `{"user":{"name":"x' or 1=1 --"}}`, "name", "sqli"},
		{"application/json; charset=utf-8", `{"a":["ok","\u003cscript\u003ego()"]}`, "a", "xss"},
		{"application/vnd.api+json", `{"path":"..\/..\/x"}`, "path", "traversal"},
		{"application/json", `{"filter":{"$ne":1}}`, "", ""},
		{"application/json", `{"a":{"\u005f_proto__":{"b":1}}}`, "__proto__", "js"},
		{"application/x-www-form-urlencoded", "__proto__[b]=1", "__proto__[b]", "js"},
		{"application/json", `{"broken":"x' or 1=1 --`, "broken", "sqli"},
		{"application/x-www-form-urlencoded", "a=1&host=h%3Bcat+/etc/group", "host", "cmdi"},
		{"text/plain", "x' or 1=1 --", "", ""},
		{"application/json", `{"text":"what's up; I don't know..."}`, "", ""},
		{"application/json", `{"query":"query A($n: ID!) {\n  agent(id: $n) {\n    id\n    date\n    groups { id }\n  }\n}"}`, "", ""},
		{"application/x-www-form-urlencoded", "query=%7B%0D%0A++id%0D%0A++name%0D%0A%7D", "", ""},
	} {
		found := d.Body(tc.contentType, []byte(tc.body))
		if tc.class == "" {
			if found != nil {
				t.Errorf("%s: %v", tc.body, found)
			}
			continue
		}
		if len(found) == 0 || found[0].Where != detect.InBody || found[0].Name != tc.name || found[0].Class.String() != tc.class {
			t.Errorf("%s: %v, want %s in %s", tc.body, found, tc.class, tc.name)
		}
	}
}

// A document of JSON in a query is judged string by string, and hides nothing.
func TestDocumentsInQueries(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, tc := range []struct{ document, name, class string }{
		{`{"user":{"name":"x' or 1=1 --"}}`, "name", "sqli"},
		{`[{"q":"a&&","r":"b"},{"q":"<script>go()"}]`, "q", "xss"},
		{`["ok","../../x"]`, "filter", "traversal"},
		{`{"size":{"$gt":0}}`, "size", "nosqli"},
		{`{"$where":"1"}`, "filter", "nosqli"},
		{`{"a":{"b":1,"\u0024ne":""}}`, "b", "nosqli"},
		{`[{"a":1},{"__proto__":{"b":1}}]`, "__proto__", "js"},
		{`{"host":"h;id"}`, "host", "cmdi"},
		{`{"a":"{{7*7}}"}`, "a", "ssti"},
		{`{"a":"%27 or 1=1 --"}`, "a", "sqli"},
	} {
		for _, value := range []string{url.QueryEscape(tc.document), strings.ReplaceAll(url.PathEscape(tc.document), "&", "%26")} {
			found := d.Target("/items?page=2&filter=" + value + "&sort=asc")
			if !slices.ContainsFunc(found, func(f detect.Finding) bool {
				return f.Where == detect.InQuery && f.Name == tc.name && f.Class.String() == tc.class
			}) {
				t.Errorf("%s: found %+v, want %s in %s", value, found, tc.class, tc.name)
			}
		}
	}
	// What is no document is judged as one text.
	if found := d.Target("/items?filter=" + url.QueryEscape(`["a"] or 1=1 --`)); !found.Classes().Has(detect.SQLi) {
		t.Errorf("broken document: %+v", found)
	}
}

func TestBodyIsBounded(t *testing.T) {
	d := detect.New(detect.Options{MaxBytes: 64})
	body := `{"a":"` + strings.Repeat("x", 100) + `","b":"<script>go()"}`
	if found := d.Body("application/json", []byte(body)); found != nil {
		t.Errorf("read past the bound: %v", found)
	}
}

func TestLongTargetsAreSeenAtBothEnds(t *testing.T) {
	d := detect.New(detect.Options{MaxBytes: 1024})
	for _, target := range []string{"/?a=<script>go()&b=" + strings.Repeat("x", 4096), "/?b=" + strings.Repeat("x", 4096) + "&a=<script>go()"} {
		if !d.Target(target).Classes().Has(detect.XSS) {
			t.Errorf("%.40s...: missed", target)
		}
	}
}

func TestClassesOption(t *testing.T) {
	d := detect.New(detect.Options{Classes: detect.Of(detect.XSS)})
	found := d.Target("/a/../b?q=<script>go()")
	if found.Classes() != detect.Of(detect.XSS) {
		t.Errorf("found %v", found)
	}
	if found := found.Without(detect.Of(detect.XSS)); found != nil {
		t.Errorf("kept %v", found)
	}
}

func TestClassNames(t *testing.T) {
	for _, c := range detect.Classes() {
		parsed, err := detect.ParseClass(c.String())
		if err != nil || parsed != c {
			t.Errorf("%s: %v, %v", c, parsed, err)
		}
		if c.Title() == "" {
			t.Errorf("%s has no title", c)
		}
	}
	if _, err := detect.ParseClass("sql"); err == nil || !strings.Contains(err.Error(), "sqli") {
		t.Errorf("error %v does not list the names", err)
	}
}

func TestCleanRequestsAllocateNothing(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, r := range requests[:3] {
		if n := testing.AllocsPerRun(200, func() { d.Request(r.target, browserAgent, "https://app.example.com/chat") }); n != 0 {
			t.Errorf("%s: %v allocations", r.name, n)
		}
	}
}

// TestFindingsNeverCarryThePayload draws attacks with attacks for names and holds that what is reported is ours or a plain name.
func TestFindingsNeverCarryThePayload(t *testing.T) {
	d := detect.New(detect.Options{})
	all := slices.Concat(attacks[detect.SQLi], attacks[detect.XSS], attacks[detect.CmdI], attacks[detect.Log4Shell])
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.SampledFrom(all).Draw(t, "target")
		_, payload, _ := strings.Cut(target, "=")
		name := rapid.SampledFrom([]string{payload, "q", "a[b]", strings.Repeat("n", 65), "x\u202ey", "a b"}).Draw(t, "name")
		for _, f := range d.Target("/p?" + url.QueryEscape(name) + "=" + payload) {
			for _, c := range f.Name {
				if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]", c) {
					t.Fatalf("name %q in %+v", f.Name, f)
				}
			}
			if len(f.Name) > 64 || f.Name == payload && len(payload) > 16 {
				t.Fatalf("payload in %+v", f)
			}
			if class, _, ok := strings.Cut(f.Rule, "-"); !ok || class != f.Class.String() {
				t.Fatalf("rule %q of class %s", f.Rule, f.Class)
			}
		}
	})
}

// TestPaddingDoesNotHide puts clean text around attacks.
func TestPaddingDoesNotHide(t *testing.T) {
	d := detect.New(detect.Options{})
	for class, targets := range attacks {
		if class == detect.LFI || class == detect.RFI {
			continue // these read a value as a path from its start
		}
		for _, target := range targets {
			path, query, ok := strings.Cut(target, "?")
			if !ok {
				continue
			}
			padded := path + "?lang=en&ids=" + strings.Repeat("3f2b8c1e-6f3c,", 200) + "&" + query + "&sort=asc"
			if !d.Target(padded).Classes().Has(class) {
				t.Errorf("%s: %s: hidden by padding", class, target)
			}
		}
	}
}
