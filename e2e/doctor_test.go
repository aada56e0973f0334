package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// Deployments are examined by the program itself, and what docs/doctor.md shows
// is what it prints.
func TestDoctor(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "doctor.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```text\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(shown) != 2 {
		t.Fatalf("the page shows %d transcripts, not a bad and a good one", len(shown))
	}
	for i, deployment := range []func(*testing.T) (house.GateConfig, string, []string, int){badDeployment, goodDeployment} {
		config, dir, flags, want := deployment(t)
		out, status := house.RunGate(t, config, "", append([]string{"doctor"}, flags...)...)
		if status != want {
			t.Errorf("the exit code is %d, not %d", status, want)
		}
		out = strings.ReplaceAll(strings.ReplaceAll(out, dir, ""), config.Home, "/run/gatehouse")
		out = strings.ReplaceAll(out, fmt.Sprintf("localhost:%d", config.HTTPSPort), "localhost")
		out = strings.ReplaceAll(out, fmt.Sprintf("localhost:%d", config.HTTPPort), "localhost:80")
		printed, _, _ := strings.Cut(out, "Error: ") // Caddy's, on standard error
		if blur(printed) != blur(shown[i][1]) {
			t.Errorf("this is not what the page shows:\n%s", out)
		}
		if strings.Contains(out, clientKey) {
			t.Error("a key is printed")
		}

		out, status = house.RunGate(t, config, "", append([]string{"doctor", "--json", "--skip", "backup"}, flags...)...)
		var report struct {
			OK     bool `json:"ok"`
			Checks []struct{ Check, Status string }
		}
		if err := json.NewDecoder(strings.NewReader(out)).Decode(&report); err != nil || report.OK != (want == 0) || status != want || len(report.Checks) != 15 {
			t.Errorf("%v %d %s", err, status, out)
		}
	}
	out, status := house.RunGate(t, house.GateConfig{}, "", "doctor")
	if status != 2 || !strings.Contains(out, "the gate does not answer at") {
		t.Errorf("without a gate: %d %s", status, out)
	}
}

// blur takes out what is another on every machine and day.
func blur(text string) string {
	text = regexp.MustCompile(`(127\.0\.0\.1):\d+`).ReplaceAllString(text, "$1:PORT")
	text = regexp.MustCompile(`process \d+`).ReplaceAllString(text, "process N")
	text = regexp.MustCompile(`on \d+ other addresses`).ReplaceAllString(text, "on N other addresses")
	return regexp.MustCompile(`20\d\d-\d\d-\d\d`).ReplaceAllString(text, "DATE")
}

// backendOf starts a process that stands for the backend, with an environment.
func backendOf(t *testing.T, answers string, env ...string) (address string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", house.Port(t))
	house.StartGate(t, house.GateConfig{
		Caddyfile: fmt.Sprintf("{\n\tauto_https off\n}\nhttp://:%s {\n\tbind 127.0.0.1\n\t%s\n}\n", strings.TrimPrefix(address, "127.0.0.1:"), answers),
		Env:       env,
	})
	return address
}

// badDeployment has a mistake for most checks, each as people make them.
func badDeployment(t *testing.T) (config house.GateConfig, dir string, flags []string, exit int) {
	dir = t.TempDir()
	backend := backendOf(t, "header Access-Control-Allow-Origin {http.request.header.Origin}\n\theader Content-Type text/html\n\trespond ok",
		"NODE_ENV=development", "SERVER_HOST=127.0.0.1")
	if err := os.MkdirAll(filepath.Join(dir, "var/backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	admin := fmt.Sprintf("127.0.0.1:%d", house.Port(t))
	g := house.StartGate(t, house.GateConfig{
		Env:    []string{"CI_KEY=letmein-letmein-letmein"},
		Global: "\tadmin " + admin + "\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t}",
		Sites: fmt.Sprintf("localhost {\n\tagent_auth {\n\t\tpublic / /api/agents\n\t\tkey ci {env.CI_KEY}\n\t}\n\treverse_proxy %s\n}\n"+
			"http://localhost {\n\treverse_proxy %s\n}\n", backend, backend),
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	return g.Config, dir, []string{"--address", admin, "--backup", filepath.Join(dir, "var/backups")}, 1
}

// goodDeployment is examples/elizaos in small.
func goodDeployment(t *testing.T) (config house.GateConfig, dir string, flags []string, exit int) {
	dir = t.TempDir()
	file := func(path, text string) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	env := file("etc/gatehouse/.env.production", "ELIZA_SERVER_AUTH_TOKEN=a-token-of-the-doctors-backend-0123456789\nELIZA_API_KEY="+clientKey+
		"\nCORS_ORIGIN=https://app.example.com\nSECRET_SALT=the-salt-of-the-settings-0123456789abcdef\n")
	keys := file("var/lib/gatehouse/keys.json", "")
	log := file("var/log/gatehouse/security.log", "")
	backup := file("var/backups/gatehouse.tgz.age", "age-encryption.org/v1\n")
	if out, status := house.RunGate(t, house.GateConfig{}, "", "key", "add", "ci", "--scope", "read", "--file", keys); status != 0 {
		t.Fatal(out)
	}
	g := house.StartGate(t, house.GateConfig{
		Global: fmt.Sprintf("\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file %s\n\t\tformat agent_security\n\t}\n\tgatehouse {\n\t\tenv_file %s\n\t\tkeys %s\n\t}", log, env, keys),
		Sites:  fmt.Sprintf("localhost {\n\tgatehouse elizaos %s\n}", backendOf(t, "respond 401", "NODE_ENV=production", "SERVER_HOST=127.0.0.1")),
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	config = g.Config
	config.Env = append(config.Env, "SSL_CERT_FILE="+g.LocalCA())
	return config, dir, []string{"--backup", filepath.Dir(backup)}, 0
}
