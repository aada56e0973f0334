package cors

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustNew(t testing.TB, c Config) *Policy {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(method, origin string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://agents.example.com/api/agents", nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func actual(p *Policy, h http.Header, r *http.Request) *Answer {
	answer := new(Answer)
	p.Actual(answer, h, r)
	return answer
}

func TestActual(t *testing.T) {
	const app = "https://app.example.com"
	for _, test := range []struct {
		name    string
		config  Config
		origin  string
		allowed bool
		header  http.Header
	}{
		{"allowed", Config{Origins: []string{app}}, app, true,
			http.Header{"Access-Control-Allow-Origin": {app}, "Vary": {"Origin"}}},
		{"allowed with credentials", Config{Origins: []string{app}, Credentials: true}, app, true,
			http.Header{"Access-Control-Allow-Origin": {app}, "Access-Control-Allow-Credentials": {"true"}, "Vary": {"Origin"}}},
		{"subdomain", Config{Origins: []string{"https://*.example.com"}}, "https://a.b.example.com", true,
			http.Header{"Access-Control-Allow-Origin": {"https://a.b.example.com"}, "Vary": {"Origin"}}},
		{"the name itself is no subdomain", Config{Origins: []string{"https://*.example.com"}}, "https://example.com", false, http.Header{"Vary": {"Origin"}}},
		{"foreign", Config{Origins: []string{app}, Credentials: true}, "https://evil.example", false, http.Header{"Vary": {"Origin"}}},
		{"suffix", Config{Origins: []string{app}}, "https://app.example.com.evil.example", false, http.Header{"Vary": {"Origin"}}},
		{"prefix", Config{Origins: []string{"https://*.example.com"}}, "https://evilexample.com", false, http.Header{"Vary": {"Origin"}}},
		{"plain http", Config{Origins: []string{app}}, "http://app.example.com", false, http.Header{"Vary": {"Origin"}}},
		{"port", Config{Origins: []string{app}}, "https://app.example.com:8443", false, http.Header{"Vary": {"Origin"}}},
		{"null", Config{Origins: []string{app}}, "null", false, http.Header{"Vary": {"Origin"}}},
		{"none", Config{Origins: []string{app}}, "", false, http.Header{"Vary": {"Origin"}}},
		{"any", Config{Origins: []string{"*"}}, "https://evil.example", true, http.Header{"Access-Control-Allow-Origin": {"*"}}},
		{"any, null", Config{Origins: []string{"*"}}, "null", true, http.Header{"Access-Control-Allow-Origin": {"*"}}},
		{"off", Config{}, app, false, http.Header{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{"Access-Control-Allow-Origin": {"https://of-somebody-else"}, "Access-Control-Allow-Private-Network": {"true"}}
			answer := actual(mustNew(t, test.config), h, request("GET", test.origin))
			exposed := h.Get("Access-Control-Expose-Headers")
			h.Del("Access-Control-Expose-Headers")
			if answer.Allowed != test.allowed || !equal(h, test.header) {
				t.Errorf("allowed %t, %v; want %t, %v", answer.Allowed, h, test.allowed, test.header)
			}
			for _, name := range defaultExpose {
				if test.allowed != strings.Contains(","+exposed+",", ","+strings.ToLower(name)+",") {
					t.Errorf("exposed: %s", exposed)
				}
			}
		})
	}
}

func equal(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name, values := range a {
		if !slices.Equal(values, b[name]) {
			return false
		}
	}
	return true
}

func TestPreflight(t *testing.T) {
	const app = "https://app.example.com"
	config := Config{Origins: []string{app}, Credentials: true}
	for _, test := range []struct {
		name, origin, method, headers string
		ok                            bool
	}{
		{"plain", app, "GET", "", true},
		{"every header that ElizaOS' clients send", app, "POST", "authorization,content-type,x-agent-id,x-api-key,x-entity-id", true},
		{"put", app, "PUT", "", true},
		{"patch", app, "PATCH", "", true},
		{"delete", app, "DELETE", "x-api-key", true},
		{"method that is not allowed", app, "PURGE", "", false},
		{"header that is not allowed", app, "GET", "x-evil", false},
		{"foreign", "https://evil.example", "GET", "", false},
		{"null", "null", "GET", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := request("OPTIONS", test.origin, "Access-Control-Request-Method", test.method, "Access-Control-Request-Private-Network", "true")
			if test.headers != "" {
				r.Header.Set("Access-Control-Request-Headers", test.headers)
			}
			if !IsPreflight(r) {
				t.Fatal("no preflight")
			}
			h := make(http.Header)
			ok := mustNew(t, config).Preflight(h, r)
			if ok != test.ok {
				t.Fatalf("ok %t: %v", ok, h)
			}
			if got := h.Get("Vary"); got != "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" {
				t.Errorf("Vary: %s", got)
			}
			h.Del("Vary")
			if !test.ok {
				if len(h) > 0 {
					t.Errorf("a refused preflight says %v", h)
				}
				return
			}
			if h.Get("Access-Control-Allow-Origin") != app || h.Get("Access-Control-Allow-Credentials") != "true" ||
				h.Get("Access-Control-Max-Age") != "7200" || h.Get("Access-Control-Allow-Headers") != test.headers {
				t.Errorf("%v", h)
			}
			if h.Values("Access-Control-Allow-Private-Network") != nil {
				t.Error("a private network was allowed")
			}
		})
	}
	if mustNew(t, Config{}).Preflight(make(http.Header), request("OPTIONS", app, "Access-Control-Request-Method", "GET")) {
		t.Error("with no origin allowed, a preflight was")
	}
}

