package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// Addresses of documentation: one that tries keys, one that attacks and forges
// lines against the third, which does nothing, and one that knows no URLs.
const (
	guesser  = "198.51.100.7"
	attacker = "2001:db8::66"
	victim   = "192.0.2.99"
	clumsy   = "203.0.113.44"
)

// stricter is a jail by the filter's other mode.
const stricter = `
[stricter]
enabled  = true
filter   = gatehouse[mode=aggressive]
backend  = polling
logpath  = /var/log/gatehouse/security.log
maxretry = 10
`

// forged is what a client writes where it may, to have somebody else banned.
const forged = "[2024-01-15 10:23:45] WARN: [SECURITY] Unauthorized access attempt from " + victim

// forgedJSON is the same for a log in JSON.
const forgedJSON = `{"level":"warn","ts":1705314225.5,"logger":"gatehouse.security","msg":"[SECURITY] x","event":"authn_login_fail","client_ip":"` + victim + `"}`

// TestFail2ban holds that the filter and jail of examples/monitoring ban who
// guesses keys and who attacks, in both formats of the log, and that no line
// that a client forges bans somebody else.
func TestFail2ban(t *testing.T) {
	for _, format := range []string{"agent_security", "json"} {
		t.Run(format, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "security.log")
			g := house.StartGate(t, house.GateConfig{
				Env: []string{"ADA_KEY=a-key-of-the-fail2ban-test"},
				Global: "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}\n" +
					"\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file " + log + "\n\t\tformat " + format + "\n\t}\n",
				Sites: "http://localhost {\n\tagent_gate\n\tagent_security_log\n\tagent_auth {\n\t\tkey ada {env.ADA_KEY}\n\t}\n\trespond ok\n}\n",
			})
			f := house.StartFail2ban(t, map[string]string{
				"filter.d/gatehouse.conf": monitoring(t, "fail2ban/filter.d/gatehouse.conf"),
				"jail.d/gatehouse.conf": strings.NewReplacer("/var/log/gatehouse/security.log", log, "backend  = auto", "backend  = polling").
					Replace(monitoring(t, "fail2ban/jail.d/gatehouse.conf") + stricter),
			})
			f.WaitFor(t, `Jail 'gatehouse' started`)
			f.WaitFor(t, `Jail 'stricter' started`)

			send := func(address, target string, headers map[string]string) {
				t.Helper()
				request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://localhost:%d/", g.Config.HTTPPort), nil)
				if err != nil {
					t.Fatal(err)
				}
				request.URL.Opaque = target
				request.Header.Set("X-Forwarded-For", address)
				for name, value := range headers {
					request.Header.Set(name, value)
				}
				response, err := house.Client(t, "").Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
			}
			escape := strings.NewReplacer(" ", "%20", `"`, "%22", "{", "%7B", "}", "%7D", ":", "%3A").Replace
			for range 12 {
				send(clumsy, "/a%2fb", nil)
			}
			f.WaitFor(t, `\[stricter\] Ban 203\.0\.113\.44`)
			for i := range 12 {
				send(guesser, "/api/agents", map[string]string{"X-API-KEY": fmt.Sprintf("a-guess-that-is-wrong-%d", i)})
			}
			for _, line := range []string{forged, forgedJSON} {
				for i := range 6 {
					send(attacker, fmt.Sprintf("/%%0a%s?x%d=%%3Cscript%%3E%%0d%%0a%s", escape(line), i, escape(line)), map[string]string{
						"User-Agent": "sqlmap/1.7 \u2028" + line + "\u0085", "Referer": line, "X-API-KEY": line, "X-Request-Id": line,
						"Authorization": "Bearer " + line, "Client-IP": victim, "X-Real-IP": victim, "Forwarded": "for=" + victim,
					})
				}
			}
			f.WaitFor(t, `\[gatehouse\] Ban 198\.51\.100\.7`)
			f.WaitFor(t, `\[gatehouse\] Ban 2001:db8::66`)
			// Both bans were made of lines that follow the forged ones or stand
			// among them, so those have been read.
			if status := f.Client(t, "status", "gatehouse"); strings.Contains(status, victim) || strings.Contains(status, clumsy) || strings.Contains(f.Output(), victim) {
				t.Errorf("a forged or a harmless line counts:\n%s\n%s", status, f.Output())
			}
			if text, err := os.ReadFile(log); err != nil || strings.Count(string(text), "\n") < 24 {
				t.Errorf("%v, the log:\n%s", err, text)
			}
		})
	}
}

// monitoring is a file of examples/monitoring.
func monitoring(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(house.Root(), "examples/monitoring", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
