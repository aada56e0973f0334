package survey

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// handshake looks at the certificate that a site shows. It is an error if
// nobody listens.
func (s *Survey) handshake(v *visitor) (*doctor.Handshake, error) {
	state, err := v.shakeHands(&tls.Config{ServerName: v.name, InsecureSkipVerify: true})
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return nil, err
	}
	if err != nil {
		return &doctor.Handshake{Error: err.Error()}, nil
	}
	leaf := state.PeerCertificates[0]
	h := &doctor.Handshake{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Issuer: issuerOf(leaf)}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	// Whether it has ended is asked apart.
	within := leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
	if now := time.Now(); now.After(leaf.NotBefore) && now.Before(leaf.NotAfter) {
		within = now
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: v.name, Roots: s.Roots, Intermediates: between, CurrentTime: within}); err != nil {
		h.Untrusted = strings.TrimPrefix(err.Error(), "x509: ")
	}
	h.IssuedByGateItself = strings.Contains(h.Issuer, "Caddy Local Authority")
	h.NamesOnlyThisMachine = ipaddr.NamesLoopback(v.name)
	_, err = v.shakeHands(&tls.Config{ServerName: v.name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	h.SpeaksOld = err == nil
	return h, nil
}

func (v *visitor) shakeHands(config *tls.Config) (*tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, v.network, v.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	return &state, nil
}

func issuerOf(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if len(c.Issuer.Organization) > 0 {
		name = strings.TrimSpace(c.Issuer.Organization[0] + " " + name)
	}
	return name
}

// plain takes the layers off an error of the network.
func plain(err error) string {
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}