// The library shares the slices of its answers between requests. What one
// request's handlers do to them must not reach another.
func TestAnswersShareNothing(t *testing.T) {
	p := mustNew(t, Config{Origins: []string{"https://app.example.com"}, Credentials: true, MaxAge: time.Hour})
	ask := func() http.Header {
		h := make(http.Header)
		p.Preflight(h, request("OPTIONS", "https://app.example.com", "Access-Control-Request-Method", "PUT"))
		return h
	}
	askActual := func() http.Header {
		h := make(http.Header)
		actual(p, h, request("GET", "https://app.example.com"))
		return h
	}
	for _, ask := range []func() http.Header{ask, askActual} {
		for _, values := range ask() {
			values[0] = "spoilt"
		}
		for name, values := range ask() {
			if values[0] == "spoilt" {
				t.Errorf("%s is shared between requests", name)
			}
		}
	}
}

// What is remembered of origins is what was decided, and no more than is bounded.
func TestMemory(t *testing.T) {
	p := mustNew(t, Config{Origins: []string{"https://*.example.com"}, Credentials: true})
	for range 2 {
		for i := range 2 * maxKept {
			for origin, allowed := range map[string]bool{
				fmt.Sprintf("https://a%d.example.com", i): true,
				fmt.Sprintf("https://a%d.example.org", i): false,
				"": false,
			} {
				h := make(http.Header)
				answer := actual(p, h, request("GET", origin))
				if answer.Allowed != allowed || answer.Credentials() != allowed || allowed != (h.Get("Access-Control-Allow-Origin") == origin && origin != "") {
					t.Fatalf("%q: allowed %t, %v", origin, answer.Allowed, h)
				}
			}
		}
	}
	if kept := *p.known.kept.Load(); len(kept) != maxKept {
		t.Errorf("%d origins are kept", len(kept))
	}
	for origin := range *p.known.kept.Load() {
		if strings.Contains(origin, "example.org") {
			t.Errorf("%s is kept, and not allowed", origin)
		}
	}
}

func TestReassert(t *testing.T) {
	p := mustNew(t, Config{Origins: []string{"https://app.example.com"}, Credentials: true})
	h := make(http.Header)
	answer := actual(p, h, request("GET", "https://app.example.com"))
	want := h.Clone()
	// A backend that reflects any origin, as copied by a proxy.
	h.Add("Access-Control-Allow-Origin", "https://evil.example")
	h.Add("Access-Control-Allow-Credentials", "true")
	h.Add("Access-Control-Expose-Headers", "X-Total-Count")
	h.Add("Access-Control-Allow-Methods", "GET,POST")
	h.Add("Access-Control-Max-Age", "86400")
	h.Add("Access-Control-Allow-Private-Network", "true")
	h.Add("Vary", "origin, Accept-Encoding")
	answer.Reassert(h)
	want.Set("Vary", "Origin, Accept-Encoding")
	if !equal(h, want) {
		t.Errorf("got %v\nwant %v", h, want)
	}
	foreign := http.Header{}
	answer = actual(p, foreign, request("GET", "https://evil.example"))
	foreign.Set("Access-Control-Allow-Origin", "https://evil.example")
	foreign.Set("Access-Control-Allow-Credentials", "true")
	foreign.Set("Vary", "Accept-Encoding")
	answer.Reassert(foreign)
	if !equal(foreign, http.Header{"Vary": {"Accept-Encoding, Origin"}}) {
		t.Errorf("%v", foreign)
	}
}

func TestVary(t *testing.T) {
	for _, test := range []struct {
		have []string
		want string
	}{
		{nil, "Origin"},
		{[]string{"Origin"}, "Origin"},
		{[]string{"Origin", "Origin"}, "Origin"},
		{[]string{"Accept-Encoding"}, "Accept-Encoding, Origin"},
		{[]string{"Origin", "Accept-Encoding, origin"}, "Origin, Accept-Encoding"},
		{[]string{"Origin", "*"}, "*"},
	} {
		h := http.Header{"Vary": slices.Clone(test.have)}
		vary(h, true)
		if got := strings.Join(h["Vary"], "|"); got != test.want {
			t.Errorf("%q became %q, not %q", test.have, got, test.want)
		}
	}
	h := make(http.Header)
	if vary(h, false); len(h) != 0 {
		t.Errorf("%v", h)
	}
}

