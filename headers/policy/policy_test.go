package policy

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func fields(p Policy, tls bool) map[string]string {
	values := make(map[string]string)
	for _, field := range p.Fields(tls) {
		values[field.Name] = field.Value
	}
	return values
}

func preset(t testing.TB, name string) Policy {
	t.Helper()
	p, ok := Preset(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	return p
}

func TestPresets(t *testing.T) {
	if got := PresetNames(); !slices.Equal(got, []string{"api", "elizaos", "media", "web"}) {
		t.Fatal(got)
	}
	for _, test := range []struct {
		preset string
		want   map[string]string
	}{
		{API, map[string]string{
			"Content-Security-Policy":           "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Strict-Transport-Security":         "max-age=31536000; includeSubDomains",
			"Cache-Control":                     "no-store",
			"Cross-Origin-Embedder-Policy":      "require-corp",
			"Cross-Origin-Opener-Policy":        "same-origin",
			"Cross-Origin-Resource-Policy":      "same-origin",
			"Origin-Agent-Cluster":              "?1",
			"Referrer-Policy":                   "no-referrer",
			"X-Content-Type-Options":            "nosniff",
			"X-Dns-Prefetch-Control":            "off",
			"X-Frame-Options":                   "DENY",
			"X-Permitted-Cross-Domain-Policies": "none",
			"X-Xss-Protection":                  "0",
		}},
		{Web, map[string]string{"X-Xss-Protection": "0", "Cache-Control": "private, no-cache", "X-Frame-Options": "DENY"}},
		{Media, map[string]string{"Cross-Origin-Resource-Policy": "same-site", "X-Content-Type-Options": "nosniff"}},
		{ElizaOS, map[string]string{
			"X-Xss-Protection":          "1; mode=block",
			"X-Frame-Options":           "SAMEORIGIN",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
			"Referrer-Policy":           "no-referrer",
			"Content-Security-Policy": "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; connect-src 'self' ws: wss: https: http:; " +
				"font-src 'self' https: data:; frame-src 'self'; img-src 'self' data: blob: https: http:; media-src 'self' blob: data:; object-src 'none'; " +
				"script-src 'self' 'unsafe-inline' 'unsafe-eval'; script-src-attr 'none'; style-src 'self' 'unsafe-inline' https:; upgrade-insecure-requests",
		}},
	} {
		got := fields(preset(t, test.preset), true)
		for name, value := range test.want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, not %q", test.preset, name, got[name], value)
			}
		}
		if test.preset == API {
			for name := range got {
				if _, ok := test.want[name]; !ok && name != "Permissions-Policy" {
					t.Errorf("api sends %s", name)
				}
			}
		}
	}
	permissions := fields(preset(t, API), true)["Permissions-Policy"]
	for _, feature := range []string{"camera=()", "microphone=()", "geolocation=()", "unload=()", "sync-xhr=(self)"} {
		if !strings.Contains(permissions, feature) {
			t.Errorf("permissions: %s", permissions)
		}
	}
	if n := strings.Count(permissions, "="); n != 29 {
		t.Errorf("%d features, OWASP names 28 and sync-xhr", n)
	}
}

// Presets can be changed without changing them for others.
func TestPresetIsACopy(t *testing.T) {
	p := preset(t, API)
	before := fields(preset(t, API), true)
	p.CSP["default-src"][0] = "*"
	p.HSTS.Preload = true
	p.Permissions["camera"] = "*"
	p.Plain["X-Frame-Options"] = "SAMEORIGIN"
	if !maps.Equal(before, fields(preset(t, API), true)) {
		t.Error("the preset was changed")
	}
}

// What is for TLS alone does not leave without it (RFC 6797, section 7.2).
func TestPlainHTTP(t *testing.T) {
	for _, name := range PresetNames() {
		got := fields(preset(t, name), false)
		if value, ok := got["Strict-Transport-Security"]; ok {
			t.Errorf("%s: HSTS over plain http: %s", name, value)
		}
		if strings.Contains(got["Content-Security-Policy"], "upgrade-insecure-requests") {
			t.Errorf("%s: %s", name, got["Content-Security-Policy"])
		}
	}
	if !strings.Contains(fields(preset(t, Web), true)["Content-Security-Policy"], "upgrade-insecure-requests") {
		t.Error("web does not upgrade over TLS")
	}
}

func TestHSTS(t *testing.T) {
	for _, test := range []struct {
		hsts HSTS
		want string // "": refused
	}{
		{HSTS{MaxAge: 365 * 24 * time.Hour, IncludeSubdomains: true}, "max-age=31536000; includeSubDomains"},
		{HSTS{MaxAge: 730 * 24 * time.Hour, IncludeSubdomains: true, Preload: true}, "max-age=63072000; includeSubDomains; preload"},
		{HSTS{}, "max-age=0"},
		{HSTS{MaxAge: time.Hour, IncludeSubdomains: true, Preload: true}, ""},
		{HSTS{MaxAge: 365 * 24 * time.Hour, Preload: true}, ""},
		{HSTS{MaxAge: time.Millisecond}, ""},
		{HSTS{MaxAge: -time.Second}, ""},
	} {
		var p Policy
		err := p.SetHSTS(test.hsts)
		if (err == nil) != (test.want != "") {
			t.Errorf("%+v: %v", test.hsts, err)
		} else if got := fields(p, true)["Strict-Transport-Security"]; got != test.want {
			t.Errorf("%+v: %s", test.hsts, got)
		}
	}
}

