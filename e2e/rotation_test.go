package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestRotationPage runs docs/rotation.md: its Caddyfiles and its commands, in
// their order, with nothing changed but paths, names and ports.
func TestRotationPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "rotation.md"))
	if err != nil {
		t.Fatal(err)
	}
	var sites, commands []string
	for _, block := range regexp.MustCompile("(?ms)^```(caddyfile|sh)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if block[1] == "sh" {
			commands = append(commands, block[2])
		} else {
			sites = append(sites, block[2])
		}
	}
	if len(sites) != 2 || len(commands) != 4 {
		t.Fatalf("the page has %d Caddyfiles and %d commands", len(sites), len(commands))
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-API-KEY")) }))
	t.Cleanup(backend.Close)

	const token = "the-one-token-of-former-times-0123456789"
	folder := t.TempDir()
	env := filepath.Join(folder, ".env")
	if err := os.WriteFile(env, []byte("ELIZA_SERVER_AUTH_TOKEN="+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", house.Port(t))
	here := strings.NewReplacer("/srv/eliza/.env", env, "/etc/gatehouse", folder, "agents.example.com", "http://"+addr,
		"127.0.0.1:3000", backend.Listener.Addr().String(), "\tadmin unix//run/gatehouse/admin.sock|0600\n", "\tdefault_bind 127.0.0.1\n")
	config := house.GateConfig{Caddyfile: here.Replace(sites[0])}
	g := house.StartGate(t, config)
	run := func(command string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "set -e\n"+here.Replace(command))
		cmd.Env = []string{"PATH=" + filepath.Dir(g.Config.Binary) + ":" + os.Getenv("PATH"), "ELIZA_SERVER_AUTH_TOKEN=" + token, "HOME=" + folder}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	status := func(secret string) (int, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/agents", nil)
		if err != nil {
			return 0, err
		}
		request.Header.Set("X-API-KEY", secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		response.Body.Close()
		return response.StatusCode, nil
	}
	// What a command has written the gate has still to read.
	expect := func(what, secret string, want int) {
		t.Helper()
		g.Retry(t, func() error {
			got, err := status(secret)
			if err == nil && got != want {
				err = fmt.Errorf("%s: %d, not %d", what, got, want)
			}
			return err
		})
	}
	must := func(command string) string {
		t.Helper()
		out, err := run(command)
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return out
	}
	secret := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`)

	expect("the token before", token, 200)
	must(commands[0])
	g.Config.Caddyfile = here.Replace(sites[1])
	g.Reload(t, "", "", http.DefaultClient)
	expect("the token as a key of the ring", token, 200)
	web := secret.FindString(must(commands[1]))
	expect("the key of a client", web, 200)
	if out, err := run(commands[2]); err == nil {
		t.Errorf("a token that is in use was revoked: %s", out)
	}
	expect("the token after it was not revoked", token, 200)
	must(strings.Replace(commands[2], "--if-unused 24h ", "", 1))
	expect("the token that has ended", token, 401)

	rotated := secret.FindString(must(commands[3]))
	expect("the new secret", rotated, 200)
	expect("the old secret in the overlap", web, 200)
	if again := must(commands[3]); secret.MatchString(again) {
		t.Error("the same rotation has minted twice")
	}
}
