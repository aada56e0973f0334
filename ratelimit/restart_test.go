package ratelimit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// stored is the site with a storage that the test can look into.
func stored(root, lines string) string {
	return strings.Replace(site(lines), "{\n", "{\n\tstorage file_system "+root+"\n", 1)
}

func snapshot(t *testing.T, root string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "gatehouse", "limits", "*.snapshot"))
	if err != nil || len(found) != 1 {
		t.Fatalf("snapshots in the storage: %v, %v", found, err)
	}
	return found[0]
}

func restart(t *testing.T, g *gatetest.Gate, caddyfile string) {
	t.Helper()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := g.Load(caddyfile); err != nil {
		t.Fatal(err)
	}
}

func TestRestart(t *testing.T) {
	root := t.TempDir()
	text := stored(root, "5 15m")
	g := start(t, text)
	expect(t, "before", statuses(g, 3, "/", "X-API-KEY", adaKey), 3, 0)
	restart(t, g, text)
	expect(t, "after", statuses(g, 3, "/", "X-API-KEY", adaKey), 2, 1)

	// A validated configuration was never in force, and must not overwrite what
	// the running process has saved.
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(snapshot(t, root))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Validate(text); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(snapshot(t, root))
	if err != nil || string(before) != string(after) {
		t.Errorf("validating a configuration has written a snapshot (%v)", err)
	}

	for name, damaged := range map[string][]byte{"cut": before[:len(before)/2], "empty": {}, "noise": []byte("noise")} {
		// What runs would save its own over it.
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(snapshot(t, root), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		logged := strings.Count(g.Log(), "the saved counters are damaged")
		restart(t, g, text)
		if got := strings.Count(g.Log(), "the saved counters are damaged"); got != logged+1 {
			t.Errorf("%s: the log says so %d times", name, got-logged)
		}
		expect(t, name, statuses(g, 6, "/", "X-API-KEY", adaKey), 5, 1)
	}
}
