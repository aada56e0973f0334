package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// readmeCommand is the one command of the README that begins so.
func readmeCommand(t *testing.T, begin string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(house.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, begin) {
			command, _, _ := strings.Cut(line, " #")
			return strings.TrimSpace(command)
		}
	}
	t.Fatalf("the README has no command %s", begin)
	return ""
}

// binaries are the two ways in which the README builds the gate, each run as
// it is written there but for where the result goes.
func binaries(t *testing.T) map[string]string {
	t.Helper()
	command := readmeCommand(t, "go tool -modfile=tools/go.mod xcaddy")
	target := filepath.Join(t.TempDir(), "caddy")
	words := strings.Fields(strings.Replace(command, "--output caddy", "--output "+target, 1))
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir = house.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if got := readmeCommand(t, "go build"); got != "go build ./cmd/gatehouse" {
		t.Errorf("the README builds with %s", got)
	}
	return map[string]string{"go build": house.GateBinary(t), "xcaddy": target}
}

// order is the way of a request, as Caddy's own directives and ours are sorted.
// caddy-ratelimit's zones come behind ours and inside the door.
const everyDirective = `example.com {
	rate_limit {
		zone flood {
			key static
			events 1000
			window 1s
		}
	}
	encode
	agent_rate_limit 100 15m
	agent_auth {
		key a {env.A}
	}
	agent_gate
	request_body {
		max_size 1MB
	}
	redir /old /new
	reverse_proxy 127.0.0.1:3000
}`

func TestBinaries(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the gate twice, with xcaddy too")
	}
	for name, binary := range binaries(t) {
		t.Run(name, func(t *testing.T) {
			config := house.GateConfig{Binary: binary}
			out, status := house.RunGate(t, config, "", "list-modules")
			for _, module := range []string{"http.handlers.agent_gate", "http.handlers.agent_auth", "http.handlers.rate_limit",
				"http.matchers.agent_route", "http.reverse_proxy.transport.agent_backend", "gatehouse"} {
				if status != 0 || !slices.Contains(strings.Fields(out), module) {
					t.Errorf("list-modules does not have %s", module)
				}
			}

			config.Caddyfile = everyDirective
			out, status = house.RunGate(t, config, "", "adapt", "--config", "{config}", "--adapter", "caddyfile")
			if status != 0 {
				t.Fatalf("adapt: %s", out)
			}
			if got, want := handlers(t, out), []string{"agent_gate", "request_body", "static_response", "agent_auth", "agent_rate_limit", "rate_limit", "encode", "reverse_proxy"}; !slices.Equal(got, want) {
				t.Errorf("the order is %v, not %v", got, want)
			}

			// The example has a zone of theirs before ours.
			flood, err := os.ReadFile(filepath.Join(house.Root(), "examples", "flood", "Caddyfile"))
			if err != nil {
				t.Fatal(err)
			}
			config.Caddyfile = string(flood)
			if out, status = house.RunGate(t, config, "", "adapt", "--config", "{config}", "--adapter", "caddyfile"); status != 0 {
				t.Fatalf("adapt: %s", out)
			}
			if got, want := handlers(t, out), []string{"agent_gate", "agent_headers", "rate_limit", "agent_auth", "agent_rate_limit", "reverse_proxy"}; !slices.Equal(got, want) {
				t.Errorf("the order of the example is %v, not %v", got, want)
			}

			formatted := "example.com {\n\tagent_auth {\n\t\tkey a {env.A}\n\t}\n}\n"
			config.Caddyfile = "example.com {\nagent_auth {\nkey a {env.A}\n}\n}\n"
			if out, _ = house.RunGate(t, config, "", "fmt", "{config}"); !strings.HasPrefix(out, formatted) {
				t.Errorf("fmt: %q", out)
			}

			if out = house.Refused(t, house.GateConfig{Binary: binary, Caddyfile: "example.com {\n\tagent_auth\n}\n"}); !strings.Contains(out, "agent_auth has no key") {
				t.Errorf("validate: %s", out)
			}
			if out, status = house.RunGate(t, house.GateConfig{Binary: binary}, "", "gate", "preset", "api", "127.0.0.1:3000"); status != 0 || !strings.HasPrefix(out, "route {\n\tagent_gate\n") {
				t.Errorf("gate preset: %s", out)
			}

			g := house.StartGate(t, house.GateConfig{Binary: binary, Env: []string{"A=a-key-of-the-binaries-test"}, Sites: site("one")})
			client := house.Client(t, "")
			url := fmt.Sprintf("http://localhost:%d/", g.Config.HTTPPort)
			if got := fetch(t, client, url, ""); got != "401" {
				t.Errorf("run, no key: %s", got)
			}
			if got := fetch(t, client, url, "a-key-of-the-binaries-test"); got != "200 one" {
				t.Errorf("run, with the key: %s", got)
			}
			g.Reload(t, site("two"), "", client)
			if got := fetch(t, client, url, "a-key-of-the-binaries-test"); got != "200 two" {
				t.Errorf("reload: %s", got)
			}
		})
	}
}

func site(answer string) string {
	return "http://localhost {\n\tagent_auth {\n\t\tkey a {env.A}\n\t}\n\trespond " + answer + "\n}\n"
}

// handlers are the names of the handlers in a configuration, as they come.
func handlers(t *testing.T, config string) (names []string) {
	t.Helper()
	// Lines of the log come before it.
	start := regexp.MustCompile(`(?m)^\{"(admin|apps)"`).FindStringIndex(config)
	if start == nil {
		t.Fatalf("no configuration in %s", config)
	}
	var parsed any
	if err := json.NewDecoder(strings.NewReader(config[start[0]:])).Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, inner := range node {
				walk(inner)
			}
		case map[string]any:
			if name, ok := node["handler"].(string); ok && name != "subroute" {
				names = append(names, name)
				return
			}
			for _, key := range []string{"apps", "http", "servers", "srv0", "routes", "handle"} {
				walk(node[key])
			}
		}
	}
	walk(parsed)
	return names
}

// TestVersion holds that the binary tells both versions.
func TestVersion(t *testing.T) {
	for _, word := range []string{"version", "--version"} {
		out, status := house.RunGate(t, house.GateConfig{}, "", word)
		if status != 0 || !strings.HasPrefix(out, "gatehouse v") || !strings.Contains(out, "\ncaddy v2.11.9") {
			t.Errorf("%s: %d %s", word, status, out)
		}
	}
	out, _ := house.RunGate(t, house.GateConfig{}, "", "preset", "elizaos")
	long, _ := house.RunGate(t, house.GateConfig{}, "", "gate", "preset", "elizaos", "127.0.0.1:3000")
	if out != long || !strings.HasPrefix(out, "route {\n") {
		t.Errorf("preset: %s", out)
	}
}

// A missing folder of the admin socket is told by Caddy, in the words that
// docs/deployment.md explains.
func TestMissingSocketFolder(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "deployment.md"))
	if err != nil {
		t.Fatal(err)
	}
	const socket = "/run/gatehouse/admin.sock"
	missing := filepath.Join(t.TempDir(), "none", "admin.sock")
	out, status := house.RunGate(t, house.GateConfig{Caddyfile: "{\n\tadmin unix/" + missing + "|0600\n}\n"}, "", "run", "--adapter", "caddyfile", "--config", "{config}")
	told := regexp.MustCompile("(?m)^loading initial config: .*" + socket + ".*$").FindString(string(page))
	if status == 0 || told == "" || !strings.Contains(out, strings.Replace(told, socket, missing, 1)) {
		t.Errorf("the page says %q; the exit code is %d: %s", told, status, out)
	}
}
