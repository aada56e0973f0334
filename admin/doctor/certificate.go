package doctor

import "time"

// checkCertificates is item 3: "Enable HTTPS with valid certificates".
func checkCertificates(d *Deployment, r *Result) {
	const https = "give the site its name as address (`agents.example.com {`), without http:// and without a port: Caddy obtains the certificate then"
	for _, s := range d.guarded() {
		switch {
		case s.Unreachable != "" && (s.Handshake == nil || s.Handshake.Error == ""):
			r.fail("is the gate running, and does it listen there? `ss -ltn` shows what does", "%s does not answer: %s", s.Name, s.Unreachable)
		case !s.TLS && s.Exposed:
			r.fail(https, "%s speaks plain http, where keys can be read on their way", s.Name)
		case !s.TLS:
			r.ok("%s speaks plain http on this machine alone: what stands before it has to speak https", s.Name)
		default:
			checkHandshake(d.Now, s, r)
		}
		if a := s.Plain; a != nil && a.Status < 300 {
			r.fail("remove the site that answers on port 80, so that Caddy redirects to https", "http://%s answers with %d, without https", s.Name, a.Status)
		}
	}
}

func checkHandshake(now time.Time, s Site, r *Result) {
	const renewal = "look for `tls.obtain` and `tls.renew` in the log: the name has to lead here, with ports 80 and 443 open"
	h := s.Handshake
	if h == nil {
		return // it was not asked
	}
	if h.Error != "" {
		r.fail(renewal, "%s: no TLS handshake: %s", s.Name, h.Error)
		return
	}
	left, lasts := h.NotAfter.Sub(now), h.NotAfter.Sub(h.NotBefore)
	switch {
	case left <= 0:
		r.fail(renewal, "%s: the certificate has ended on %s", s.Name, h.NotAfter.Format(time.DateOnly))
	case h.Untrusted != "" && h.IssuedByGateItself && h.NamesOnlyThisMachine:
		r.warn("for others than you, use a name that a public authority can certify", "%s: the certificate is by Caddy's own authority, which only this machine knows", s.Name)
	case h.Untrusted != "" && h.IssuedByGateItself:
		r.fail("take `tls internal` or `local_certs` out; or, if your clients know this authority, name its root in SSL_CERT_FILE for the doctor",
			"%s: the certificate is by Caddy's own authority, which nobody else knows", s.Name)
	case h.Untrusted != "":
		r.fail("use a certificate of an authority that clients know; if yours know this one, name its root in SSL_CERT_FILE for the doctor",
			"%s: clients do not believe the certificate: %s", s.Name, h.Untrusted)
	case left < lasts/4:
		// Caddy renews when a third is left.
		r.warn(renewal, "%s: the certificate ends in %s and should have been renewed", s.Name, days(left))
	default:
		r.ok("%s: valid until %s, by %s", s.Name, h.NotAfter.Format(time.DateOnly), h.Issuer)
	}
	if h.SpeaksOld {
		r.fail("take `protocols tls1.0` (or 1.1) out of the site's `tls` block", "%s speaks TLS 1.1 or older", s.Name)
	}
}
