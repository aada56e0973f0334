// Package survey observes a deployment, for package doctor to judge: what the
// gate that runs says of itself, what its sites answer, and what this machine
// shows of the backend and of files. It changes nothing; what it asks for
// stands in the security log, under the User-Agent gatehouse-doctor.
package survey

import (
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Survey is one look at a deployment.
type Survey struct {
	// Ask reads an answer of the admin endpoint, and Admin is its address, in
	// Caddy's form.
	Ask   func(path string, into any) error
	Admin string
	// Backup is the file or folder where the backup lies; empty: nobody said.
	Backup string

	// Outward are the addresses of this machine beside loopback, and TCPAdmin
	// those where an admin endpoint might listen. Roots are the authorities that
	// clients know; nil: the system's.
	Outward  []netip.Addr
	TCPAdmin []string
	Roots    *x509.CertPool
}

// patience is how long an answer is waited for.
const patience = 5 * time.Second

// DefaultTCPAdmin are where Caddy's admin endpoint listens if nothing is said.
var DefaultTCPAdmin = []string{"127.0.0.1:2019", "[::1]:2019"}

// Look observes. It is an error if the gate does not answer.
func (s *Survey) Look() (*doctor.Deployment, error) {
	var portrait gate.Portrait
	if err := s.Ask("/gatehouse/deployment", &portrait); err != nil {
		return nil, err
	}
	var config config
	if err := s.Ask("/config/", &config); err != nil {
		return nil, err
	}
	d := &doctor.Deployment{Now: time.Now(), Admin: s.admin(config)}
	for _, file := range portrait.EnvFiles {
		d.EnvFiles = append(d.EnvFiles, doctor.File{Path: file.Path, Changed: file.Changed})
	}
	if err := s.keys(d, portrait); err != nil {
		return nil, err
	}
	logs := config.logs()
	before := sizes(logs)
	for _, site := range portrait.Sites {
		d.Sites = append(d.Sites, s.site(site, config))
	}
	d.Logs = grown(logs, before)
	d.Backends = s.backends(portrait)
	d.Environment = s.environment(portrait, d.Backends)
	d.Backup = lookForBackup(s.Backup)
	return d, nil
}
