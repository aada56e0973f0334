package gatehouse_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRequirements holds that every test that docs/requirements.md appeals to
// exists, and that the pages which the documents link do too.
func TestRequirements(t *testing.T) {
	text, err := os.ReadFile("docs/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	appeals := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	if len(appeals) < 50 {
		t.Errorf("only %d tests are named", len(appeals))
	}
	for _, appeal := range appeals {
		if !tests[appeal[1]] {
			t.Errorf("docs/requirements.md appeals to %s, which does not exist", appeal[1])
		}
	}
	overview, err := os.ReadFile("docs/security-overview.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"authentication", "rate-limiting", "cors", "security-headers", "security-best-practices", "error-responses"} {
		if !strings.Contains(string(overview), "("+page+".md") {
			t.Errorf("the overview does not link %s", page)
		}
	}
	policy, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"public issue", "maintainers", "steps to reproduce", "before you disclose",
		"https://github.com/elizaos/eliza/discussions", "https://discord.gg/elizaos", "https://github.com/elizaos/eliza/security"} {
		if !strings.Contains(string(policy), part) {
			t.Errorf("SECURITY.md does not have %q", part)
		}
	}
}

// testNames are the names of all tests of the project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	eachGoFile(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, match := range function.FindAllStringSubmatch(text, -1) {
				names[match[1]] = true
			}
		}
	})
	return names
}

// code is how a code of a refusal stands in Go and in the presets' text.
var code = regexp.MustCompile(`(?:[cC]ode:\s*|BadRequest\(|TooMany\(|\.Code = |(?m)^\s+code )"?([A-Z]+_[A-Z_]+|UNAUTHORIZED|FORBIDDEN)\b`)

// TestErrorResponses holds that the page on errors tells of every code that the
// gate can answer with.
func TestErrorResponses(t *testing.T) {
	page, err := os.ReadFile("docs/error-responses.md")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	look := func(path, text string) {
		for _, match := range code.FindAllStringSubmatch(text, -1) {
			found[match[1]] = path
		}
	}
	eachGoFile(t, func(path, text string) {
		if !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "e2e") && !strings.HasPrefix(path, "gatetest") {
			look(path, text)
		}
	})
	preset, err := os.ReadFile("elizaos/elizaos.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	look("elizaos/elizaos.caddyfile", string(preset))
	if len(found) < 15 {
		t.Errorf("only %d codes were found: %v", len(found), found)
	}
	for code, path := range found {
		if !strings.Contains(string(page), "`"+code+"`") {
			t.Errorf("docs/error-responses.md does not tell of %s, with which %s refuses: add a line to its table", code, path)
		}
	}
}

func eachGoFile(t *testing.T, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			visit(path, string(text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
