package auth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// keyFile is a key file of the test's, with keys by id.
type keyFile struct {
	*keys.File
	t testing.TB
}

func newKeyFile(t testing.TB) keyFile {
	file := keyFile{keys.NewFile(filepath.Join(t.TempDir(), "keys.json")), t}
	if err := file.Init(); err != nil {
		t.Fatal(err)
	}
	return file
}

// add makes a key and returns its secret.
func (f keyFile) add(k keys.Key) (secret string) {
	f.t.Helper()
	f.edit(func(d *keys.Document) error {
		minted, err := d.Add(k, keys.Edit{Now: time.Now()})
		secret = minted.Reveal()
		return err
	})
	return secret
}

// revoke takes a key back, or one of its secrets.
func (f keyFile) revoke(id, secret string) {
	f.t.Helper()
	f.edit(func(d *keys.Document) error {
		_, err := d.Revoke(id, secret, 0, keys.Edit{Now: time.Now()})
		return err
	})
}

// awaitChange waits until the gate has told of a change to a key. To ask with
// the key until the answer is another would not do: a request on its way is cut
// off when its key is revoked, and of many refusals only the first are told of.
func awaitChange(t *testing.T, g *gatetest.Gate, change events.Name, id string) {
	t.Helper()
	gatetest.Await(t, fmt.Sprintf("%s of %s", change, id), func() bool {
		return slices.ContainsFunc(g.Events(), func(e map[string]any) bool {
			return e["event"] == string(change) && e["key_id"] == id
		})
	})
}

func (f keyFile) edit(edit func(*keys.Document) error) {
	f.t.Helper()
	if err := f.Update(edit); err != nil {
		f.t.Fatal(err)
	}
}

func (f keyFile) site(more string) string {
	return "{\ngatehouse {\nkeys " + f.Path() + "\n}\n}\nGATE {\nagent_auth {\nrequire read /read/*\n" + more + "\n}\nreverse_proxy BACKEND {\nflush_interval -1\nstream_close_delay 1h\ntransport agent_backend\n}\n}"
}

func TestKeyFile(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"read"}, Entity: "11111111-2222-3333-4444-555555555555"})
	g := gatetest.Start(t, file.site(""))
	status := func(secret string) int { return g.Get("/read/x", "X-API-KEY", secret, "X-Entity-Id", "forged").Status }
	if got := status(ada); got != 200 {
		t.Fatalf("ada: %d", got)
	}
	if got := g.Backend.Last().Header["X-Entity-Id"]; len(got) != 1 || got[0] != "11111111-2222-3333-4444-555555555555" {
		t.Errorf("the backend got the entity %q", got)
	}
	if got := status("agk_" + strings.Repeat("0", 36)); got != 401 {
		t.Errorf("a stranger: %d", got)
	}

	bob := file.add(keys.Key{ID: "bob", Scopes: []string{"chat"}})
	awaitChange(t, g, events.KeyCreated, "bob")
	if got := status(bob); got != 403 {
		t.Errorf("a key that was added: %d", got)
	}

	var rotated string
	file.edit(func(d *keys.Document) error {
		minted, err := d.Rotate("ada", time.Hour, "", keys.Edit{Now: time.Now()})
		rotated = minted.Reveal()
		return err
	})
	awaitChange(t, g, events.KeyCreated, "ada")
	if got := status(rotated); got != 200 {
		t.Errorf("the new secret: %d", got)
	}
	if got := status(ada); got != 200 {
		t.Errorf("the old secret during the overlap: %d", got)
	}

	file.revoke("ada", "")
	awaitChange(t, g, events.KeyRevoked, "ada")
	if status(ada) != 401 || status(rotated) != 401 {
		t.Error("a revoked key is not refused")
	}
	if told := g.Events(); told[len(told)-1]["reason"] != "the X-Api-Key is no valid key: revoked" {
		t.Errorf("the last event: %v", told[len(told)-1])
	}
}

