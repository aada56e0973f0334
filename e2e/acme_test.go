package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

const domain = "agents.example.com"

// challenges are the two ways to prove the control of a name, and the option
// that leaves no other.
var challenges = []struct{ kind, only string }{
	{"http-01", "disable_tlsalpn_challenge"},
	{"tls-alpn-01", "disable_http_challenge"},
}

// acmeGate starts an ACME server, and before it a gate that has to get the
// certificate for its one site there.
func acmeGate(t *testing.T, only string, validity time.Duration) (*house.Gate, *house.Pebble) {
	t.Helper()
	config := house.GateConfig{HTTPPort: house.Port(t), HTTPSPort: house.Port(t)}
	p := house.StartPebble(t, house.PebbleConfig{
		HTTPPort: config.HTTPPort, HTTPSPort: config.HTTPSPort, Validity: validity,
	})
	config.Caddyfile = production(t, config, fmt.Sprintf("\trenew_interval 1s\n\tcert_issuer acme {\n\t\tdir %s\n\t\ttrusted_roots %s\n\t\t%s\n\t}\n",
		p.Directory, p.APIRoot, only))
	return house.StartGate(t, config), p
}

// production is examples/production/Caddyfile, with the test's own ports, ACME
// server and env file in place of the world's.
func production(t *testing.T, config house.GateConfig, issuer string) string {
	t.Helper()
	example, err := os.ReadFile(filepath.Join(house.Root(), "examples/production/Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(env, []byte("ELIZA_SERVER_AUTH_TOKEN=the-backend-token-0123456789abcdef\nSERVER_HOST=127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := string(example)
	for theirs, ours := range map[string]string{
		"\tadmin unix//run/gatehouse/admin.sock|0600\n": fmt.Sprintf("\tdefault_bind 127.0.0.1\n\thttp_port %d\n\thttps_port %d\n%s", config.HTTPPort, config.HTTPSPort, issuer),
		"/srv/eliza/.env": env,
		"127.0.0.1:3000":  "127.0.0.1:9",
	} {
		if strings.Count(text, theirs) != 1 {
			t.Fatalf("the production example does not have %q once", theirs)
		}
		text = strings.Replace(text, theirs, ours, 1)
	}
	if !strings.Contains(text, "\n"+domain+" {") {
		t.Fatalf("the production example serves another name than %s", domain)
	}
	return text
}

// The gate gets its certificate by either challenge, serves it, and after a
// restart serves the same one without asking for another.
func TestCertificate(t *testing.T) {
	for _, challenge := range challenges {
		t.Run(challenge.kind, func(t *testing.T) {
			g, p := acmeGate(t, challenge.only, 0)
			leaf := g.AwaitCertificate(t, domain, p.RootsFile)
			t.Logf("issued by %s for %s until %s", leaf.Issuer, leaf.DNSNames, leaf.NotAfter)
			if !strings.HasPrefix(leaf.Issuer.CommonName, "Pebble Intermediate CA") {
				t.Errorf("issued by %s", leaf.Issuer)
			}
			g.WaitFor(t, `"trying to solve challenge".*"challenge_type":"`+challenge.kind+`"`)
			refusesStrangers(t, g, p)

			g = g.Restart(t)
			if again := g.AwaitCertificate(t, domain, p.RootsFile); again.SerialNumber.Cmp(leaf.SerialNumber) != 0 {
				t.Errorf("after the restart certificate %x, before it %x", again.SerialNumber, leaf.SerialNumber)
			}
			if issued := strings.Count(p.Output(), "Issued certificate serial"); issued != 1 {
				t.Errorf("%d certificates were issued", issued)
			}
		})
	}
}

// refusesStrangers checks that the certificate is the guarded site's.
func refusesStrangers(t *testing.T, g *house.Gate, p *house.Pebble) {
	t.Helper()
	answer := house.Ask(t, house.Client(t, p.RootsFile), http.MethodGet, fmt.Sprintf("https://%s:%d/api/agents", domain, g.Config.HTTPSPort), "")
	if want := `{"success":false,"error":"Authentication required"}`; answer.Status != http.StatusUnauthorized || answer.Body != want {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}

// A certificate of 20 seconds is renewed while the gate serves.
func TestCertificateIsRenewed(t *testing.T) {
	for _, challenge := range challenges {
		t.Run(challenge.kind, func(t *testing.T) {
			t.Parallel()
			g, p := acmeGate(t, challenge.only, 20*time.Second)
			first := g.AwaitCertificate(t, domain, p.RootsFile)
			g.WaitFor(t, "certificate renewed successfully")
			g.Retry(t, func() error {
				next := g.AwaitCertificate(t, domain, p.RootsFile)
				if next.SerialNumber.Cmp(first.SerialNumber) == 0 {
					return fmt.Errorf("the gate still serves certificate %x", first.SerialNumber)
				}
				t.Logf("%x until %s, then %x until %s", first.SerialNumber, first.NotAfter, next.SerialNumber, next.NotAfter)
				return nil
			})
		})
	}
}

func TestTLSVersions(t *testing.T) {
	g, p := acmeGate(t, challenges[0].only, 0)
	g.AwaitCertificate(t, domain, p.RootsFile)
	roots := house.Roots(t, p.RootsFile)
	for version, accepted := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		if err := handshake(g, roots, version); (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func handshake(g *house.Gate, roots *x509.CertPool, version uint16) error {
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.Config.HTTPSPort), &tls.Config{
		ServerName: domain, RootCAs: roots, MinVersion: version, MaxVersion: version,
	})
	if err != nil {
		return err
	}
	return conn.Close()
}
