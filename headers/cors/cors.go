// Package cors is the CORS policy of a site (Fetch standard, section 3.3): an
// adapter on github.com/jub0bs/cors, which decides, with the defaults and the
// messages of the gate. It knows nothing of Caddy.
package cors

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	jub0bs "github.com/jub0bs/cors"
)

// Config says which other origins may read what a site answers. The zero
// values of all but Origins and Credentials stand for the defaults.
type Config struct {
	// Origins are exact origins (https://app.example.com), whole subdomains
	// (https://*.example.com) or "*". None: no other origin may.
	Origins []string
	// Credentials lets browsers send cookies. It cannot be had with "*".
	Credentials bool
	// Methods are the methods besides GET, HEAD and POST.
	Methods []string
	// Headers are the request headers that pages may set.
	Headers []string
	// Expose are the response headers that pages may read.
	Expose []string
	// MaxAge is how long a browser may remember a preflight. Negative: not at
	// all. Zero: the default.
	MaxAge time.Duration
}

// The defaults.
var (
	defaultMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	defaultHeaders = []string{"Content-Type", "Authorization", "X-API-KEY", "X-Agent-ID", "X-Entity-Id"}
	defaultExpose  = []string{"RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
		"Retry-After", "X-Request-Id", "X-Total-Count"}
)

// defaultMaxAge is the longest time that Chromium remembers a preflight.
const defaultMaxAge = 2 * time.Hour

// AnyOrigin stands for every origin.
const AnyOrigin = "*"

// Policy decides on requests. It is safe for concurrent use.
type Policy struct {
	// inner is nil where no other origin is allowed.
	inner http.Handler
	known memory
}

// New makes a policy. The error names every mistake of the configuration, each
// with the way out.
func New(c Config) (*Policy, error) {
	if len(c.Origins) == 0 {
		return new(Policy), c.check()
	}
	middleware, err := jub0bs.NewMiddleware(jub0bs.Config{
		Origins:         c.Origins,
		Credentialed:    c.Credentials,
		Methods:         either(c.Methods, defaultMethods),
		RequestHeaders:  either(c.Headers, defaultHeaders),
		ResponseHeaders: either(c.Expose, defaultExpose),
		MaxAgeInSeconds: c.maxAge(),
	})
	if err := errors.Join(c.check(), explain(err)); err != nil {
		return nil, err
	}
	return &Policy{inner: middleware.Wrap(nothing)}, nil
}

// nothing is the handler behind the decision.
var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func either(given, fallback []string) []string {
	if len(given) > 0 {
		return given
	}
	return fallback
}

func (c Config) maxAge() int {
	switch {
	case c.MaxAge == 0:
		return int(defaultMaxAge / time.Second)
	case c.MaxAge < 0:
		return -1
	}
	return int(c.MaxAge / time.Second)
}

// The headers of CORS requests and responses, in the form in which header maps
// hold them.
const (
	originHeader        = "Origin"
	requestMethodHeader = "Access-Control-Request-Method"
	varyHeader          = "Vary"
	allowOriginHeader   = "Access-Control-Allow-Origin"
)

// responseHeaders are all headers that a CORS response can have. Allowing
// private networks never became a standard and is over: it is never sent.
var responseHeaders = [...]string{
	allowOriginHeader,
	"Access-Control-Allow-Credentials",
	"Access-Control-Expose-Headers",
	"Access-Control-Allow-Methods",
	"Access-Control-Allow-Headers",
	"Access-Control-Max-Age",
	"Access-Control-Allow-Private-Network",
}

func drop(h http.Header) {
	for _, name := range responseHeaders {
		delete(h, name)
	}
}

// IsPreflight reports whether r is a CORS preflight (Fetch standard, 3.2.2).
// Only browsers send those, and never with a key.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header[originHeader]) > 0 && len(r.Header[requestMethodHeader]) > 0
}

// plausible reports whether the request has at most one Origin, of characters
// that an origin can have. The library takes any bytes for a subdomain.
func plausible(r *http.Request) bool {
	values := r.Header[originHeader]
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	for i := range len(values[0]) {
		if !originByte[values[0][i]] {
			return false
		}
	}
	return true
}

var originByte = func() (allowed [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789.-_:/[]+") {
		allowed[c] = true
	}
	return allowed
}()

// Answer is the CORS part of a response.
type Answer struct {
	// Allowed tells whether the origin may read the response. It is false for
	// requests without an origin, except where any origin may.
	Allowed bool

	values values
	vary   bool
	// sent is what the header map's entries point to: each response's own,
	// since handlers may edit them in place.
	sent [len(values{}) + 1]string
}

// values are those of the first three responseHeaders; "": not sent.
type values [3]string

// Credentials reports whether pages of the origin may send cookies.
func (a *Answer) Credentials() bool { return a.values[1] != "" }