func TestBrokenKeyFile(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	good, err := os.ReadFile(file.Path())
	if err != nil {
		t.Fatal(err)
	}
	g := gatetest.Start(t, file.site(""))
	complaints := func() int { return strings.Count(g.Log(), "the last good keys stay in force") }
	for i, broken := range []string{"{", strings.Replace(string(good), `"read"`, `"read this"`, 1)} {
		if err := os.WriteFile(file.Path(), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		gatetest.Await(t, "the log complains", func() bool { return complaints() > i })
		if res := g.Get("/read/x", "X-API-KEY", ada); res.Status != 200 {
			t.Errorf("with a broken file: %d", res.Status)
		}
	}
	if err := os.WriteFile(file.Path(), good, 0o600); err != nil {
		t.Fatal(err)
	}
	bob := file.add(keys.Key{ID: "bob", Scopes: []string{"read"}})
	gatetest.Await(t, "the mended file is in force", func() bool { return g.Get("/read/x", "X-API-KEY", bob).Status == 200 })
}

func TestKeyFileAtStart(t *testing.T) {
	folder := t.TempDir()
	broken := filepath.Join(folder, "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(folder, "missing.json")
	for path, want := range map[string]string{
		missing: "keys: key file " + missing + " does not exist; `gatehouse key add <name> --file " + missing + "` makes it: stat " + missing + ": no such file or directory",
		broken:  "keys: key file " + broken + ": line 1, column 1: this is not JSON; a comma, quote or bracket is missing or too much",
	} {
		err := gatetest.New(t).Load("{\ngatehouse {\nkeys " + path + "\n}\n}\nGATE {\nagent_auth\n}")
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestKeyOfAnotherSite(t *testing.T) {
	file := newKeyFile(t)
	here := file.add(keys.Key{ID: "here", Scopes: []string{"*"}, Sites: []string{"127.0.0.1"}})
	there := file.add(keys.Key{ID: "there", Scopes: []string{"*"}, Sites: []string{"other.example.com"}})
	g := gatetest.Start(t, file.site(""))
	if res := g.Get("/", "X-API-KEY", here); res.Status != 200 {
		t.Errorf("a key of this site: %d", res.Status)
	}
	if res := g.Get("/", "X-API-KEY", there); res.Status != 401 {
		t.Errorf("a key of another site: %d", res.Status)
	}
}

func TestPepper(t *testing.T) {
	t.Setenv("PEPPER", "a-pepper-for-the-tests-of-keys")
	file := newKeyFile(t)
	var secret string
	file.edit(func(d *keys.Document) error {
		minted, err := d.Add(keys.Key{ID: "ada", Scopes: []string{"*"}}, keys.Edit{Now: time.Now(), Pepper: []byte(os.Getenv("PEPPER"))})
		secret = minted.Reveal()
		return err
	})
	site := "GATE {\nagent_auth\nrespond hello\n}"
	with := func(pepper string) string {
		return "{\ngatehouse {\nkeys " + file.Path() + " {\npepper " + pepper + "\n}\n}\n}\n" + site
	}
	g := gatetest.Start(t, with("{env.PEPPER}"))
	if res := g.Get("/", "X-API-KEY", secret); res.Status != 200 {
		t.Errorf("with the pepper: %d", res.Status)
	}
	t.Setenv("OTHER", "another-pepper-for-the-tests")
	if err := gatetest.New(t).Load(with("{env.OTHER}")); err == nil || !strings.Contains(err.Error(), "pepper") {
		t.Errorf("with another pepper: %v", err)
	}
	if _, err := gatetest.Adapt(strings.ReplaceAll(with("a-literal-pepper-in-the-clear"), "GATE", "http://localhost")); err == nil || !strings.Contains(err.Error(), "may not stand in the clear") {
		t.Errorf("a literal pepper: %v", err)
	}
	t.Setenv("GATEHOUSE_PEPPER", os.Getenv("PEPPER"))
	g = gatetest.Start(t, "{\ngatehouse {\nkeys "+file.Path()+"\n}\n}\n"+site)
	if res := g.Get("/", "X-API-KEY", secret); res.Status != 200 {
		t.Errorf("with GATEHOUSE_PEPPER: %d", res.Status)
	}
}

// TestStreamsEnd holds that the streams of a revoked key end, and only they,
// when the client reads and when it does not, also after a reload.
func TestStreamsEnd(t *testing.T) {
	file := newKeyFile(t)
	secrets := map[string]string{}
	for _, id := range []string{"ada", "bob"} {
		secrets[id] = file.add(keys.Key{ID: id, Scopes: []string{"*"}})
	}
	g := gatetest.Start(t, file.site(""))
	gone := make(chan string, 10)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if strings.HasSuffix(r.URL.Path, "/socket") {
			if gatetest.HoldSocket(w) == nil {
				gone <- r.URL.Path
			}
			return
		}
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "data: "+strings.Repeat("x", 10_000)+"\n\n"); err != nil || rc.Flush() != nil {
				break
			}
		}
		gone <- r.URL.Path
	})
	open := func(id, kind, headers string) (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "GET /%s/%s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n%s\r\n", id, kind, g.Addr, secrets[id], headers)
		r := bufio.NewReader(conn)
		if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "200") && !strings.Contains(line, "101") {
			t.Fatalf("%s/%s: %q, %v", id, kind, line, err)
		}
		return conn, r
	}
	_, reading := open("ada", "reading", "")
	go io.Copy(io.Discard, reading)
	open("ada", "silent", "") // its client never reads on
	open("ada", "socket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
	_, others := open("bob", "reading", "")
	go io.Copy(io.Discard, others)
	if err := g.Load(file.site("public /another")); err != nil {
		t.Fatal(err)
	}

	file.revoke("ada", "")
	want := map[string]bool{"/ada/reading": true, "/ada/silent": true, "/ada/socket": true}
	for len(want) > 0 {
		path := gatetest.Receive(t, fmt.Sprintf("the end of one of %v", want), gone)
		if !want[path] {
			t.Errorf("%s has ended", path)
		}
		delete(want, path)
	}
	gatetest.Await(t, "there is an event for each", func() bool {
		return strings.Count(g.Log(), "the request was ended: the key ada is revoked") == 3
	})
	if res := g.Get("/read/x", "X-API-KEY", secrets["ada"]); res.Status != 401 {
		t.Errorf("a revoked key: %d", res.Status)
	}
	// What a key may do no longer, it does no longer on a stream either.
	file.edit(func(d *keys.Document) error {
		d.Keys[1].Scopes = []string{"read"}
		return nil
	})
	if path := gatetest.Receive(t, "the end of the stream of a key that has lost scopes", gone); path != "/bob/reading" {
		t.Errorf("%s has ended", path)
	}
}

