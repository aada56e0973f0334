package auth_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// trailOf are the changes of keys that stand in an audit trail: event, key and reason.
func trailOf(t *testing.T, path string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var e struct{ Event, Key_id, Reason string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Event, "authn_token_") || e.Event == "authz_change" {
			found = append(found, e.Event+" "+e.Key_id+": "+e.Reason)
		}
	}
	return found
}

// Every change of a key stands in the audit trail, also one that is made while
// no gate runs, by a key that stands in a site, or under a configuration that
// never starts.
func TestEveryKeyChangeIsAudited(t *testing.T) {
	t.Setenv("SITE_KEY", "a-key-that-stands-in-the-site")
	file := newKeyFile(t)
	file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	file.add(keys.Key{ID: "bob", Scopes: []string{"read"}})
	trail := filepath.Join(t.TempDir(), "audit.log")
	site := func(more string) string {
		return "{\ngatehouse {\nkeys " + file.Path() + "\naudit " + trail + "\n}\n}\nGATE {\n" + more + "\nagent_auth {\nkey web {env.SITE_KEY} {\nscopes read\n}\nrequire read\n}\nrespond in\n}"
	}
	g := gatetest.New(t)
	load := func(config string) {
		t.Helper()
		if err := g.Load(config); err != nil {
			t.Fatal(err)
		}
	}
	var seen int
	tells := func(want ...string) {
		t.Helper()
		got := trailOf(t, trail)
		if news := got[min(seen, len(got)):]; !slices.Equal(news, want) {
			t.Errorf("the trail has %q, want %q", news, want)
		}
		seen = len(got)
	}
	stop := func() {
		t.Helper()
		load("GATE {\nrespond out\n}")
		auth.ForgetStart()
	}

	load(site("")) // what is there when the trail begins is no change
	tells()
	load(site("header X-A b"))
	tells()

	stop()
	file.add(keys.Key{ID: "cy", Scopes: []string{"chat"}})
	file.edit(func(d *keys.Document) error {
		i := slices.IndexFunc(d.Keys, func(k keys.Key) bool { return k.ID == "ada" })
		d.Keys[i].Scopes = []string{"read", "admin"}
		d.Keys = slices.DeleteFunc(d.Keys, func(k keys.Key) bool { return k.ID == "bob" })
		return nil
	})
	t.Setenv("SITE_KEY", "another-key-that-stands-in-the-site")
	load(site(""))
	const away = ", while no gate ran"
	got := trailOf(t, trail)[seen:]
	slices.Sort(got)
	want := []string{
		"authn_token_created cy: added" + away,
		"authn_token_created web: rotated: secret 1" + away,
		"authn_token_delete bob: removed" + away,
		"authn_token_revoked web: secret revoked: secret 1" + away,
		"authz_change ada: rights changed" + away,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
	seen += len(got)
	stop()
	load(site(""))
	tells() // nothing is told twice

	// A configuration that does not start tells nothing, and takes nothing away.
	file.add(keys.Key{ID: "dora", Scopes: []string{"read"}})
	if err := g.Load(site("") + "\nhttp://other.test {\nagent_auth {\nkey eve {env.NOT_THERE}\n}\nrespond in\n}"); err == nil {
		t.Fatal("a site without a key starts")
	}
	gatetest.Await(t, "the new key is told of", func() bool { return len(trailOf(t, trail)) > seen })
	tells("authn_token_created dora: added")

	// A site that is taken out takes its keys along.
	load(strings.Replace(site(""), "key web {env.SITE_KEY} {\nscopes read\n}\n", "", 1))
	tells("authn_token_delete web: removed")

	// The memory is no place to find a secret's hash, and is missed when it is gone.
	memory, err := os.ReadFile(trail + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(memory), "sha256") || strings.Contains(string(memory), "another-key") {
		t.Errorf("the memory has %s", memory)
	}
	stop()
	if err := os.Remove(trail + ".keys"); err != nil {
		t.Fatal(err)
	}
	load(site(""))
	if log := g.Log(); !strings.Contains(log, "sys_audit_broken") || !strings.Contains(log, "which tells what keys there were, cannot be read") {
		t.Errorf("the missing memory is not told of:\n%s", log)
	}
}