// Actual makes a the answer to a request that is no preflight, and puts it into h.
func (p *Policy) Actual(a *Answer, h http.Header, r *http.Request) {
	drop(h)
	*a = Answer{}
	if p.inner == nil {
		return
	}
	if r.Method == http.MethodOptions { // which varies in other ways
		p.inner.ServeHTTP(headerWriter{header: h}, r)
		if !plausible(r) {
			drop(h)
		}
		a.values = valuesIn(h)
	} else {
		a.values = p.valuesFor(r)
		a.vary = a.values[0] != AnyOrigin
	}
	a.Allowed = a.values[0] != ""
	for i, value := range a.values {
		if value != "" {
			a.send(i, responseHeaders[i], h, value)
		}
	}
	switch {
	case !a.vary:
	case len(h[varyHeader]) > 0:
		h[varyHeader] = append(h[varyHeader], originHeader)
	default:
		a.send(len(a.values), varyHeader, h, originHeader)
	}
}

func (a *Answer) send(place int, name string, h http.Header, value string) {
	a.sent[place] = value
	h[name] = a.sent[place : place+1 : place+1]
}

func valuesIn(h http.Header) (v values) {
	for i := range v {
		if sent := h[responseHeaders[i]]; len(sent) > 0 {
			v[i] = sent[0]
		}
	}
	return v
}

// valuesFor are the values for a request that is not OPTIONS.
func (p *Policy) valuesFor(r *http.Request) values {
	origin := ""
	if origins := r.Header[originHeader]; len(origins) == 1 {
		origin = origins[0]
	} else if len(origins) > 1 {
		return p.decide(r)
	}
	if known, ok := p.known.find(origin); ok {
		return known
	}
	decided := p.decide(r)
	if origin == "" || decided[0] != "" {
		p.known.add(origin, decided)
	}
	return decided
}

// decide has the library decide.
func (p *Policy) decide(r *http.Request) values {
	if !plausible(r) {
		return values{}
	}
	h := make(http.Header)
	p.inner.ServeHTTP(headerWriter{header: h}, r)
	return valuesIn(h)
}

// Reassert makes h, into which a backend has written since, hold the answer
// and no other, each header once, and Vary with each name once.
func (a *Answer) Reassert(h http.Header) {
	for i, name := range responseHeaders {
		values := h[name]
		if i >= len(a.values) || a.values[i] == "" {
			if values != nil {
				delete(h, name)
			}
		} else if len(values) != 1 || values[0] != a.values[i] {
			h[name] = []string{a.values[i]}
		}
	}
	vary(h, a.vary)
}

// vary removes doubles from Vary, and puts Origin in where it is wanted.
func vary(h http.Header, wantOrigin bool) {
	values := h[varyHeader]
	if len(values) == 0 && !wantOrigin || len(values) == 1 && !strings.Contains(values[0], ",") && (!wantOrigin || values[0] == originHeader) {
		return
	}
	var names []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.TrimSpace(name)
			if name != "" && !slices.ContainsFunc(names, func(have string) bool { return strings.EqualFold(have, name) }) {
				names = append(names, name)
			}
		}
	}
	if slices.Contains(names, "*") {
		names = []string{"*"}
	} else if wantOrigin && !slices.ContainsFunc(names, func(have string) bool { return strings.EqualFold(have, originHeader) }) {
		names = append(names, originHeader)
	}
	h[varyHeader] = []string{strings.Join(names, ", ")}
}

// Preflight puts the answer to a preflight into h and reports whether the
// request that it asks for is allowed. A refused one gets no CORS header at
// all, so that it tells nothing.
func (p *Policy) Preflight(h http.Header, r *http.Request) bool {
	drop(h)
	// Answers to OPTIONS are not to be cached (RFC 9110, section 9.3.7). Some
	// caches do; with this they do no harm.
	h.Add(varyHeader, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	vary(h, false)
	if p.inner == nil {
		return false
	}
	if !plausible(r) {
		return false
	}
	w := headerWriter{header: h, status: new(int)}
	p.inner.ServeHTTP(w, r)
	for _, name := range responseHeaders {
		if values, ok := h[name]; ok {
			h[name] = slices.Clone(values) // the library shares them between requests
		}
	}
	return *w.status == http.StatusNoContent
}

// Allows reports whether pages of an origin may read responses.
func (p *Policy) Allows(origin string) bool {
	if p.inner == nil {
		return false
	}
	return p.decide(&http.Request{Method: http.MethodGet, Header: http.Header{originHeader: {origin}}})[0] != ""
}

// headerWriter lets the library write headers, and notes the status.
type headerWriter struct {
	header http.Header
	status *int
}

func (w headerWriter) Header() http.Header         { return w.header }
func (w headerWriter) Write(p []byte) (int, error) { return len(p), nil }

func (w headerWriter) WriteHeader(status int) {
	if w.status != nil {
		*w.status = status
	}
}