// Later versions of the library lose entries once there are five of them.
func TestManyNames(t *testing.T) {
	methods := []string{"A", "B", "C", "D", "E", "F", "G", "H"}
	headers := []string{"X-A", "X-B", "X-C", "X-D", "X-E", "X-F", "X-G", "X-H"}
	p := mustNew(t, Config{Origins: []string{"https://app.example.com"}, Methods: methods, Headers: headers})
	for _, method := range methods {
		for _, header := range headers {
			r := request("OPTIONS", "https://app.example.com", "Access-Control-Request-Method", method, "Access-Control-Request-Headers", strings.ToLower(header))
			if !p.Preflight(make(http.Header), r) {
				t.Errorf("%s with %s was refused", method, header)
			}
		}
	}
}

// sameOrigin is a browser's rule (HTML standard, 7.1.1), for patterns: scheme,
// host and port are equal, but for the labels that a leading *. stands for and
// the port that :* stands for. It shares no code with what it judges.
func sameOrigin(pattern, origin string) bool {
	pScheme, pRest, _ := strings.Cut(pattern, "://")
	o, err := url.Parse(origin)
	if err != nil || o.Scheme != pScheme || o.Opaque != "" || o.Path != "" || o.RawQuery != "" || o.Fragment != "" || o.User != nil {
		return false
	}
	pHost, pPort := pRest, ""
	if i := strings.LastIndexByte(pRest, ':'); i > strings.LastIndexByte(pRest, ']') {
		pHost, pPort = pRest[:i], pRest[i+1:]
	}
	if pPort != "*" && pPort != o.Port() {
		return false
	}
	host := o.Hostname()
	if strings.HasPrefix(pHost, "*.") {
		return len(host) > len(pHost)-1 && strings.HasSuffix(host, pHost[1:])
	}
	if strings.HasPrefix(pHost, "[") {
		a, errA := netip.ParseAddr(strings.Trim(pHost, "[]"))
		b, errB := netip.ParseAddr(host)
		return errA == nil && errB == nil && a == b
	}
	return pHost == host
}

func FuzzOrigins(f *testing.F) {
	for _, pattern := range []string{"https://app.example.com", "https://*.example.com", "http://localhost:3000", "http://localhost:*",
		"https://*.example.com:8443", "http://[::1]:9090", "https://192.0.2.1", "*", "null", "https://*", "https://*.com"} {
		for _, origin := range []string{"https://app.example.com", "https://a.b.example.com", "http://localhost:3000", "null",
			"https://example.com", "https://evilexample.com", "https://app.example.com.evil.com", "http://[::1]:9090", "https://app.example.com:443"} {
			f.Add(pattern, origin)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, origin string) {
		p, err := New(Config{Origins: []string{pattern}})
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("refused without a reason")
			}
			return
		}
		if pattern == AnyOrigin {
			return
		}
		if p.Allows(origin) && !sameOrigin(pattern, origin) {
			t.Errorf("%q allows %q", pattern, origin)
		}
		if !p.Allows(origin) && sameOrigin(pattern, origin) && isSerialized(origin) {
			t.Errorf("%q does not allow %q", pattern, origin)
		}
		if _, err := New(Config{Origins: []string{pattern}, Credentials: true}); err == nil && strings.HasPrefix(pattern, "http://") {
			u, _ := url.Parse(strings.Replace(pattern, ":*", "", 1))
			addr, _ := netip.ParseAddr(u.Hostname())
			if u.Hostname() != "localhost" && !addr.IsLoopback() {
				t.Errorf("%q is allowed with credentials", pattern)
			}
		}
	})
}

// isSerialized reports whether a browser could send the origin: only then must
// a pattern that means it allow it.
func isSerialized(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || origin != strings.ToLower(origin) || origin != u.Scheme+"://"+u.Host || len(u.Hostname()) > 253 {
		return false
	}
	if port := u.Port(); port != "" && (strings.HasPrefix(port, "0") || len(port) > 5 || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80") {
		return false
	}
	for label := range strings.SplitSeq(u.Hostname(), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return true
}

func BenchmarkActual(b *testing.B) {
	p := mustNew(b, Config{Origins: []string{"https://app.example.com"}, Credentials: true})
	r := request("GET", "https://app.example.com")
	b.ReportAllocs()
	for b.Loop() {
		h := make(http.Header, 8)
		answer := actual(p, h, r)
		answer.Reassert(h)
	}
}

// Whatever is in an allowed origin goes back in a header.
func TestNoGarbage(t *testing.T) {
	p := mustNew(t, Config{Origins: []string{"https://*.example.com"}, Credentials: true})
	for _, origin := range []string{"https:// .example.com", "https://a\"b.example.com", "https://é.example.com", "https://A.example.com"} {
		if p.Allows(origin) {
			t.Errorf("%q is allowed", origin)
		}
	}
	r := request("GET", "https://a.example.com")
	r.Header.Add("Origin", "https://b.example.com")
	if actual(p, make(http.Header), r).Allowed {
		t.Error("a request with two origins is allowed")
	}
	r.Method = "OPTIONS"
	r.Header.Set("Access-Control-Request-Method", "PUT")
	if p.Preflight(make(http.Header), r) {
		t.Error("a preflight with two origins is allowed")
	}
}
