package admin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/chain"
)

// TestVerifyHeads holds that a trail is found whole only by a head that it has:
// one beside it or one that was kept elsewhere, and by both if there are both.
func TestVerifyHeads(t *testing.T) {
	write := func() (path string, head chain.Head) {
		path = filepath.Join(t.TempDir(), "audit.log")
		w, _, err := chain.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range []string{"one", "two"} {
			if err := w.Append(chain.Field{Key: "event", Value: event}); err != nil {
				t.Fatal(err)
			}
		}
		head = w.Head()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path, head
	}
	path, head := write()
	forged, _ := write() // as long, and its own head beside it
	bare, _ := write()
	if err := os.Remove(bare + chain.HeadSuffix); err != nil {
		t.Fatal(err)
	}
	bareText, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bare, bareText, 0o600); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "copy.log")
	for name, text := range map[string][]byte{moved: bareText, bare + events.MemorySuffix: []byte("{}\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		args []string
		want string // what is wrong; "" if nothing is
	}{
		"as it was":                  {[]string{path}, ""},
		"with a head kept elsewhere": {[]string{path, "--head", head.String()}, ""},
		"written anew":               {[]string{forged}, ""}, // nobody can tell
		"written anew, and a head":   {[]string{forged, "--head", head.String()}, "written anew"},
		"without a head":             {[]string{bare}, "nobody can tell whether lines were cut off"},
		"a copy alone":               {[]string{moved}, ""},
		"by a head alone":            {[]string{bare, "--head", head.String()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := auditCommand()
			var out strings.Builder
			cmd.SetOut(&out)
			cmd.SetErr(new(strings.Builder))
			cmd.SetArgs(append([]string{"verify"}, test.args...))
			err := cmd.Execute()
			if (err == nil) != (test.want == "") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v: %s", err, &out)
			}
		})
	}
}
