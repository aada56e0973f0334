package access_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// site is a site behind a trusted proxy, so that tests can come from any address.
func site(lists string) string {
	return `
{
	servers {
		trusted_proxies static 127.0.0.1
		trusted_proxies_strict
	}
}
GATE {
	agent_gate
	agent_ip ` + lists + `
	respond "welcome"
}
`
}

func TestDecisions(t *testing.T) {
	t.Setenv("OFFICES", "192.0.2.0/24, 198.51.100.7")
	for _, test := range []struct {
		lists, from string
		want        int
	}{
		{"10.0.0.0/8", "10.1.2.3", 200},
		{"10.0.0.0/8", "11.1.2.3", 403},
		{"10.0.0.0/8", "::ffff:10.1.2.3", 200},
		{"10.0.0.0/8", "2001:db8::1", 403},
		{"2001:db8::/32", "2001:db8::1", 200},
		{"2001:db8::/32", "2001:db9::1", 403},
		{"{\nallow 10.0.0.0/8 172.16.0.0/12\ndeny 10.66.0.0/16\n}", "10.66.1.2", 403},
		{"{\nallow 10.0.0.0/8 172.16.0.0/12\ndeny 10.66.0.0/16\n}", "172.31.255.255", 200},
		{"{\nallow 10.0.0.0/8 172.16.0.0/12\ndeny 10.66.0.0/16\n}", "172.32.0.0", 403},
		{"{\nallow 10.66.1.2\ndeny 10.66.0.0/16\n}", "10.66.1.2", 403}, // deny wins
		{"{\ndeny 10.66.0.0/16\n}", "192.0.2.1", 200},                  // nothing is allowed, so everything is
		{"{\ndeny ::ffff:10.66.0.0/112\n}", "10.66.1.2", 403},
		{"{env.OFFICES}", "192.0.2.200", 200},
		{"{env.OFFICES}", "198.51.100.7", 200},
		{"{env.OFFICES}", "198.51.100.8", 403},
	} {
		g := gatetest.Start(t, site(test.lists))
		res := g.Get("/", "X-Forwarded-For", test.from)
		if res.Status != test.want {
			t.Errorf("%q from %s: %d", test.lists, test.from, res.Status)
		}
		if test.want != 403 {
			continue
		}
		if res.Body != `{"success":false,"error":"Insufficient permissions"}` {
			t.Errorf("%s", res.Body)
		}
		events := g.Events()
		events = slices.DeleteFunc(events, func(e map[string]any) bool { return e["client_ip"] != strings.TrimPrefix(test.from, "::ffff:") })
		if len(events) != 1 || events[0]["event"] != "authz_fail" || !strings.HasPrefix(events[0]["msg"].(string), "[SECURITY] Forbidden request from ") ||
			events[0]["rule"] != "allow" && !strings.HasPrefix(events[0]["rule"].(string), "deny ") {
			t.Errorf("%v", events)
		}
	}
}

// Without trusted_proxies no header moves the address.
func TestHeadersAreNotBelieved(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_ip 10.0.0.0/8\nrespond welcome\n}")
	for _, header := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"} {
		if res := g.Get("/", header, "10.1.2.3"); res.Status != 403 {
			t.Errorf("%s: %d", header, res.Status)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Setenv("NETS", "10.0.0.1/8")
	t.Setenv("NOTHING", ",")
	dir := t.TempDir()
	empty, bad := filepath.Join(dir, "empty"), filepath.Join(dir, "bad")
	os.WriteFile(empty, nil, 0o600)
	os.WriteFile(bad, []byte("10.0.0.0/8\nnonsense\n"), 0o600)
	for lists, want := range map[string]string{
		"":                                 "neither an allow nor a deny list",
		"{env.NETS}":                       "write 10.0.0.0/8 for the network",
		"{env.UNSET_NETS}":                 "UNSET_NETS is unset",
		"{env.NOTHING}":                    "holds no network",
		"{\nallow file " + empty + "\n}":   "everybody would be locked out",
		"{\nallow file " + bad + "\n}":     "line 2:",
		"{\nallow file relative\n}":        "must be absolute",
		"{\ndeny file " + dir + "/none\n}": "file " + dir + "/none cannot be read, where one network a line should stand: no such file or directory",
		"{\ndeny file " + empty + "\n}":    "put a comment into it",
		"{\nallow ten\ndeny eleven\n}":     "eleven",
	} {
		g := gatetest.New(t)
		if err := g.Load(site(lists)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", lists, err)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	allow, deny := filepath.Join(dir, "allow"), filepath.Join(dir, "deny")
	// As editors and configuration tools do: a new file in the old one's place.
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put(allow, "10.0.0.0/8 # the office\n")
	put(deny, "# nobody\n")
	g := gatetest.Start(t, site("{\nallow file "+allow+"\ndeny file "+deny+"\n}"))
	status := func(from string) int { return g.Get("/", "X-Forwarded-For", from).Status }
	if status("10.1.2.3") != 200 || status("192.0.2.1") != 403 {
		t.Fatal("the lists are not read")
	}
	put(allow, "10.0.0.0/8\n192.0.2.0/24\n")
	gatetest.Await(t, "an address was added", func() bool { return status("192.0.2.1") == 200 })
	put(deny, "192.0.2.1\n")
	gatetest.Await(t, "an address was denied", func() bool { return status("192.0.2.1") == 403 })

	// What cannot be used leaves the last good list in force.
	put(allow, "nonsense\n")
	gatetest.Await(t, "the log tells of a bad file", func() bool { return strings.Contains(g.Log(), "last good one stays in force") })
	if status("10.1.2.3") != 200 || status("198.51.100.1") != 403 {
		t.Error("a bad file changed the list")
	}
	if err := os.Truncate(deny, 0); err != nil { // as if it were being written
		t.Fatal(err)
	}
	gatetest.Await(t, "the log tells of an empty file", func() bool { return strings.Contains(g.Log(), "put a comment into it") })
	if status("192.0.2.1") != 403 {
		t.Error("an empty file let a denied address in")
	}
	if err := os.Remove(allow); err != nil {
		t.Fatal(err)
	}
	gatetest.Await(t, "the log tells of a missing file", func() bool { return strings.Contains(g.Log(), "no such file") })
	if status("10.1.2.3") != 200 {
		t.Error("a missing file changed the list")
	}
	put(allow, "198.51.100.0/24\n")
	gatetest.Await(t, "the list is there again", func() bool { return status("198.51.100.1") == 200 && status("10.1.2.3") == 403 })

	// Written in place, as by a shell's >>.
	f, err := os.OpenFile(deny, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("198.51.100.9\n")
	f.Close()
	gatetest.Await(t, "an address was appended", func() bool { return status("198.51.100.9") == 403 && status("192.0.2.1") == 403 })
}
