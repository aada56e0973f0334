package survey_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/admin/survey"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	clientKey  = "q8Jm2vXw7LrT5nZc9KpB4hYs6DfG1aQe"
	backendKey = "U3oRt8WkM5xVb2NzC7yHjL4pSd9FgA6e"
)

// deployment is a gate that is looked at.
type deployment struct {
	t    *testing.T
	gate *gatetest.Gate
	dir  string
	// What makes it another than the good one.
	env, global, site, sites string
	admin                    string
	backup                   string
	outward                  []netip.Addr
	roots                    *x509.CertPool
}

// good is a deployment in which nothing is wrong.
func good(t *testing.T) *deployment {
	t.Helper()
	for _, name := range []string{"ELIZA_SERVER_AUTH_TOKEN", "ELIZA_API_KEY", "SERVER_API_KEY", "CORS_ORIGIN", "API_CORS_ORIGIN", "ELIZA_UI_ENABLE", "NODE_ENV", "SERVER_HOST", "EXPRESS_MAX_PAYLOAD"} {
		t.Setenv(name, "")
	}
	d := &deployment{t: t, gate: gatetest.New(t), dir: t.TempDir(), env: "NODE_ENV=production\nSERVER_HOST=127.0.0.1\nCORS_ORIGIN=https://app.example.com\n"}
	d.admin = "unix/" + filepath.Join(d.dir, "admin.sock") + "|0600"
	d.gate.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-KEY") != backendKey {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	d.backup = filepath.Join(d.dir, "backup.tgz.age")
	d.write("backup.tgz.age", "age-encryption.org/v1\n...")
	d.write("keys.json", "")
	if err := os.Remove(filepath.Join(d.dir, "keys.json")); err != nil {
		t.Fatal(err)
	}
	if err := keys.NewFile(filepath.Join(d.dir, "keys.json")).Init(); err != nil {
		t.Fatal(err)
	}
	d.site = "gatehouse elizaos BACKEND"
	return d
}

