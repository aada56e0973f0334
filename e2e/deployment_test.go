package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// example reads a file of examples/ and replaces what is not of this machine.
// Each text has to be there once.
func example(t *testing.T, path string, replacements map[string]string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(house.Root(), "examples", path))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for theirs, ours := range replacements {
		if strings.Count(text, theirs) != 1 {
			t.Fatalf("%s does not have %q once", path, theirs)
		}
		text = strings.Replace(text, theirs, ours, 1)
	}
	return text
}

// The production example, with its two files of variables, before a real
// server: a key of the file does what its scopes say, the clients' key
// everything, and no log has either.
func TestElizaExample(t *testing.T) {
	e := house.SharedElizaOS(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const pepper = "the-pepper-of-the-example-0123456789abcdef"
	config := house.GateConfig{HTTPPort: house.Port(t), HTTPSPort: house.Port(t)}
	keys := filepath.Join(dir, "keys.json")
	config.Caddyfile = example(t, "elizaos/Caddyfile", map[string]string{
		"\tadmin unix//run/gatehouse/admin.sock|0600\n": fmt.Sprintf("\tdefault_bind 127.0.0.1\n\thttp_port %d\n\thttps_port %d\n\tskip_install_trust\n", config.HTTPPort, config.HTTPSPort),
		"\temail operator@example.com\n":                "\tlocal_certs\n",
		"/etc/gatehouse/.env.production": write(".env.production", example(t, "elizaos/.env.production", map[string]string{
			"\nELIZA_SERVER_AUTH_TOKEN=\n": "\nELIZA_SERVER_AUTH_TOKEN=" + e.Token + "\n",
			"\nELIZA_API_KEY=\n":           "\nELIZA_API_KEY=" + clientKey + "\n",
			"\nSERVER_API_KEY=\n":          "\nSERVER_API_KEY=the-key-of-the-sockets-0123456789abcdef\n",
			"\nSECRET_SALT=\n":             "\nSECRET_SALT=the-salt-of-the-settings-0123456789abcdef\n",
		})),
		"/etc/gatehouse/gatehouse.env":       write("gatehouse.env", example(t, "elizaos/gatehouse.env", map[string]string{"\nGATEHOUSE_PEPPER=\n": "\nGATEHOUSE_PEPPER=" + pepper + "\n"})),
		"/var/lib/gatehouse/keys.json":       keys,
		"/var/log/gatehouse/security.log":    filepath.Join(dir, "security.log"),
		"/var/log/gatehouse/audit.log":       filepath.Join(dir, "audit.log"),
		"/var/log/gatehouse/access.log":      filepath.Join(dir, "access.log"),
		"gatehouse elizaos 127.0.0.1:3000 {": fmt.Sprintf("gatehouse elizaos 127.0.0.1:%d {", e.Port),
	})
	out, status := house.RunGate(t, house.GateConfig{Env: []string{"GATEHOUSE_PEPPER=" + pepper}}, "", "key", "add", "reader", "--scope", "read", "--file", keys)
	secret := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(out)
	if status != 0 || secret == "" {
		t.Fatalf("key add: %d %s", status, out)
	}

	g := house.StartGate(t, config)
	g.AwaitCertificate(t, domain, g.LocalCA())
	client := house.Client(t, g.LocalCA())
	for _, visit := range []struct {
		method, path, key string
		status            int
	}{
		{"GET", "/api/agents", "", 401},
		{"GET", "/api/agents", "not-a-key-of-anybody-0123456789", 401},
		{"GET", "/api/agents", e.Token, 401},
		{"GET", "/api/agents", secret, 200},
		{"GET", "/api/server/logs", secret, 403},
		{"GET", "/api/server/logs", clientKey, 200},
		{"GET", "/api/agents?x=${jndi:ldap://example.com/a}", clientKey, 403},
		{"GET", "/healthz", "", 200},
		{"GET", "/", clientKey, 403}, // the UI is off
	} {
		request, err := http.NewRequest(visit.method, fmt.Sprintf("https://%s:%d%s", domain, config.HTTPSPort, visit.path), nil)
		if err != nil {
			t.Fatal(err)
		}
		if visit.key != "" {
			request.Header.Set("X-API-KEY", visit.key)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != visit.status {
			t.Errorf("%s %s with the key %.8s: %d, not %d", visit.method, visit.path, visit.key, response.StatusCode, visit.status)
		}
	}
	g.Stop()
	if out, status := house.RunGate(t, house.GateConfig{}, "", "audit", "verify", filepath.Join(dir, "audit.log")); status != 0 {
		t.Errorf("the audit trail: %d %s", status, out)
	}
	for name, want := range map[string]string{"audit.log": `"key_id":"reader"`, "security.log": "WARN: [SECURITY] Unauthorized access attempt from 127.0.0.1", "access.log": `"uri":"/api/agents"`} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not have %s: %v\n%s", name, want, err, text)
		}
		for _, hidden := range []string{secret, clientKey, e.Token, pepper} {
			if strings.Contains(string(text)+g.Output(), hidden) {
				t.Errorf("%s or the output holds the secret %.8s...", name, hidden)
			}
		}
	}
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// The units are without a mistake for systemd, and leave little to attack.
func TestUnits(t *testing.T) {
	for _, name := range []string{"gatehouse.service", "eliza.service"} {
		// systemd looks whether the programs are there.
		text := regexp.MustCompile(`/usr/local/bin/(gatehouse|elizaos)`).ReplaceAllString(example(t, "systemd/"+name, nil), "/bin/true")
		unit := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := house.Run(t, "systemd", "systemd-analyze", "verify", unit); strings.Contains(out, unit) {
			t.Errorf("verify: %s", out)
		}
		out := house.Run(t, "systemd", "systemd-analyze", "security", "--offline=true", "--no-pager", unit)
		found := exposure.FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("no exposure in %s", out)
		}
		if level, err := strconv.ParseFloat(found[1], 64); err != nil || level > 2 {
			t.Errorf("%s has an exposure of %s", name, found[1])
		}
	}
}

// The firewall's own programs accept the rules.
func TestFirewall(t *testing.T) {
	house.Run(t, "nftables", "nft", "--check", "--file", "examples/firewall/nftables.conf")
	rules := 0
	for line := range strings.Lines(example(t, "firewall/ufw.sh", nil)) {
		if words, found := strings.CutPrefix(strings.TrimSpace(line), "ufw "); found && !strings.Contains(words, "status") {
			rules++
			house.RunScript(t, "curl", "curl", "ufw --dry-run "+words)
		}
	}
	if rules != 6 {
		t.Errorf("%d lines were tried", rules)
	}
}

// The manifests are what Kubernetes' own types can hold.
func TestKubernetesManifests(t *testing.T) {
	out := house.Tool(t, "kubecheck", "../examples/kubernetes/gatehouse.yaml")
	if strings.Count(out, " ok\n") != 7 {
		t.Errorf("not every object was looked at:\n%s", out)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	text := example(t, "kubernetes/gatehouse.yaml", map[string]string{"automountServiceAccountToken: false": "automountServiceToken: false"})
	if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := house.RunScript(t, "curl", "curl", "cd "+house.Root()+" && ! go run -C tools ./kubecheck "+broken+" 2>&1"); !strings.Contains(out, "automountServiceToken") {
		t.Errorf("an unknown field passes: %s", out)
	}
}