func has(p Policy, name string) bool {
	names := p.Removed(true)
	return names.Has(name)
}

func TestRemove(t *testing.T) {
	p := preset(t, API)
	for _, name := range []string{"x-frame-options", "Content-Security-Policy", "Strict-Transport-Security", "X-Own"} {
		if err := p.Take(name); err != nil {
			t.Fatal(err)
		}
	}
	got := fields(p, true)
	for _, name := range []string{"X-Frame-Options", "Content-Security-Policy", "Strict-Transport-Security", "X-Own"} {
		if _, sent := got[name]; sent || !has(p, name) {
			t.Errorf("%s is still there", name)
		}
	}
	if err := p.Set("X-Frame-Options", "sameorigin"); err != nil {
		t.Fatal(err)
	}
	if fields(p, true)["X-Frame-Options"] != "SAMEORIGIN" || has(p, "X-Frame-Options") {
		t.Error("what was set after it was removed is not sent")
	}
}

// TestSetAgain holds that what is set after it was taken out is sent again, as a
// variant's own option is after those of the handler.
func TestSetAgain(t *testing.T) {
	for _, allowed := range [][]string{{"none"}, {"*"}, {"self"}} {
		p := preset(t, API)
		if err := p.Take("Permissions-Policy"); err != nil {
			t.Fatal(err)
		}
		if err := p.SetPermission("camera", allowed); err != nil {
			t.Fatal(err)
		}
		if _, sent := fields(p, true)["Permissions-Policy"]; !sent {
			t.Errorf("camera %s: the header is not sent", allowed)
		}
	}
}

func TestProducts(t *testing.T) {
	removed := func(name string) bool { return has(preset(t, API), name) }
	for _, name := range []string{"Server", "Via", "X-Powered-By", "X-AspNet-Version", "X-Generator", "X-dtAgentId", "X-Kong-Request-Id", "$wsep"} {
		if !removed(http.CanonicalHeaderKey(name)) {
			t.Errorf("%s stays", name)
		}
	}
	for _, name := range []string{"Content-Type", "Set-Cookie", "X-Request-Id", "Ratelimit", "Etag", "Alt-Svc", "Location"} {
		if removed(name) {
			t.Errorf("%s is removed", name)
		}
	}
	if len(products) < 80 {
		t.Errorf("%d product headers", len(products))
	}
	p := preset(t, API)
	if err := p.Set("Server", "gate"); err != nil || has(p, "Server") {
		t.Error("a product header that the operator sets is removed")
	}
}

func TestInline(t *testing.T) {
	for contentType, want := range map[string]bool{
		"image/png": true, "image/webp": true, "audio/mpeg": true, "video/mp4": true, "application/pdf": true,
		"IMAGE/PNG; charset=x": true,
		"image/svg+xml":        false, "text/html": false, "text/plain": false, "application/xhtml+xml": false, "text/xml": false,
		"application/octet-stream": false, "application/javascript": false, "": false, "image": false, "image/png, text/html": false,
		"multipart/mixed": false,
	} {
		if got := Inline(contentType); got != want {
			t.Errorf("%q: %t", contentType, got)
		}
	}
}

// specCSP reads a policy as browsers do (CSP Level 3, section 2.2.1): strictly
// split on semicolons, the first of several directives of a name counts.
func specCSP(text string) map[string][]string {
	policy := make(map[string][]string)
	for token := range strings.SplitSeq(text, ";") {
		token = strings.Trim(token, "\t\n\f\r ")
		if token == "" {
			continue
		}
		words := strings.FieldsFunc(token, func(r rune) bool { return strings.ContainsRune("\t\n\f\r ", r) })
		name := strings.ToLower(words[0])
		if _, has := policy[name]; !has {
			policy[name] = words[1:]
		}
	}
	return policy
}

func FuzzCSP(f *testing.F) {
	for _, p := range presets {
		f.Add(p.CSP.String())
	}
	for _, text := range []string{"script-src self", "default-src 'none' *", "sandbox", "sandbox allow-scripts allow-same-origin", "report-to group",
		"script-src 'nonce-abc'", "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "img-src https://*.example.com:*/a/b", "x y", ";;", "img-src a,b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		csp, err := ParseCSP(text)
		if err != nil {
			return
		}
		written := csp.String()
		for _, r := range written {
			if r < 0x20 || r > 0x7e || r == ',' {
				t.Fatalf("%q holds %q, which no header may or which starts another policy", written, r)
			}
		}
		read := specCSP(written)
		if len(read) != len(csp) {
			t.Fatalf("%q has %d directives to a browser, %d to us", written, len(read), len(csp))
		}
		for name, values := range csp {
			if !slices.Equal(read[name], values) {
				t.Errorf("%s is %q to a browser, %q to us", name, read[name], values)
			}
		}
		again, err := ParseCSP(written)
		if err != nil || again.String() != written {
			t.Errorf("%q does not survive: %v %v", written, again, err)
		}
	})
}