func dial(t *testing.T, g *gatetest.Gate) (net.Conn, error) {
	conn, err := net.Dial("tcp", g.Addr)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}

// TestKeyChangesAreEvents holds that each change to a key is an event, whoever
// made it, and that a reload in between makes none and loses none.
func TestKeyChangesAreEvents(t *testing.T) {
	file := newKeyFile(t)
	file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	g := gatetest.Start(t, file.site(""))
	file.edit(func(d *keys.Document) error {
		d.Keys[0].Scopes = []string{"read", "admin"} // by hand
		return nil
	})
	seen := func() (names []string) {
		for _, e := range g.Events() {
			names = append(names, fmt.Sprint(e["event"], " ", e["key_id"]))
		}
		return names
	}
	gatetest.Await(t, "the first change", func() bool { return len(seen()) == 1 })
	if err := g.Load(file.site("anonymous read")); err != nil {
		t.Fatal(err)
	}
	file.revoke("ada", "")
	gatetest.Await(t, "the second change", func() bool { return len(seen()) >= 2 })
	if got := fmt.Sprint(seen()); got != "[authz_change ada authn_token_revoked ada]" {
		t.Errorf("the events are %s", got)
	}
}

// TestLastUseSurvives holds that a restart does not make a key that is in use
// look forgotten.
func TestLastUseSurvives(t *testing.T) {
	file := newKeyFile(t)
	secret := file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	g := gatetest.Start(t, file.site(""))
	if got := g.Get("/read/x", "X-API-KEY", secret).Status; got != 200 {
		t.Fatal(got)
	}
	if err := g.Load("GATE {\nrespond hi\n}"); err != nil { // the ring's end
		t.Fatal(err)
	}
	gatetest.Await(t, "the time of use in the file", func() bool {
		d, err := file.Load()
		return err == nil && !d.Keys[0].Secrets[0].LastUsed.IsZero()
	})
}

// TestStreamsOfSiteKeysEnd holds that a key that is written in a site ends with
// it: a reload without the key, or with another secret, ends its streams, and
// one that leaves it alone does not.
func TestStreamsOfSiteKeysEnd(t *testing.T) {
	site := func(more string) string {
		return "GATE {\nagent_auth {\nkey bob " + bobKey + "\n" + more + "\n}\nreverse_proxy BACKEND {\nflush_interval -1\ntransport agent_backend\n}\n}"
	}
	g := start(t, site("key ada {env.ADA_KEY}"))
	streams := holdStreams(t, g)
	streams.open("/bob", bobKey)
	streams.open("/ada", adaKey)
	t.Setenv("ADA_KEY", otherKey)
	if err := g.Load(site("key ada {env.ADA_KEY}")); err != nil {
		t.Fatal(err)
	}
	streams.awaitEnd("/ada")
	streams.open("/ada/again", otherKey)
	if err := g.Load(site("")); err != nil {
		t.Fatal(err)
	}
	streams.awaitEnd("/ada/again")
	if len(streams.gone) > 0 {
		t.Errorf("%s has ended", <-streams.gone)
	}
}
