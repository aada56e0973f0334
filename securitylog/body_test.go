package securitylog_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func zipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// TestBodies holds that a body is looked at only where that was asked for, and
// that it reaches the backend whole.
func TestBodies(t *testing.T) {
	const hostile = `{"name":"1' UNION SELECT name, pass FROM users--"}`
	g := start(t, "agent_security_log {\nbody /open/watched\n}")
	var got string
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	})
	for _, test := range []struct {
		name, target, contentType, body string
		seen                            bool
		more                            []string
	}{
		{"JSON", "/open/watched", "application/json", hostile, true, nil},
		{"with the slash that backends drop", "/open/watched/", "application/json", hostile, true, nil},
		{"JSON of a kind", "/open/watched", "application/vnd.x+json; charset=utf-8", hostile, true, nil},
		{"a form", "/open/watched", "application/x-www-form-urlencoded", "name=1%27+UNION+SELECT+name,pass+FROM+users--", true, nil},
		{"text", "/open/watched", "text/plain", hostile, false, nil},
		{"compressed", "/open/watched", "application/json", zipped(hostile), false, []string{"Content-Encoding", "gzip"}},
		{"said to be compressed", "/open/watched", "application/json", hostile, true, []string{"Content-Encoding", "gzip"}},
		{"of two types", "/open/watched", "application/json", hostile, true, []string{"Content-Type", "text/plain"}},
		{"elsewhere", "/open/chat", "application/json", hostile, false, nil},
		{"long, at the end", "/open/watched", "application/json", `{"a":"` + strings.Repeat("x", 80<<10) + `",` + hostile[1:], false, nil},
		{"long, at the beginning", "/open/watched", "application/json", hostile[:len(hostile)-1] + `,"a":"` + strings.Repeat("x", 80<<10) + `"}`, true, nil},
		{"none", "/open/watched", "application/json", "", false, nil},
	} {
		before := len(attacks(g))
		res := g.Send("POST", test.target, test.body, append(test.more, "Content-Type", test.contentType)...)
		if res.Status != 200 || got != test.body {
			t.Errorf("%s: %d, the backend got %d of %d bytes", test.name, res.Status, len(got), len(test.body))
		}
		seen := attacks(g)[before:]
		if (len(seen) == 1) != test.seen {
			t.Errorf("%s: %v", test.name, seen)
		}
		if len(seen) == 1 && !strings.HasSuffix(seen[0]["rule"].(string), " in body name") {
			t.Errorf("%s: rule %v", test.name, seen[0]["rule"])
		}
	}
}
