package house

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// GateConfig says what gate to start.
type GateConfig struct {
	// Sites are the Caddyfile's sites, Global the lines of its global options.
	// The house adds options that keep the gate on 127.0.0.1, on the ports
	// below and out of the machine's trust store.
	Sites  string
	Global string

	// Caddyfile is a whole Caddyfile instead of the two. It must see to itself
	// what the house's options see to.
	Caddyfile string

	// Binary is the program. Default: the gate, built from this checkout.
	Binary string

	Env  []string // further environment, as NAME=value
	Home string   // where the gate keeps its files; default: a new folder

	// Network is where the gate runs. Default: the machine's own. Its sites say
	// themselves by `bind` that they are reached from outside.
	Network *Network

	// HTTPPort and HTTPSPort stand for 80 and 443. Default: free ones.
	HTTPPort, HTTPSPort int
}

// Gate is a running gate. Its admin endpoint is a unix socket.
type Gate struct {
	*Process
	Config GateConfig // with the defaults filled in
	admin  *http.Client
}

// GateBinary builds the gate, once per test binary, and returns its path.
func GateBinary(t testing.TB) string {
	t.Helper()
	return build(t, "./cmd/gatehouse")
}

// StartGate starts a gate and returns when it serves its configuration. The
// gate is stopped when the test ends. It obtains certificates while it serves
// already: see AwaitCertificate.
func StartGate(t testing.TB, config GateConfig) *Gate {
	t.Helper()
	config.fill(t)
	pingback, err := net.Listen("tcp", config.Network.ours()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer pingback.Close()
	// Once it serves, the gate sends its standard input to the pingback port.
	token := rand.Text()
	cmd := config.Network.command(config.Binary, "run", "--adapter", "caddyfile", "--config", config.write(t),
		"--pingback", pingback.Addr().String())
	cmd.Stdin = strings.NewReader(token)
	cmd.Dir = config.Home
	cmd.Env = config.env()
	g := &Gate{
		Process: run(t, "the gate", cmd),
		Config:  config,
		admin:   &http.Client{Transport: &http.Transport{DialContext: dialUnix(config.adminSocket())}},
	}
	t.Cleanup(g.admin.CloseIdleConnections)
	g.awaitPingback(t, pingback, token)
	return g
}

// Restart stops the gate and starts it again with the same files and ports.
func (g *Gate) Restart(t testing.TB) *Gate {
	t.Helper()
	g.Stop()
	return StartGate(t, g.Config)
}

// RunGate runs a command of the gate's to its end, with the given standard
// input, and returns what it printed and its exit status. {config} among the
// arguments is the Caddyfile's path.
func RunGate(t testing.TB, config GateConfig, stdin string, args ...string) (string, int) {
	t.Helper()
	config.fill(t)
	path := config.write(t)
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "{config}", path)
	}
	cmd := exec.CommandContext(t.Context(), config.Binary, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Dir = config.Home
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, config.env()...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Refused checks that the gate does not accept a configuration, and returns
// what it says about it.
func Refused(t testing.TB, config GateConfig) string {
	t.Helper()
	out, status := RunGate(t, config, "", "validate", "--adapter", "caddyfile", "--config", "{config}")
	if status == 0 {
		t.Fatalf("the gate accepted what it should refuse:\n%s%s", config.Caddyfile, config.Sites)
	}
	return out
}

// Admin sends a request to the admin endpoint and returns the answer's status
// and body.
func (g *Gate) Admin(t testing.TB, method, path, contentType, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet {
		// The endpoint is replaced at each reload: on a connection that it is just
		// closing, what cannot be sent twice would fail.
		g.admin.CloseIdleConnections()
	}
	response, err := g.admin.Do(request)
	if err != nil {
		t.Fatalf("admin %s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// Reload gives the running gate another configuration, and returns when no other
// answers. The change's home, ports and environment are those that the gate has.
// Clients that go on open connections anew: those that they have are of the
// configuration before.
func (g *Gate) Reload(t testing.TB, sites, global string, clients ...*http.Client) {
	t.Helper()
	g.Config.Sites, g.Config.Global = sites, global
	path := g.Config.write(t)
	cmd := exec.CommandContext(t.Context(), g.Config.Binary, "reload", "--adapter", "caddyfile", "--config", path, "--force")
	cmd.Dir = g.Config.Home
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, g.Config.env()...)
	if _, err := output(cmd); err != nil {
		t.Fatal(err)
	}
	g.Retry(t, g.listensOnce)
	for _, client := range clients {
		client.CloseIdleConnections()
	}
}

// AwaitCertificate waits until the gate serves a certificate for a name, and
// returns it. The roots it has to lead to are those of a PEM file, which may
// not be there before the gate makes it (see LocalCA).
func (g *Gate) AwaitCertificate(t testing.TB, name, rootsFile string) *x509.Certificate {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", g.Config.HTTPSPort)
	var leaf *x509.Certificate
	g.Retry(t, func() error {
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		defer conn.Close()
		leaf = conn.ConnectionState().PeerCertificates[0]
		return nil
	})
	conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: Roots(t, rootsFile)})
	if err != nil {
		t.Fatalf("the certificate for %s, issued by %s: %v", name, leaf.Issuer, err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// LocalCA is the file of the root certificate of Caddy's own CA, which signs
// what no ACME server can.
func (g *Gate) LocalCA() string {
	return filepath.Join(g.Config.Home, "data", "caddy", "pki", "authorities", "local", "root.crt")
}

func (c *GateConfig) fill(t testing.TB) {
	if c.Binary == "" {
		c.Binary = GateBinary(t)
	}
	if c.Home == "" {
		c.Home = tempDir(t)
	}
	if c.HTTPPort == 0 {
		c.HTTPPort = Port(t)
	}
	if c.HTTPSPort == 0 {
		c.HTTPSPort = Port(t)
	}
}

func (c *GateConfig) write(t testing.TB) string {
	text := c.Caddyfile
	if text == "" {
		text = fmt.Sprintf("{\n\tdefault_bind 127.0.0.1\n\thttp_port %d\n\thttps_port %d\n\tskip_install_trust\n%s\n}\n\n%s\n",
			c.HTTPPort, c.HTTPSPort, c.Global, c.Sites)
	}
	return writeFile(t, c.Home, "Caddyfile", text)
}

func (c *GateConfig) adminSocket() string { return filepath.Join(c.Home, "admin.sock") }

func (c *GateConfig) env() []string {
	return append([]string{
		"HOME=" + c.Home,
		"XDG_DATA_HOME=" + filepath.Join(c.Home, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(c.Home, "config"),
		"CADDY_ADMIN=unix/" + c.adminSocket() + "|0600",
	}, c.Env...)
}

func (g *Gate) awaitPingback(t testing.TB, l net.Listener, token string) {
	t.Helper()
	serving := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			serving <- err
			return
		}
		defer conn.Close()
		got, err := io.ReadAll(conn)
		if err == nil && string(got) != token {
			err = fmt.Errorf("the gate sent %q back, not what it was given", got)
		}
		serving <- err
	}()
	select {
	case err := <-serving:
		if err != nil {
			t.Fatal(err)
		}
	case <-g.exited:
		t.Fatalf("the gate ended (%v) before it served:\n%s", g.err, g.Output())
	case <-time.After(patience):
		t.Fatalf("the gate did not serve within %s:\n%s", patience, g.Output())
	}
}
