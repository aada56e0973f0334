package detect_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

func checkFindings(t *testing.T, found detect.Findings) {
	t.Helper()
	for _, f := range found {
		if class, _, ok := strings.Cut(f.Rule, "-"); !ok || class != f.Class.String() {
			t.Errorf("rule %q of class %s", f.Rule, f.Class)
		}
		if len(f.Name) > 64 || strings.ContainsAny(f.Name, "<>'\"\r\n\x00 ") {
			t.Errorf("name %q", f.Name)
		}
	}
	if !slices.IsSortedFunc(found, func(a, b detect.Finding) int { return int(a.Class) - int(b.Class) }) {
		t.Errorf("not in order: %v", found)
	}
}

// FuzzRules puts any text to the rules of each class alone, in each place a text can stand in.
func FuzzRules(f *testing.F) {
	for _, targets := range attacks {
		for _, target := range targets {
			_, payload, _ := strings.Cut(target, "=")
			f.Add(target)
			f.Add(payload)
		}
	}
	for agent := range hostileAgents {
		f.Add(agent)
	}
	for _, texts := range rules {
		for _, text := range texts {
			f.Add(url.QueryEscape(text))
		}
	}
	for _, text := range []string{"::int", "::int::text", "====", "'", "||8", "}*{", "<?xml", "&copy;"} {
		f.Add(text)
	}
	var detectors []*detect.Detector
	for _, c := range detect.Classes() {
		detectors = append(detectors, detect.New(detect.Options{Classes: detect.Of(c), MaxBytes: 4096}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, d := range detectors {
			found := d.Request("/p?q="+text, text, "https://app.example/"+text)
			found = append(found, d.Header("X-Any", text)...)
			for _, x := range found {
				checkFindings(t, detect.Findings{x})
				if x.Class != detect.Class(i) {
					t.Errorf("class %s from a detector of %s", x.Class, detect.Class(i))
				}
			}
			if !slices.Equal(d.Target("/p?q="+text), d.Target("/p?q="+text)) {
				t.Errorf("two answers for %q", text)
			}
		}
	})
}

// FuzzRequest holds the answers for whole requests in order, bounded and free of the payload.
func FuzzRequest(f *testing.F) {
	f.Add("/a?b=c", "curl/8", "https://a.example/")
	f.Add("http://h/../x?<script>=1&a[$ne]=2", "${jndi:ldap://h}", "x?y=' or 1=1--")
	d := detect.New(detect.Options{})
	f.Fuzz(func(t *testing.T, target, agent, referer string) {
		found := d.Request(target, agent, referer)
		checkFindings(t, found)
		if len(found) > 16 {
			t.Errorf("%d findings", len(found))
		}
	})
}

// FuzzBody reads any bytes as JSON and as a form.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"a":"\u003cscript\u003e","b":["../../x",{"$ne":"\"}]`))
	f.Add([]byte("a=1&b=%27+or+1=1--"))
	d := detect.New(detect.Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		checkFindings(t, d.Body("application/json", body))
		checkFindings(t, d.Body("application/x-www-form-urlencoded", body))
	})
}
