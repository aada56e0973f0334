package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// A gate that was lost with its machine comes back from the backup that
// docs/backup.md tells to make, by the commands that stand there.
func TestRestore(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(house.Root(), "docs", "backup.md"))
	if err != nil {
		t.Fatal(err)
	}
	backup, restore := "", ""
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		switch {
		case strings.Contains(block[1], "tar -C / -czf"):
			backup = block[1]
		case strings.Contains(block[1], "tar -C / -xzf"):
			restore = block[1]
		}
	}
	if backup == "" || restore == "" {
		t.Fatal("the page does not tell how to make and how to restore a backup")
	}

	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "backend") }))
	defer backend.Close()
	ports := house.GateConfig{HTTPPort: house.Port(t), HTTPSPort: house.Port(t)}
	p := house.StartPebble(t, house.PebbleConfig{HTTPPort: ports.HTTPPort, HTTPSPort: ports.HTTPSPort})
	// machine is a gate whose folders lie under a root of their own.
	machine := func(root string) house.GateConfig {
		config := ports
		config.Home = filepath.Join(root, "var/lib/gatehouse")
		config.Sites = fmt.Sprintf("%s {\n\tgatehouse api %s {\n\t\trate_limit {\n\t\t\ttier api {\n\t\t\t\tlimit 4 15m\n\t\t\t}\n\t\t}\n\t}\n}", domain, backend.Listener.Addr())
		config.Global = fmt.Sprintf("\tcert_issuer acme {\n\t\tdir %s\n\t\ttrusted_roots %s\n\t}\n\tgatehouse {\n\t\tenv_file %s\n\t\tkeys %s\n\t}",
			p.Directory, p.APIRoot, filepath.Join(root, "etc/gatehouse/gatehouse.env"), filepath.Join(config.Home, "keys.json"))
		return config
	}

	first := t.TempDir()
	config := machine(first)
	for _, dir := range []string{"etc/gatehouse", "var/lib/gatehouse"} {
		if err := os.MkdirAll(filepath.Join(first, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const pepper = "GATEHOUSE_PEPPER=the-pepper-of-the-backup-0123456789abcdef"
	if err := os.WriteFile(filepath.Join(first, "etc/gatehouse/gatehouse.env"), []byte(pepper+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, status := house.RunGate(t, house.GateConfig{Env: []string{pepper}}, "", "key", "add", "ci", "--scope", "*", "--file", filepath.Join(config.Home, "keys.json"))
	secret := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(out)
	if status != 0 || secret == "" {
		t.Fatalf("key add: %d %s", status, out)
	}
	g := house.StartGate(t, config)
	leaf := g.AwaitCertificate(t, domain, p.RootsFile)
	url := fmt.Sprintf("https://%s:%d/api/agents", domain, ports.HTTPSPort)
	for range 3 {
		if got := fetch(t, house.Client(t, p.RootsFile), url, secret); got != "200 backend" {
			t.Fatalf("before: %s", got)
		}
	}
	g.Stop()

	work := t.TempDir()
	run := func(command, root string) {
		t.Helper()
		house.RunScript(t, "curl", "curl tar", "cd "+work+"\n"+strings.ReplaceAll(command, "-C / ", "-C "+root+" "))
	}
	run(backup, first)
	if info, err := os.Stat(filepath.Join(work, "gatehouse.tgz")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup can be read by others: %v %v", info, err)
	}
	second := t.TempDir()
	run(restore, second)

	g = house.StartGate(t, machine(second))
	if again := g.AwaitCertificate(t, domain, p.RootsFile); again.SerialNumber.Cmp(leaf.SerialNumber) != 0 {
		t.Errorf("another certificate is served: %x, before it was %x", again.SerialNumber, leaf.SerialNumber)
	}
	if issued := strings.Count(p.Output(), "Issued certificate serial"); issued != 1 {
		t.Errorf("%d certificates were issued", issued)
	}
	client := house.Client(t, p.RootsFile)
	if got := fetch(t, client, url, "agk_0000000000000000000000000000001i2nZU"); got != "401" {
		t.Errorf("a wrong key: %s", got)
	}
	if got := fetch(t, client, url, secret); got != "200 backend" {
		t.Errorf("the fourth request of the window: %s", got)
	}
	if got := fetch(t, client, url, secret); got != "429" {
		t.Errorf("the fifth request of the window: %s", got)
	}
}
