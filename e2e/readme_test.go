package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// fetch asks for a URL and returns the status, with the body if that is 200.
func fetch(t *testing.T, client *http.Client, url, key string) string {
	t.Helper()
	var header []string
	if key != "" {
		header = []string{"X-API-KEY", key}
	}
	answer := house.Ask(t, client, http.MethodGet, url, "", header...)
	if answer.Status != http.StatusOK {
		return fmt.Sprint(answer.Status)
	}
	return "200 " + answer.Body
}

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestQuickstart runs the quickstart as it lies in the repository, and the
// README's commands against it, and compares what they print.
func TestQuickstart(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(house.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	caddyfile, err := os.ReadFile(filepath.Join(house.Root(), "examples/quickstart/Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	if command := readmeCommand(t, "go run"); command != "go run ./cmd/gatehouse run --config examples/quickstart/Caddyfile" {
		t.Errorf("the README starts the quickstart with %s", command)
	}
	// The file is used as it is, but for the admin endpoint, which the house
	// keeps in its own folder: the words `admin unix/...` are its own concern.
	g := house.StartGate(t, house.GateConfig{
		Caddyfile: regexp.MustCompile(`(?m)^\tadmin .*\n`).ReplaceAllString(string(caddyfile), ""),
		HTTPSPort: 8443,
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	key := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(g.Output())
	if key == "" || strings.Count(g.Output(), key) != 1 {
		t.Fatalf("the key is not printed once:\n%s", g.Output())
	}

	block := console.FindSubmatch(text)
	if block == nil {
		t.Fatal("the README has no console block")
	}
	calls := 0
	for call := range strings.SplitSeq("\n"+string(block[1]), "\n$ ") {
		command, want, _ := strings.Cut(strings.TrimSpace(call), "\n")
		if command == "" {
			continue
		}
		calls++
		cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
		cmd.Env = append(os.Environ(), "KEY="+key)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != strings.TrimSpace(want) {
			t.Errorf("%s\nprints %s (%v)\nand not %s", command, got, err, want)
		}
	}
	if calls != 3 {
		t.Errorf("the README shows %d calls", calls)
	}

	again := g.Restart(t)
	if strings.Contains(again.Output(), "agk_") {
		t.Errorf("the key is printed again:\n%s", again.Output())
	}
	if got := fetch(t, house.Client(t, g.LocalCA()), "https://localhost:8443/api/agents", key); !strings.HasPrefix(got, "200") {
		t.Errorf("after a restart the key gets %s", got)
	}
}

// TestClients runs the clients of docs/authentication.md as they stand there.
func TestClients(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(house.Root(), "docs/authentication.md"))
	if err != nil {
		t.Fatal(err)
	}
	g := house.StartGate(t, house.GateConfig{
		Env: []string{"A=a-key-of-the-clients-test"},
		Sites: "http://localhost {\n\tagent_auth {\n\t\tkey a {env.A}\n\t}\n" +
			"\theader Content-Type application/json\n\trespond /api/agents `{\"success\":true}`\n}\n",
	})
	for _, client := range []struct{ language, program, debian, success string }{
		{"sh", "curl", "curl", `{"success":true}`},
		{"js", "node", "nodejs", "{ success: true }"},
		{"python", "python3", "python3 python3-requests", "{'success': True}"},
	} {
		t.Run(client.language, func(t *testing.T) {
			code := regexp.MustCompile("(?ms)^```" + client.language + "\n((?:curl|const|import).*?)^```$").FindSubmatch(text)
			if code == nil {
				t.Fatalf("the page has no client in %s", client.language)
			}
			for key, ok := range map[string]bool{"a-key-of-the-clients-test": true, "not-the-key": false} {
				out := house.RunScript(t, client.program, client.debian, string(code[1]),
					"ELIZA_API_KEY="+key, fmt.Sprintf("ELIZA_URL=http://localhost:%d", g.Config.HTTPPort))
				if got := strings.Contains(out, client.success); got != ok {
					t.Errorf("with the key %s it prints %s", key, out)
				}
				if !ok && !strings.Contains(out, "Authentication required") {
					t.Errorf("with a wrong key it prints %s", out)
				}
			}
		})
	}
}
