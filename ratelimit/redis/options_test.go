package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func TestOptions(t *testing.T) {
	for url, want := range map[string]string{
		"redis://127.0.0.1:6379":                 "",
		"rediss://redis.internal:6380/2":         "",
		"unix:///run/redis.sock":                 "",
		"127.0.0.1:6379":                         "redis://",
		"http://127.0.0.1:6379":                  "redis://",
		"redis://u:a-secret@h:1/x":               "number",
		"redis://127.0.0.1:6379?max_retries=3":   "parameters",
		"redis://u:a-secret@127.0.0.1:port\x00/": "URL",
	} {
		err := Options{URL: url}.Check()
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want something with %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "a-secret"):
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if err := (Options{URL: "redis://h:1", Roots: x509.NewCertPool()}).Check(); err == nil {
		t.Error("a CA without TLS is accepted")
	}
	if err := (Options{URL: "redis://h:1", Budget: -1}).Check(); err == nil {
		t.Error("a negative budget is accepted")
	}
}

func TestUserAndTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	server, err := miniredis.RunTLS(&tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.RequireUserAuth("gate", "the-password-of-the-gate")
	url := "rediss://" + server.Addr()
	limit := window.Limit{N: 5, Window: time.Hour}

	s := open(t, Options{URL: url, User: "gate", Password: "the-password-of-the-gate", Roots: roots}, newWitness())
	if !take(t, s, charges("ada", limit)).Admitted {
		t.Error("refused")
	}
	s = open(t, Options{URL: strings.Replace(url, "//", "//gate:the-password-of-the-gate@", 1), Roots: roots}, newWitness())
	if !take(t, s, charges("ada", limit)).Admitted {
		t.Error("refused with the password in the URL")
	}
	w := newWitness()
	s = open(t, Options{URL: url, User: "gate", Password: "a-wrong-password", Roots: roots}, w)
	_, err = s.Take(charges("ada", limit))
	if state := s.State(); !errors.Is(err, ErrAway) || state.Reason != Refusing || strings.Contains(state.Err.Error(), "a-wrong-password") {
		t.Errorf("a wrong password: %v, %+v", err, state)
	}
	s = open(t, Options{URL: url, User: "gate", Password: "the-password-of-the-gate"}, newWitness())
	if _, err := s.Take(charges("ada", limit)); !errors.Is(err, ErrAway) {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
