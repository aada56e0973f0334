package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// testssl.sh finds nothing below TLS 1.2 on the gate, and nothing that is the
// gate's to mend.
func TestTLS(t *testing.T) {
	testssl := house.Program(t, "testssl", "testssl.sh")
	g := house.StartGate(t, house.GateConfig{
		// Short-lived certificates are a finding, and those of Caddy's own CA are.
		Global: "\tpki {\n\t\tca local {\n\t\t\tintermediate_lifetime 4000h\n\t\t}\n\t}",
		Sites: `localhost {
	tls {
		issuer internal {
			lifetime 2400h
		}
	}
	gatehouse api 127.0.0.1:9 {
		auth {
			key test {env.TEST_KEY}
		}
	}
}`,
		Env: []string{"TEST_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), testssl, "--quiet", "--color", "0", "--warnings", "batch", "--add-ca", g.LocalCA(),
		"--jsonfile", report, "-p", "-S", "-h", "-U", fmt.Sprintf("localhost:%d", g.Config.HTTPSPort))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=dumb"}
	out, err := cmd.CombinedOutput()
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("%v %v\n%s", err, readErr, out)
	}
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	seen := make(map[string]string)
	for _, f := range findings {
		seen[f.ID] = f.Finding
		switch f.Severity {
		case "OK", "INFO", "DEBUG":
		default:
			if why, expected := notOurs[f.ID]; expected {
				t.Logf("%s %s: %s (%s)", f.Severity, f.ID, f.Finding, why)
			} else {
				t.Errorf("%s %s: %s", f.Severity, f.ID, f.Finding)
			}
		}
	}
	for _, old := range []string{"SSLv2", "SSLv3", "TLS1", "TLS1_1"} {
		if !strings.Contains(seen[old], "not offered") {
			t.Errorf("%s: %q", old, seen[old])
		}
	}
	for _, current := range []string{"TLS1_2", "TLS1_3"} {
		if !strings.HasPrefix(seen[current], "offered") {
			t.Errorf("%s: %q", current, seen[current])
		}
	}
	t.Logf("%d findings looked at", len(findings))
}

// notOurs are findings that are due to the test's own certificate and OpenSSL or
// to what lies beyond a gate, by id.
var notOurs = map[string]string{
	"cert_revocation":    "the test's CA has no revocation",
	"DNS_CAArecord":      "localhost is in no DNS",
	"engine_problem":     "the tool's OpenSSL knows no GOST, and nor does Go",
	"secure_renego":      "the tool's own handshake failed: the gate renegotiates nothing",
	"TLS_session_ticket": "Go states its longest lifetime; Caddy changes the key every 12 hours",
}
