package house

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"testing"
)

// Client returns an HTTP client that reaches 127.0.0.1 whatever host a URL
// names, at the port that it names, follows no redirect, and trusts the roots of a
// PEM file ("" for a site without TLS).
func Client(t testing.TB, rootsFile string) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext:       dialLoopback,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: Roots(t, rootsFile)},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Roots reads the certificates of a PEM file; "" gives none.
func Roots(t testing.TB, file string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if file == "" {
		return pool
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", file)
	}
	return pool
}

func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

func dialUnix(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", path)
	}
}
