package events_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/chain"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// names are the events of a trail with what tells them apart, after it was verified.
func names(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v chain.Verifier
	if head, err := chain.ReadHead(path); err != nil {
		t.Error(err)
	} else {
		v.Expect(head)
	}
	if err := v.Read("", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	v.Finish("")
	if len(v.Problems) > 0 {
		t.Errorf("%v", v.Problems)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		var entry struct {
			Event string `json:"event"`
			Key   string `json:"key_id"`
			Rule  string `json:"rule"`
			Step  string `json:"step"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		found = append(found, strings.TrimSpace(strings.Join([]string{entry.Event, entry.Key, entry.Rule, entry.Step}, " ")))
	}
	return found
}

const auditKey = "Ym9iJ3Mga2V5/with+base64=="

func auditedSite(path, more string) string {
	return "{\ngatehouse {\naudit " + path + "\nallow_unsafe tcp_admin why\n}\n}\nGATE {\n" + more + "\nagent_auth {\nkey root {env.ROOT} {\nscopes *\n}\nkey guest {env.GUEST} {\nscopes read\n}\nrequire read /read/*\nrequire admin /admin/*\n}\nrespond hi\n}"
}

func TestAuditTrail(t *testing.T) {
	t.Setenv("ROOT", auditKey)
	t.Setenv("GUEST", strings.ToLower(auditKey))
	path := filepath.Join(t.TempDir(), "audit.log")
	g := gatetest.New(t)

	// A configuration that is only validated writes nothing.
	if err := g.Validate(auditedSite(path, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("validating made the trail")
	}

	if err := g.Load(auditedSite(path, "")); err != nil {
		t.Fatal(err)
	}
	g.Get("/read/x", "X-API-KEY", auditKey)
	g.Get("/read/x") // 401: not in the trail
	g.Get("/admin/x?api_key="+auditKey, "X-API-KEY", auditKey)
	g.Get("/admin/x", "X-API-KEY", strings.ToLower(auditKey))
	if err := g.Load(auditedSite(path, "header X-Other x")); err != nil {
		t.Fatal(err)
	}
	got := names(t, path)
	if len(got) > 0 && (got[0] == "sys_startup" || got[0] == "sys_restart") {
		got = got[1:] // which of them depends on the tests before
	}
	want := []string{
		"sys_danger_accepted  tcp_admin",
		"authz_admin root scope admin",
		"authz_fail guest scope admin agent_auth",
		"sys_restart",
		"sys_danger_accepted  tcp_admin",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail has %q", got)
	}
	text, _ := os.ReadFile(path)
	if strings.Contains(string(text), auditKey) {
		t.Error("a key stands in the trail")
	}
	for _, e := range g.Events() {
		if e["event"] == "authz_admin" {
			t.Errorf("an allowed call is an event of the security log: %v", e)
		}
	}

	// The gate says when it finds the trail shortened.
	if err := g.Load("GATE {\nrespond hi\n}"); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(path, []byte(strings.Join(lines[:2], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.Load(auditedSite(path, "")); err != nil {
		t.Fatal(err)
	}
	if log := g.Log(); !strings.Contains(log, "sys_audit_broken") || !strings.Contains(log, "its end was cut off: it goes to entry 2") {
		t.Errorf("the shortened trail is not told of:\n%s", log)
	}
}

// TestWhatIsAudited holds the trail against what docs/audit.md says stands in
// it: these events, each of them, and no others.
func TestWhatIsAudited(t *testing.T) {
	page, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## What stands in it")
	table, _, _ = strings.Cut(table, "\nChanges of keys")
	path := filepath.Join(t.TempDir(), "audit.log")
	gatetest.Start(t, "{\ngatehouse {\naudit "+path+"\n}\n}\nGATE {\nagent_auth {\nanonymous read\n}\nrespond hi\n}")
	app, err := gate.Active()
	if err != nil {
		t.Fatal(err)
	}
	before := len(names(t, path))
	var want []string
	for _, kind := range events.Vocabulary() {
		app.Events().Report(events.Event{Name: kind.Name, Level: kind.Level, Message: "[SECURITY] Test"})
		if strings.Contains(table, "`"+string(kind.Name)+"`") {
			want = append(want, string(kind.Name))
		}
	}
	if got := names(t, path)[before:]; !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("the trail has %q, and docs/audit.md says %q", got, want)
	}
}

func TestAuditTrailThatCannotBeOpened(t *testing.T) {
	g := gatetest.New(t)
	err := g.Load("{\ngatehouse {\naudit " + filepath.Join(t.TempDir(), "no", "folder") + "\n}\n}\nGATE {\nagent_auth {\nanonymous read\n}\nrespond hi\n}")
	if err == nil || !strings.Contains(err.Error(), "audit: ") {
		t.Errorf("%v", err)
	}
}

// TestNobodyFillsTheTrail holds that strangers leave no line, and that a key of
// few rights leaves so many that the rest of them can be told in one.
func TestNobodyFillsTheTrail(t *testing.T) {
	t.Setenv("ROOT", auditKey)
	t.Setenv("GUEST", strings.ToLower(auditKey))
	path := filepath.Join(t.TempDir(), "audit.log")
	g := gatetest.New(t)
	site := auditedSite(path, "agent_ip /inside/* {\ndeny 127.0.0.0/8\n}")
	if err := g.Load(site); err != nil {
		t.Fatal(err)
	}
	before := len(names(t, path))
	const refused = 550
	for range refused {
		if res := g.Get("/inside/x"); res.Status != 403 {
			t.Fatalf("the stranger got %d", res.Status)
		}
	}
	if got := names(t, path)[before:]; len(got) > 0 {
		t.Errorf("strangers have left %q", got)
	}
	for range refused {
		g.Get("/admin/x", "X-API-KEY", strings.ToLower(auditKey))
	}
	one := len(names(t, path)) - before
	if one == 0 || one >= refused {
		t.Errorf("of %d refusals of a key %d stand one by one in the trail", refused, one)
	}
	if err := g.Load(site + "\n"); err != nil { // nothing new: nothing is loaded
		t.Fatal(err)
	}
	if err := g.Load(strings.Replace(site, "respond hi", "respond ho", 1)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, summed := 0, 0
	for line := range strings.Lines(string(text)) {
		var entry struct {
			Event string `json:"event"`
			Key   string `json:"key_id"`
			More  int    `json:"more,string"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		switch {
		case entry.Event != "authz_fail" || entry.Key != "guest":
		case entry.More > 0:
			summed += entry.More
		default:
			lines++
		}
	}
	if lines+summed != refused {
		t.Errorf("%d lines and %d that are summed up, of %d refusals:\n%s", lines, summed, refused, text)
	}
}

// TestTrailAndHeadGone holds that a trail which was taken away with its head is
// missed, as long as what it remembers of keys lies there.
func TestTrailAndHeadGone(t *testing.T) {
	t.Setenv("ROOT", auditKey)
	t.Setenv("GUEST", strings.ToLower(auditKey))
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path+".keys", []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gatetest.Start(t, auditedSite(path, ""))
	if log := g.Log(); !strings.Contains(log, "sys_audit_broken") || !strings.Contains(log, "its head is gone") {
		t.Errorf("it is not told:\n%s", log)
	}
}

// TestMemoryFollowsNoLink holds that whoever may write to the trail's folder
// cannot lead the gate to another file.
func TestMemoryFollowsNoLink(t *testing.T) {
	trail := filepath.Join(t.TempDir(), "audit.log")
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".new", events.MemorySuffix + ".new", events.MemorySuffix + ".tmp", events.MemorySuffix} {
		if err := os.Symlink(victim, trail+name); err != nil {
			t.Fatal(err)
		}
	}
	start := func() {
		t.Helper()
		gatetest.Start(t, "{\ngatehouse {\naudit "+trail+"\n}\n}\nGATE {\nagent_auth {\nkey a {$KEY:a-key-for-the-trail-of-a-test}\n}\n}")
	}
	start()
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("the file that a link led to holds %q, %v", text, err)
	}
	if text, err := os.ReadFile(trail + events.MemorySuffix); err != nil || !strings.Contains(string(text), "{") || string(text) == "precious" {
		t.Errorf("the memory holds %q, %v", text, err)
	}
	if rest, err := filepath.Glob(filepath.Join(filepath.Dir(trail), ".*")); err != nil || len(rest) != 0 {
		t.Errorf("left behind are %v, %v", rest, err)
	}
}
