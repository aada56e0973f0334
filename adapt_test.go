package gatehouse_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAdapt holds each file of testdata/adapt: a Caddyfile, a line of dashes,
// and the JSON that it gives or the error that it is refused with.
func TestAdapt(t *testing.T) {
	golden(t, "testdata/adapt", adapted)
}

// TestRefused holds each file of testdata/refused: a Caddyfile that can be
// adapted, a line of dashes, and the error with which it is refused when it is
// provisioned: each mistake in a line that begins with its place. GOOD is a
// variable with a good key, SHORT one with a word, TWO_LINES one with two lines,
// and UNSET is none.
func TestRefused(t *testing.T) {
	clearEnv(t)
	t.Setenv("GOOD", token)
	t.Setenv("SHORT", "short")
	t.Setenv("TWO_LINES", "one\ntwo")
	beforeOurs := regexp.MustCompile(`^.*provision \S*(agent_|gatehouse)\S*: `) // what Caddy puts before it
	golden(t, "testdata/refused", func(t *testing.T, caddyfile string) string {
		t.Helper()
		places.Forget() // of what other tests have adapted and not loaded
		if _, err := gatetest.Adapt(caddyfile); err != nil {
			t.Fatalf("it is refused while it is adapted, and belongs into testdata/adapt: %v", err)
		}
		err := gatetest.New(t).Validate(caddyfile)
		if err == nil {
			return "it is valid\n"
		}
		return beforeOurs.ReplaceAllString(err.Error(), "") + "\n"
	})
}

// golden holds the files of a folder, each an input, a line of dashes, and what
// is made of it.
func golden(t *testing.T, folder string, made func(t *testing.T, input string) string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			const dashes = "----------\n"
			input, want, found := strings.Cut(string(content), dashes)
			if !found && !*update {
				t.Fatalf("no line of dashes in %s", file)
			}
			got := made(t, input)
			if *update {
				if err := os.WriteFile(file, []byte(input+dashes+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got (go test -run 'TestAdapt|TestRefused' -update . writes the files anew):\n%s", diff)
			}
		})
	}
}

// adapted is the JSON of a Caddyfile, indented, or the error.
func adapted(t *testing.T, caddyfile string) string {
	t.Helper()
	config, err := gatetest.Adapt(caddyfile)
	if err != nil {
		return err.Error() + "\n"
	}
	var b bytes.Buffer
	if err := json.Indent(&b, config, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// TestPrintedPreset holds that a preset's one line and its printed text are
// the same configuration, in the shapes of sites that people write.
func TestPrintedPreset(t *testing.T) {
	shapes := map[string]string{
		"alone":            "example.com {\nHERE\n}\n",
		"hostless":         ":8080 {\nHERE\n}\n",
		"beside encode":    "example.com {\nencode\nHERE\n}\n",
		"beside handles":   "example.com {\nhandle /a {\nrespond a\n}\nhandle /b {\nrespond b\n}\nHERE\n}\n",
		"inside a handle":  "example.com {\nhandle /a {\nrespond a\n}\nhandle {\nHERE\n}\n}\n",
		"beside redir":     "example.com {\nredir /old /new\nHERE\n}\n",
		"two sites of one": "a.example.com {\nhandle {\nHERE\n}\n}\nb.example.com {\nHERE\n}\n",
	}
	for _, preset := range []string{"elizaos", "api"} {
		printed, err := gate.Preset(preset, []string{"127.0.0.1:3000"})
		if err != nil {
			t.Fatal(err)
		}
		for name, shape := range shapes {
			t.Run(preset+" "+name, func(t *testing.T) {
				one := adapted(t, strings.ReplaceAll(shape, "HERE", "gatehouse "+preset+" 127.0.0.1:3000"))
				long := adapted(t, strings.ReplaceAll(shape, "HERE", printed))
				if diff := cmp.Diff(one, long); diff != "" {
					t.Errorf("-one line +printed:\n%s", diff)
				}
				if !strings.HasPrefix(one, "{") {
					t.Errorf("the preset does not adapt: %s", one)
				}
			})
		}
	}
}
