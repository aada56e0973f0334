// Package detect recognises attack patterns in requests: in the raw request target, the User-Agent, the Referer, chosen headers and,
// where asked, JSON and form bodies.
//
// A request passes two gates. The first, a byte table and a word table (quiet.go), lets nearly all clean requests leave within
// nanoseconds and without allocation. What it holds back is decoded to a fixed point (normalize.go) and judged by the rules, one
// file per class. Every rule is linear in the length of its input.
//
// Findings say which class, which rule and where, never what: a finding can be logged without carrying the attack into the log.
package detect

import (
	"sync"
)

// Options configures a Detector. The zero value looks for every class.
type Options struct {
	// Classes are the classes to look for. Default: All.
	Classes Set
	// MaxBytes bounds what is inspected of one target, header or body, in bytes; of longer input the first three quarters
	// of the bound and the last quarter are inspected. Default: 65536.
	MaxBytes int
}

const defaultMaxBytes = 64 << 10

// Detector inspects requests. It is safe for concurrent use and holds no state of any request.
type Detector struct {
	classes  Set
	maxBytes int
	pool     sync.Pool
}

// New returns a detector.
func New(o Options) *Detector {
	d := &Detector{classes: o.Classes, maxBytes: o.MaxBytes}
	if d.classes == 0 {
		d.classes = All
	}
	if d.maxBytes <= 0 {
		d.maxBytes = defaultMaxBytes
	}
	d.pool.New = func() any { return new(scan) }
	return d
}

// Request inspects the raw request target (path and query as they came over the wire: http.Request.RequestURI), the User-Agent and
// the Referer. Empty strings are skipped. It returns nil when nothing was found, without having allocated.
func (d *Detector) Request(requestURI, userAgent, referer string) Findings {
	quiet := quietTarget(requestURI) && (userAgent == "" || quietAgent(userAgent)) && (referer == "" || quietReferer(referer))
	if quiet {
		return nil
	}
	return d.run(func(s *scan) {
		s.target(requestURI)
		s.userAgent(userAgent)
		s.referer(referer)
	})
}

// Target inspects a raw request target alone.
func (d *Detector) Target(requestURI string) Findings {
	if quietTarget(requestURI) {
		return nil
	}
	return d.run(func(s *scan) { s.target(requestURI) })
}

// UserAgent inspects a User-Agent alone.
func (d *Detector) UserAgent(userAgent string) Findings {
	if userAgent == "" || quietAgent(userAgent) {
		return nil
	}
	return d.run(func(s *scan) { s.userAgent(userAgent) })
}

// Header inspects a header that holds one value, such as X-Forwarded-Host. The name is what findings will carry.
func (d *Detector) Header(name, value string) Findings {
	if value == "" || quietAgent(value) {
		return nil
	}
	return d.run(func(s *scan) { s.header(name, value) })
}

// Body inspects a JSON or a form body (media types application/json, +json and application/x-www-form-urlencoded; others are not
// looked at). It reads at most MaxBytes of it and does not require that the document is well-formed or complete. Meant for chosen
// routes: free text in bodies, such as chat, is full of what looks like code.
func (d *Detector) Body(contentType string, body []byte) Findings {
	return d.run(func(s *scan) { s.body(contentType, body) })
}

func (d *Detector) run(inspect func(*scan)) Findings {
	s := d.pool.Get().(*scan)
	s.reset(d)
	inspect(s)
	found := s.findings()
	d.pool.Put(s)
	return found
}
