package house

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Observatory is Mozilla's HTTP Observatory, and a server with Helmet's
// defaults to compare with.
type Observatory struct {
	HelmetPort int
	dir        string
}

// Grade is what the Observatory says of a site.
type Grade struct {
	Score          int
	Grade          string
	Passed, Failed int
	// Deductions are the tests that changed the score, by name.
	Deductions map[string]int
}

// StartObservatory finds the Observatory's program and starts the server with
// Helmet.
func StartObservatory(t testing.TB) *Observatory {
	t.Helper()
	program(t, "node", "nodejs")
	dir := filepath.Join(Root(), "e2e", "observatory")
	if installed := os.Getenv("GATEHOUSE_E2E_OBSERVATORY"); installed != "" {
		dir = installed
	}
	conf := filepath.Join(dir, "node_modules", "@mdn", "mdn-http-observatory", "conf")
	if _, err := os.Stat(conf); err != nil {
		missing(t, "the Observatory is not installed in %s: npm ci --ignore-scripts --prefix e2e/observatory", dir)
	}
	// The list of preloaded sites is a download that nothing here needs.
	if err := os.WriteFile(filepath.Join(conf, "hsts-preload.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	helmet := run(t, "Helmet", exec.Command("node", filepath.Join(dir, "helmet.mjs")))
	port, err := strconv.Atoi(helmet.WaitFor(t, `listening on port (\d+)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	return &Observatory{HelmetPort: port, dir: dir}
}

// Scan grades a site, whose certificate leads to a root of the file.
func (o *Observatory) Scan(t testing.TB, host, rootsFile string) Grade {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(o.dir, "node_modules", "@mdn", "mdn-http-observatory", "src", "scan.js"), host)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + rootsFile}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var result struct {
		Error string
		Scan  struct {
			Grade       string
			Score       int
			TestsPassed int
			TestsFailed int
		}
		Tests map[string]struct {
			Pass          bool
			ScoreModifier int
		}
	}
	if jsonErr := json.Unmarshal(stdout.Bytes(), &result); err != nil || jsonErr != nil || result.Error != "" {
		t.Fatalf("scanning %s: %v\n%s%s", host, err, stdout.String(), stderr.String())
	}
	grade := Grade{Score: result.Scan.Score, Grade: result.Scan.Grade, Passed: result.Scan.TestsPassed, Failed: result.Scan.TestsFailed,
		Deductions: make(map[string]int)}
	for name, test := range result.Tests {
		if test.ScoreModifier != 0 {
			grade.Deductions[name] = test.ScoreModifier
		}
	}
	return grade
}
