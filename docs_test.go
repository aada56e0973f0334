package gatehouse_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	_ "github.com/mholt/caddy-ratelimit" // it is in the binary, and in examples
)

var fence = regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$")

// TestDocumentedCaddyfiles adapts every Caddyfile in README, docs and examples.
func TestDocumentedCaddyfiles(t *testing.T) {
	adapted := 0
	for file, text := range documents(t) {
		texts := []string{text}
		if strings.HasSuffix(file, ".md") {
			texts = nil
			for _, match := range fence.FindAllStringSubmatch(text, -1) {
				texts = append(texts, match[1])
			}
		}
		for _, caddyfile := range texts {
			adapted++
			config, err := gatetest.Adapt(caddyfile)
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, caddyfile)
			}
			holdMetricsOnLoopback(t, file, config)
		}
	}
	if adapted < 5 {
		t.Errorf("only %d Caddyfiles found", adapted)
	}
}

// holdMetricsOnLoopback fails where metrics are served to other machines: a
// loopback address in front of a site is a name to Caddy, and without `bind` the
// port is open on every address.
func holdMetricsOnLoopback(t *testing.T, file string, config []byte) {
	t.Helper()
	var adapted struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Listen []string
					Routes json.RawMessage
				}
			}
		}
	}
	if err := json.Unmarshal(config, &adapted); len(config) > 0 && err != nil {
		t.Fatal(err)
	}
	for _, server := range adapted.Apps.HTTP.Servers {
		for _, listen := range server.Listen {
			if strings.Contains(string(server.Routes), `"handler":"metrics"`) && !strings.HasPrefix(listen, "127.") && !strings.HasPrefix(listen, "unix/") {
				t.Errorf("%s: metrics are served on %s", file, listen)
			}
		}
	}
}

// documents are the texts that may hold Caddyfiles, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, root := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs", "examples"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			base := filepath.Base(path)
			if !strings.HasSuffix(base, ".md") && !strings.HasPrefix(base, "Caddyfile") && !strings.HasSuffix(base, ".caddyfile") {
				return nil
			}
			text, err := os.ReadFile(path)
			found[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestDirectivePages holds that every directive has its page, in one order.
func TestDirectivePages(t *testing.T) {
	order := []string{"## Syntax", "## Caddyfile", "## JSON", "## Placeholders", "## Events"}
	source, err := os.ReadFile("caddyfile.go")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"gatehouse", "agent_backend"}
	for _, match := range regexp.MustCompile(`\{"(agent_[a-z_]+)", `).FindAllStringSubmatch(string(source), -1) {
		names = append(names, match[1])
	}
	if len(names) < 4 {
		t.Fatalf("only the directives %v were found", names)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("docs", "directives", name+".md"))
		if err != nil {
			t.Errorf("%s has no page: %v", name, err)
			continue
		}
		if !strings.HasPrefix(string(text), "# "+name+"\n\n") {
			t.Errorf("the page of %s begins otherwise", name)
		}
		var headings []string
		for line := range strings.Lines(string(text)) {
			if heading := strings.TrimSpace(line); strings.HasPrefix(heading, "## ") {
				headings = append(headings, heading)
			}
		}
		if !slices.Equal(headings, order) {
			t.Errorf("the page of %s has the headings %q", name, headings)
		}
		if !strings.Contains(readme(t), "docs/directives/"+name+".md") {
			t.Errorf("the README does not name %s", name)
		}
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)

// TestReliabilityNamesTests holds that each fault in docs/reliability.md names
// tests, and only such as there are.
func TestReliabilityNamesTests(t *testing.T) {
	known := testNames(t)
	page, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	faults, _, _ := strings.Cut(string(page), "\n## ") // what follows has tables of other things
	rows := 0
	for line := range strings.Lines(faults) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 4 || strings.Contains(line, "what clients see") {
			continue
		}
		rows++
		tests := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(cells[3], -1)
		if tests == nil {
			t.Errorf("the fault %q names no test", cells[0])
		}
		for _, test := range tests {
			if !known[test[1]] {
				t.Errorf("the fault %q names %s, and there is no such test", cells[0], test[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("only %d faults found", rows)
	}
}

// TestLinks holds that every link to a file of the project leads there.
func TestLinks(t *testing.T) {
	for file, text := range documents(t) {
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), match[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, match[1], err)
			}
		}
	}
}

// TestFirstScreen holds that the README's first screen offers the two commands.
func TestFirstScreen(t *testing.T) {
	screen := strings.Join(strings.SplitAfterN(readme(t), "\n", 45)[:44], "")
	for _, command := range []string{"go run ./cmd/gatehouse run --config examples/quickstart/Caddyfile", "go test ./..."} {
		if !strings.Contains(screen, command) {
			t.Errorf("the first screen does not offer %s", command)
		}
	}
}
