package house

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// Pebble is Let's Encrypt's test server, with a DNS of its own in which every
// name leads to 127.0.0.1.
type Pebble struct {
	*Process
	Directory string // URL of the ACME directory
	APIRoot   string // PEM file of the certificate of the ACME API itself
	RootsFile string // PEM file of the roots of what it issues

	management string
	client     *http.Client
}

// PebbleConfig says what certificates to issue.
type PebbleConfig struct {
	// HTTPPort and HTTPSPort are where challenges are answered, in the place
	// of 80 and 443: those of the gate.
	HTTPPort, HTTPSPort int
	// Validity is how long certificates are valid. Default: 90 days.
	Validity time.Duration
}

// StartPebble starts an ACME server.
func StartPebble(t testing.TB, config PebbleConfig) *Pebble {
	t.Helper()
	if config.Validity == 0 {
		config.Validity = 90 * 24 * time.Hour
	}
	dns := startDNS(t)
	dir := tempDir(t)
	cert, key := selfSigned(t)
	api, management := Port(t), Port(t)
	p := &Pebble{
		Directory:  fmt.Sprintf("https://127.0.0.1:%d/dir", api),
		APIRoot:    writeFile(t, dir, "api.crt", cert),
		management: fmt.Sprintf("https://127.0.0.1:%d", management),
	}
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", api),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", management),
		"certificate":             p.APIRoot,
		"privateKey":              writeFile(t, dir, "api.key", key),
		"httpPort":                config.HTTPPort,
		"tlsPort":                 config.HTTPSPort,
		"keyAlgorithm":            "ecdsa",
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{
			"description":    "certificates for tests",
			"validityPeriod": int(config.Validity.Seconds()),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(toolBinary(t, "github.com/letsencrypt/pebble/v2/cmd/pebble"),
		"-config", writeFile(t, dir, "pebble.json", string(settings)), "-dnsserver", dns)
	// No random waiting before a challenge is looked at. The nonces and the
	// authorizations that Pebble refuses at random stay: a client must bear it.
	cmd.Env = []string{"PEBBLE_VA_NOSLEEP=1"}
	p.client = Client(t, p.APIRoot)
	p.Process = run(t, "pebble", cmd)
	var roots string
	p.Retry(t, func() (err error) {
		roots, err = p.get("/roots/0")
		return err
	})
	p.RootsFile = writeFile(t, dir, "roots.pem", roots)
	return p
}

// startDNS starts the DNS server that belongs to Pebble, returns its address.
func startDNS(t testing.TB) string {
	t.Helper()
	dns := fmt.Sprintf("127.0.0.1:%d", Port(t))
	p := run(t, "pebble-challtestsrv", exec.Command(
		toolBinary(t, "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"),
		"-dnsserver", dns, "-management", fmt.Sprintf("127.0.0.1:%d", Port(t)),
		"-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""))
	p.Retry(t, func() error {
		conn, err := net.Dial("tcp", dns)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return dns
}

func (p *Pebble) get(path string) (string, error) {
	answer, err := Send(context.Background(), p.client, http.MethodGet, p.management+path, "")
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("%d: %s", answer.Status, answer.Body)
	}
	return answer.Body, err
}

// toolBinary builds a tool of tools/go.mod, once per test binary.
func toolBinary(t testing.TB, pkg string) string {
	t.Helper()
	return build(t, pkg, "-modfile=tools/go.mod")
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "ACME API of the test house"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8)
}