func (d *deployment) write(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// start starts the gate.
func (d *deployment) start() {
	d.t.Helper()
	if _, err := os.Stat(filepath.Join(d.dir, ".env")); err != nil {
		d.write(".env", d.env+"ELIZA_SERVER_AUTH_TOKEN="+backendKey+"\nELIZA_API_KEY="+clientKey+"\nSECRET_SALT=0b1c2d3e4f5061728394a5b6c7d8e9f0\n")
	}
	if d.global == "" {
		d.global = "log security {\ninclude gatehouse.security\noutput file " + d.dir + "/security.log\n}\n"
	}
	d.gate.Admin = d.admin
	caddyfile := "{\nskip_install_trust\n" + d.global + "\ngatehouse {\nenv_file " + d.dir + "/.env\nkeys " + d.dir + "/keys.json\nALLOW\n}\n}\nGATE {\nbind 127.0.0.1\n" + d.site + "\n}\n" + d.sites
	allow := ""
	if strings.Contains(d.global, "0.0.0.0/0") {
		allow = `allow_unsafe trusted_proxies "a test"`
	}
	if err := d.gate.Load(strings.ReplaceAll(caddyfile, "ALLOW", allow)); err != nil {
		d.t.Fatal(err)
	}
}

// look examines it.
func (d *deployment) look() map[string]doctor.Result {
	d.t.Helper()
	s := survey.Survey{Ask: d.ask, Admin: d.admin, Backup: d.backup, Outward: d.outward, Roots: d.roots}
	found, err := s.Look()
	if err != nil {
		d.t.Fatal(err)
	}
	results, err := doctor.Examine(found, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	byName := make(map[string]doctor.Result)
	for _, r := range results {
		byName[r.Check] = r
	}
	return byName
}

func (d *deployment) ask(path string, into any) error {
	network, address := "tcp", d.admin
	if rest, ok := strings.CutPrefix(d.admin, "unix/"); ok {
		network = "unix"
		address, _, _ = strings.Cut(rest, "|")
	}
	host := "127.0.0.1"
	if network == "tcp" {
		host = address
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	res, err := (&http.Client{Transport: transport}).Get("http://" + host + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func text(r doctor.Result) string {
	var b strings.Builder
	_ = doctor.Write(&b, []doctor.Result{r})
	return b.String()
}

// TestGoodDeployment holds that no check fails a deployment that is in order,
// and what each has really seen.
func TestGoodDeployment(t *testing.T) {
	d := good(t)
	d.start()
	results := d.look()
	for check, want := range map[string]string{
		"keys":        "/.env, which was written less than a day ago",
		"cors":        "pages of https://app.example.com, with cookies",
		"certificate": "plain http on this machine alone",
		"node_env":    "NODE_ENV is production",
		"ui":          "answers / with 403",
		"proxy":       "leads to " + d.gate.Backend.Addr() + ", and asks for a key",
		"log":         "a request that was refused just now stands there",
		"limits":      "api 1000 in 15m",
		"headers":     "grade A+",
		"backup":      "backup.tgz.age is less than a day old",
		"server_host": "SERVER_HOST is 127.0.0.1",
		"reach":       "listens on " + d.gate.Backend.Addr() + " alone",
		"open":        "asks for a key everywhere it was tried, but for /healthz",
		"forwarded":   "made-up addresses are not believed",
		"admin":       "a socket that its owner alone can open",
	} {
		if r := results[check]; r.Status != doctor.OK || !strings.Contains(text(r), want) {
			t.Errorf("%s: %s; wanted is %q", check, text(r), want)
		}
	}
	if strings.Contains(d.gate.Log(), "COUNTED AS ONE") {
		t.Error("the doctor's made-up headers were taken for those of a proxy")
	}
	for _, line := range strings.Split(d.gate.Log(), "\n") {
		if strings.Contains(line, clientKey) || strings.Contains(line, backendKey) {
			t.Errorf("a key in the log: %s", line)
		}
	}
}

// TestBadDeployments is a deployment for each check that fails it.
func TestBadDeployments(t *testing.T) {
	for _, test := range []struct {
		check, name string
		spoil       func(d *deployment)
		want        string
	}{
		{"keys", "weak", func(d *deployment) {
			d.t.Setenv("WEAK_KEY", "password-password")
			d.site = "gatehouse elizaos BACKEND {\nauth {\nkey weak {env.WEAK_KEY} {\nscopes read\n}\n}\n}"
		}, "the key weak (127.0.0.1:"},
		{"keys", "old", func(d *deployment) {
			path := d.write(".env", d.env+"ELIZA_SERVER_AUTH_TOKEN="+backendKey+"\nELIZA_API_KEY="+clientKey+"\n")
			old := time.Now().Add(-400 * 24 * time.Hour)
			if err := os.Chtimes(path, old, old); err != nil {
				d.t.Fatal(err)
			}
		}, "is at least 400 days old"},
		{"cors", "any", func(d *deployment) { d.env = strings.Replace(d.env, "https://app.example.com", "*", 1) }, "pages of every origin"},
		{"cors", "reflected", func(d *deployment) {
			d.site = "agent_auth {\nanonymous read\n}\nreverse_proxy BACKEND\n"
			d.gate.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			})
		}, "answered with Access-Control-Allow-Origin: https://stranger.invalid"},
		{"node_env", "development", func(d *deployment) { d.env = strings.Replace(d.env, "production", "development", 1) }, `NODE_ENV is "development"`},
		{"node_env", "unset", func(d *deployment) { d.env = strings.Replace(d.env, "NODE_ENV", "NODE_EN", 1) }, "NODE_ENV is not set"},
		{"ui", "on", func(d *deployment) { d.env += "ELIZA_UI_ENABLE=true\n" }, "serves the web UI to everybody"},
		{"ui", "a page", func(d *deployment) {
			d.site = "agent_auth {\npublic /\nkey client {env.ELIZA_API_KEY}\n}\nreverse_proxy BACKEND\n"
			d.gate.Backend.Handle(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			})
		}, "answers / with a page"},
		{"proxy", "past the gate", func(d *deployment) {
			d.sites = fmt.Sprintf("http://127.0.0.1:%d {\nreverse_proxy BACKEND\n}\n", gatetest.Port(d.t))
		}, "without asking for a key, past the gate"},
		{"log", "excluded", func(d *deployment) { d.global = "log {\nexclude gatehouse.security\n}" }, "no log takes security events"},
		{"log", "discarded", func(d *deployment) {
			d.global = "log {\nexclude gatehouse.security\n}\nlog security {\ninclude gatehouse.security\noutput discard\n}"
		}, "no log takes security events so that they could be read: security"},
		{"log", "full disk", func(d *deployment) {
			d.global = "log security {\ninclude gatehouse.security\noutput file /dev/full {\nroll_disabled\n}\n}"
		}, "nothing was written to /dev/full"},
		{"limits", "none", func(d *deployment) {
			d.site = "agent_auth {\nkey client {env.ELIZA_API_KEY}\n}\nreverse_proxy BACKEND {\ntransport agent_backend\n}"
		}, "nothing is limited"},
		{"limits", "above the backend's own", func(d *deployment) {
			d.site = "gatehouse elizaos BACKEND {\nbackend {\nspread 5000\n}\n}"
		}, "one source address carries 5000 requests in 15 minutes, and the backend at"},
		{"limits", "bodies", func(d *deployment) {
			d.site = "gatehouse elizaos BACKEND {\nvalidate {\nmax_body 8mb\n}\n}"
		}, "bodies of 8388608 bytes pass"},
		{"headers", "none", func(d *deployment) {
			d.site = "agent_auth {\nkey client {env.ELIZA_API_KEY}\n}\nreverse_proxy BACKEND\n"
		}, "no Content-Security-Policy"},
		{"backup", "none", func(d *deployment) { d.backup = d.t.TempDir() }, "there is no backup"},
		{"backup", "old", func(d *deployment) {
			old := time.Now().Add(-40 * 24 * time.Hour)
			if err := os.Chtimes(d.backup, old, old); err != nil {
				d.t.Fatal(err)
			}
		}, "is 40 days old"},
		{"server_host", "everywhere", func(d *deployment) { d.env = strings.Replace(d.env, "127.0.0.1", "0.0.0.0", 1) }, "SERVER_HOST is 0.0.0.0"},
		{"server_host", "unset", func(d *deployment) { d.env = strings.Replace(d.env, "SERVER_HOST", "SERVER_HOS", 1) }, "SERVER_HOST is not set"},
		{"reach", "another address", func(d *deployment) {
			_, port, _ := net.SplitHostPort(d.gate.Backend.Addr())
			l, err := net.Listen("tcp", "127.0.0.9:"+port)
			if err != nil {
				d.t.Fatal(err)
			}
			d.t.Cleanup(func() { _ = l.Close() })
			d.outward = []netip.Addr{netip.MustParseAddr("127.0.0.9")}
		}, "also answers at 127.0.0.9:"},
		{"open", "public", func(d *deployment) {
			d.site = "agent_auth {\npublic /api/agents\nkey client {env.ELIZA_API_KEY}\n}\nreverse_proxy BACKEND\n"
			d.gate.Backend.Handle(func(http.ResponseWriter, *http.Request) {})
		}, "answers without a key: GET /api/agents (200)"},
		{"forwarded", "the first counts", func(d *deployment) {
			d.global = "servers {\ntrusted_proxies static 127.0.0.0/8\n}"
		}, "the first address of a list counts"},
		{"forwarded", "the whole world", func(d *deployment) {
			d.global = "servers {\ntrusted_proxies static 0.0.0.0/0\ntrusted_proxies_strict\n}"
		}, "trusted_proxies covers the whole world"},
		{"admin", "TCP", func(d *deployment) { d.admin = fmt.Sprintf("127.0.0.1:%d", gatetest.Port(d.t)) }, "an admin endpoint answers at 127.0.0.1:"},
		{"admin", "open to all", func(d *deployment) { d.admin = strings.Replace(d.admin, "0600", "0666", 1) }, "every user of this machine can open the admin endpoint"},
		{"certificate", "by itself", func(d *deployment) {
			port := gatetest.Port(d.t)
			d.global = fmt.Sprintf("auto_https disable_redirects\nhttps_port %d\nlog security {\ninclude gatehouse.security\noutput file %s/security.log\n}\n", port, d.dir)
			d.sites = "https://agents.example.com {\nbind 127.0.0.1\ntls internal\ngatehouse elizaos BACKEND\n}\n"
		}, "by Caddy's own authority, which nobody else knows"},
	} {
		t.Run(test.check+" "+test.name, func(t *testing.T) {
			d := good(t)
			test.spoil(d)
			d.start()
			r := d.look()[test.check]
			for deadline := time.Now().Add(time.Minute); test.check == "certificate" && strings.Contains(text(r), "no TLS handshake") && time.Now().Before(deadline); {
				r = d.look()[test.check] // the certificate is still to be made
			}
			if r.Status != doctor.Failed || !strings.Contains(text(r), test.want) {
				t.Fatalf("%s; wanted is %q", text(r), test.want)
			}
			for _, f := range r.Found {
				if f.Status == doctor.Failed && f.Remedy == "" {
					t.Errorf("nothing says what to do: %s", f.Saw)
				}
			}
		})
	}
}

// Scopes that no rule asks for are seen in a site and in the key file.
func TestScopesThatNoRuleAsksFor(t *testing.T) {
	d := good(t)
	t.Setenv("READER_KEY", "xZ4qN8vT1mK6wR3pL9sD2fG7hJ5bC0aY")
	d.site = "gatehouse elizaos BACKEND {\nauth {\nkey reader {env.READER_KEY} {\nscopes raed\n}\n}\n}"
	if err := keys.NewFile(filepath.Join(d.dir, "keys.json")).Update(func(doc *keys.Document) error {
		_, err := doc.Add(keys.Key{ID: "ci", Scopes: []string{"read", "caht"}}, keys.Edit{Now: time.Now()})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	d.start()
	r := d.look()["keys"]
	for _, want := range []string{") has the scope raed (is read meant?)", "the key ci (key file) has the scope caht (is chat meant?)"} {
		if r.Status != doctor.Warning || !strings.Contains(text(r), want) {
			t.Errorf("%s; wanted is %q", text(r), want)
		}
	}
	if strings.Count(text(r), "which no rule asks for") != 2 {
		t.Error(text(r))
	}
}

// A proxy that is trusted, and names its clients last, is no failure.
func TestTrustedProxyOfThisMachine(t *testing.T) {
	d := good(t)
	d.global = "servers {\ntrusted_proxies static 127.0.0.0/8\ntrusted_proxies_strict\n}"
	d.start()
	if r := d.look()["forwarded"]; r.Status != doctor.Warning || !strings.Contains(text(r), "requests from 127.0.0.1 may say in X-Forwarded-For") {
		t.Error(text(r))
	}
}
