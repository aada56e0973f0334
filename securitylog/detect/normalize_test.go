package detect_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

func TestNormalise(t *testing.T) {
	for raw, want := range map[string]string{
		"%41b%2F":         "ab/",
		"%2541":           "a",
		"%252541":         "a",
		"%25252525252541": "%252541",
		"a+b":             "a b",
		"a%2Bb":           "a+b",
		"%u0041%uff21":    "aa",
		"%c0%ae%c0%af":    "./",
		"%e0%80%af":       "/",
		"%f0%80%80%ae":    ".",
		"%EF%BC%9C":       "<",
		"\u2019":          "'",
		"x\u200by":        "xy",
		"%zz%4":           "%zz%4",
		"%%32%65":         ".",
		"%%32%%65":        ".",
		"caf%E9":          "caf\xe9",
		"%E4%BB%8A":       "今",
		"%ue123":          "\x01",
		"%uEFC8%uf025":    `\\`,
		"%c0%5c%c1%5c":    `\\`,
		"%c0%b4%c0%b4":    "\x01\x01",
		"JAVA":            "java",
	} {
		if got := detect.Normalise(raw, true); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
	if got := detect.Normalise("a+b", false); got != "a+b" {
		t.Errorf("plus in a path: %q", got)
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		"&lt;b&gt;":            "<b>",
		"&#x6a;&#106&#x006A;":  "jjj",
		"&colon;&Tab":          ":&Tab",
		`\x6a\u006a\u{6a}\152`: "jjjj",
		`\6a s`:                "j s",
		"a & b":                "a & b",
		`c:\new`:               `c:\new`,
		"&#99999999999;":       "\ufffd",
	} {
		if got := detect.Unescape(text); !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestEncodingDoesNotHide encodes every character of attacks, once or twice, and holds that they are still seen.
func TestEncodingDoesNotHide(t *testing.T) {
	d := detect.New(detect.Options{})
	payloads := map[detect.Class]string{
		detect.SQLi: "x' or 4=4 -- ", detect.XSS: "<img src=q onerror=go(1)>", detect.Traversal: "../../secret", detect.CmdI: "h;cat /etc/group",
		detect.Log4Shell: "${jndi:ldap://h}", detect.LFI: "/etc/passwd", detect.SSTI: "{{6*7}}", detect.JS: "javascript:go()",
	}
	classes := detect.Classes()
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.SampledFrom(classes).Draw(t, "class")
		payload, ok := payloads[class]
		if !ok {
			return
		}
		rounds := rapid.IntRange(1, 3).Draw(t, "rounds")
		target := "/s?q=" + encodeAll(payload, rounds)
		if !d.Target(target).Classes().Has(class) {
			t.Fatalf("%s encoded %d times is not seen: %s", payload, rounds, target)
		}
	})
}

func encodeAll(s string, rounds int) string {
	const hex = "0123456789abcdef"
	for range rounds {
		var b strings.Builder
		for i := range len(s) {
			b.WriteString("%" + string(hex[s[i]>>4]) + string(hex[s[i]&15]))
		}
		s = b.String()
	}
	return s
}

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"%2541", "%%32%65", "%c0%ae", "%u0041", "%f8%80%80%80%af", "%\xff", "%u", "%c0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := detect.Normalise(raw, true)
		if len(got) > len(raw) {
			t.Fatalf("%q grew to %q", raw, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
			t.Fatalf("%q: capitals in %q", raw, got)
		}
		small := strings.ToLower(raw)
		if strings.Contains(small, "%c0") || strings.Contains(small, "%c1") {
			return // what follows those is part of a code, also where it looks like a letter
		}
		if lower := detect.Normalise(small, true); isASCII(raw) && lower != got {
			t.Fatalf("%q: case matters: %q and %q", raw, got, lower)
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
