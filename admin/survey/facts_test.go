package survey

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// The tables of proc(5), as Linux writes them.
func TestParseListeners(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0
   1: 00000000:0BB9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12346 1 0000000000000000 100 0 0 10 0
   2: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 12347 1 0000000000000000 100 0 0 10 0
   3: 00000000000000000000000001000000:0BBA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12348 1 0000000000000000 100 0 0 10 0
   4: 0000000000000000FFFF00000100007F:0BBB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12349 1 0000000000000000 100 0 0 10 0
   5: B80D0120000000000000000001000000:0BBC 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12350 1 0000000000000000 100 0 0 10 0
`
	var got []string
	for _, l := range parseListeners(table) {
		got = append(got, l.address.String()+" "+l.inode)
	}
	want := []string{"127.0.0.1:3000 12345", "0.0.0.0:3001 12346", "[::1]:3002 12348", "127.0.0.1:3003 12349", "[2001:db8::1]:3004 12350"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func FuzzParseListeners(f *testing.F) {
	f.Add("   0: 0100007F:0BB8 00000000:0000 0A 0 0 0 0 0 12345")
	f.Fuzz(func(_ *testing.T, text string) { parseListeners(text) })
}

func TestLogsThatTakeSecurityEvents(t *testing.T) {
	for _, test := range []struct {
		include, exclude []string
		want             bool
	}{
		{nil, nil, true},
		{[]string{"gatehouse.security"}, nil, true},
		{[]string{"gatehouse"}, nil, true},
		{[]string{"gatehouse"}, []string{"gatehouse.security"}, false},
		{[]string{"gatehouse.security"}, []string{"gatehouse"}, true},
		{[]string{"http"}, nil, false},
		{[]string{"gatehouse.sec"}, nil, false},
		{nil, []string{"gatehouse"}, false},
		{nil, []string{"http.log.access"}, true},
	} {
		if got := (logConfig{Include: test.include, Exclude: test.exclude}).takes("gatehouse.security"); got != test.want {
			t.Errorf("include %v exclude %v: %t", test.include, test.exclude, got)
		}
	}
}

func TestVariableOf(t *testing.T) {
	p := gate.Portrait{Secrets: []string{"ELIZA_SERVER_AUTH_TOKEN"}, Environment: map[string]string{"NODE_ENV": "x"}}
	for placeholder, want := range map[string]string{
		"{env.ELIZA_API_KEY:{env.ELIZA_SERVER_AUTH_TOKEN}}": "ELIZA_SERVER_AUTH_TOKEN",
		"{env.ELIZA_SERVER_AUTH_TOKEN:{env.OTHER}}":         "ELIZA_SERVER_AUTH_TOKEN",
		"{env.CI_KEY}":        "CI_KEY",
		"{env.CI_KEY:abc}":    "CI_KEY",
		"{file./run/secret}":  "",
		"new":                 "",
		"{env.NODE_ENV:prod}": "NODE_ENV",
	} {
		if got := variableOf(placeholder, p); got != want {
			t.Errorf("%s: %s", placeholder, got)
		}
	}
}

func TestLookForBackup(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, age time.Duration, fill func(f *os.File)) {
		t.Helper()
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		fill(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if b := lookForBackup(dir); b.Problem == "" {
		t.Errorf("an empty folder: %+v", b)
	}
	if b := lookForBackup(filepath.Join(dir, "none")); b.Problem == "" {
		t.Errorf("no folder: %+v", b)
	}
	if b := lookForBackup(""); b != nil {
		t.Errorf("%+v", b)
	}
	write("old.age", 48*time.Hour, func(f *os.File) { fmt.Fprint(f, "age-encryption.org/v1\n") })
	if b := lookForBackup(dir); !b.Encrypted || b.Size == 0 || b.Readable {
		t.Errorf("%+v", b)
	}
	write("some.dump", 24*time.Hour, func(f *os.File) { fmt.Fprint(f, "PGDMP...") })
	if b := lookForBackup(dir); b.Encrypted || b.Names != nil {
		t.Errorf("%+v", b)
	}
	write("new.tgz", time.Hour, func(f *os.File) {
		zipped := gzip.NewWriter(f)
		archive := tar.NewWriter(zipped)
		for _, name := range []string{"etc/gatehouse/Caddyfile", "var/lib/gatehouse/keys.json"} {
			if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600}); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := zipped.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if b := lookForBackup(dir); filepath.Base(b.Path) != "new.tgz" || len(b.Names) != 2 {
		t.Errorf("%+v", b)
	}
}

func TestDotenvOfAProcess(t *testing.T) {
	if got := valueIn("A=1\x00NODE_ENV=production\x00B=2", "NODE_ENV"); got != "production" {
		t.Error(got)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("NODE_ENV=test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if path, text := dotenvOf("self"); path == "" || text != "NODE_ENV=test\n" {
		t.Errorf("%s %s", path, text)
	}
}
