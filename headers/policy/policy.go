// Package policy is the header policy of a site as plain data: which response
// headers leave, with which values, and which are taken out. It knows nothing
// of requests; the handler agent_headers applies it.
package policy

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Policy is a set of response headers.
type Policy struct {
	// CSP is the Content-Security-Policy; empty: none is sent.
	CSP CSP
	// HSTS is Strict-Transport-Security; nil: none is sent.
	HSTS *HSTS
	// Permissions is Permissions-Policy: allow lists by feature, written as the
	// header has them, such as `()` and `(self)`; empty: none is sent.
	Permissions map[string]string
	// Plain are all other headers, by canonical name.
	Plain map[string]string
	// Remove are the canonical names of headers that are taken out, besides
	// the product headers, which always are.
	Remove map[string]bool
	// Attachment has whatever a browser could run or render as a page of the
	// site offered for download (see [Inline]).
	Attachment bool
}

// HSTS is the value of Strict-Transport-Security (RFC 6797).
type HSTS struct {
	MaxAge            time.Duration // in whole seconds
	IncludeSubdomains bool
	Preload           bool
}

// minPreload is what the browsers' preload list asks for.
const minPreload = 365 * 24 * time.Hour

// Check refuses what no browser would take as it was meant.
func (h HSTS) Check() error {
	switch {
	case h.MaxAge < 0 || h.MaxAge%time.Second != 0:
		return fmt.Errorf("hsts %s: the age is a whole number of seconds, such as 365d", h.MaxAge)
	case h.Preload && (h.MaxAge < minPreload || !h.IncludeSubdomains):
		return fmt.Errorf("hsts: the browsers' preload list asks for at least 365d and include_subdomains")
	}
	return nil
}

func (h HSTS) String() string {
	value := fmt.Sprintf("max-age=%d", h.MaxAge/time.Second)
	if h.IncludeSubdomains {
		value += "; includeSubDomains"
	}
	if h.Preload {
		value += "; preload"
	}
	return value
}

// The headers that have a form of their own.
const (
	cspHeader         = "Content-Security-Policy"
	hstsHeader        = "Strict-Transport-Security"
	permissionsHeader = "Permissions-Policy"
)

// Clone returns a copy that shares nothing with p.
func (p Policy) Clone() Policy {
	p.CSP = p.CSP.Clone()
	if p.HSTS != nil {
		hsts := *p.HSTS
		p.HSTS = &hsts
	}
	p.Permissions = maps.Clone(p.Permissions)
	p.Plain = maps.Clone(p.Plain)
	p.Remove = maps.Clone(p.Remove)
	return p
}

// Field is a header with its value.
type Field struct{ Name, Value string }

// Fields are the headers that leave, sorted by name. What makes sense over TLS
// alone (HSTS, by RFC 6797, section 7.2, and the CSP directive
// upgrade-insecure-requests) leaves over TLS alone.
func (p Policy) Fields(overTLS bool) []Field {
	values := maps.Clone(p.Plain)
	if values == nil {
		values = make(map[string]string)
	}
	csp := p.CSP
	if !overTLS {
		csp = csp.Clone()
		delete(csp, "upgrade-insecure-requests")
	}
	if len(csp) > 0 {
		values[cspHeader] = csp.String()
	}
	if p.HSTS != nil && overTLS {
		values[hstsHeader] = p.HSTS.String()
	}
	if len(p.Permissions) > 0 {
		features := make([]string, 0, len(p.Permissions))
		for _, feature := range slices.Sorted(maps.Keys(p.Permissions)) {
			features = append(features, feature+"="+p.Permissions[feature])
		}
		values[permissionsHeader] = strings.Join(features, ", ")
	}
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !p.Remove[name] {
			fields = append(fields, Field{name, values[name]})
		}
	}
	return fields
}

// Removed are the names that are taken out of every response, in the form in
// which header maps hold them: the product headers, what p removes, and HSTS
// where the connection is not encrypted.
func (p Policy) Removed(overTLS bool) Names {
	names := maps.Clone(products)
	maps.Copy(names, p.Remove)
	if !overTLS {
		names[hstsHeader] = true
	}
	for name := range p.Plain {
		delete(names, name) // one that the operator sets is wanted
	}
	return newNames(names)
}

// words are the values that the headers of one word take, by header. The
// first list that browsers and standards agree on; anything else is a mistake.
var words = map[string][]string{
	"X-Frame-Options": {"DENY", "SAMEORIGIN"}, // RFC 7034
	"Referrer-Policy": {"no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin",
		"same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url"},
	"Cross-Origin-Opener-Policy":   {"same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"},
	"Cross-Origin-Resource-Policy": {"same-origin", "same-site", "cross-origin"},
	"Cross-Origin-Embedder-Policy": {"require-corp", "credentialless", "unsafe-none"},
}

// SetWord sets a header that takes one of a few words.
func (p *Policy) SetWord(name, value string) error {
	for _, word := range words[name] {
		if strings.EqualFold(word, value) {
			p.set(name, word)
			return nil
		}
	}
	return fmt.Errorf("%q is no value of %s: it is one of %s", value, name, strings.ToLower(strings.Join(words[name], ", ")))
}

// cacheWords are the response directives of Cache-Control (RFC 9111, section
// 5.2.2, and RFC 5861, 8246). True: takes a number of seconds.
var cacheWords = map[string]bool{
	"no-store": false, "no-cache": false, "private": false, "public": false, "must-revalidate": false,
	"proxy-revalidate": false, "no-transform": false, "must-understand": false, "immutable": false,
	"max-age": true, "s-maxage": true, "stale-while-revalidate": true, "stale-if-error": true,
}

// SetCache sets Cache-Control.
func (p *Policy) SetCache(directives []string) error {
	if len(directives) == 0 {
		return fmt.Errorf("cache_control needs directives, such as no-store")
	}
	seen := make(map[string]bool)
	for _, directive := range directives {
		name, seconds, has := strings.Cut(directive, "=")
		takes, known := cacheWords[name]
		switch {
		case !known:
			return fmt.Errorf("cache_control: %q is no directive of Cache-Control: separate directives by spaces, as in `private max-age=60`", directive)
		case takes != has || has && !isNumber(seconds):
			return fmt.Errorf("cache_control: %q is not written as it should be: max-age and its like take seconds, the others nothing", directive)
		case seen[name]:
			return fmt.Errorf("cache_control names %s twice", name)
		}
		seen[name] = true
	}
	if seen["no-store"] && (seen["public"] || seen["max-age"] || seen["immutable"]) || seen["private"] && seen["public"] {
		return fmt.Errorf("cache_control %s: these contradict each other", strings.Join(directives, " "))
	}
	p.set("Cache-Control", strings.Join(directives, ", "))
	return nil
}

func isNumber(s string) bool {
	return s != "" && len(s) <= 10 && strings.Trim(s, "0123456789") == ""
}

// foreignNames are headers that belong to others, with what to do instead.
var foreignNames = map[string]string{
	"Content-Length":    "the server sets it",
	"Transfer-Encoding": "the server sets it",
	"Connection":        "the server sets it",
	"Upgrade":           "the server sets it",
	"Trailer":           "the server sets it",
	"Date":              "the server sets it",
	"X-Request-Id":      "agent_gate sets it",
	"Set-Cookie":        "a cookie is no policy: use Caddy's directive header",
	"Www-Authenticate":  "agent_auth sets it",
	"Vary":              "what depends on the request adds to it by itself",
}

// checkName returns the canonical form of a header's name, if it may be set
// or removed here.
func checkName(name string) (string, error) {
	if !httpguts.ValidHeaderFieldName(name) {
		return "", fmt.Errorf("%q is no header name", name)
	}
	name = http.CanonicalHeaderKey(name)
	if instead, foreign := foreignNames[name]; foreign {
		return "", fmt.Errorf("%s cannot be set or removed here: %s", name, instead)
	}
	if strings.HasPrefix(name, "Access-Control-") {
		return "", fmt.Errorf("%s cannot be set or removed here: agent_cors sets it", name)
	}
	return name, nil
}

// Set sets any header to a value. Headers that have a form of their own are
// checked against it.
func (p *Policy) Set(name, value string) error {
	name, err := checkName(name)
	if err != nil {
		return err
	}
	if value == "" || !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("set %s: the value %q cannot stand in a header", name, value)
	}
	switch name {
	case cspHeader:
		csp, err := ParseCSP(value)
		if err != nil {
			return err
		}
		p.CSP = csp
		delete(p.Remove, name)
		return nil
	case hstsHeader:
		return fmt.Errorf("set %s: write `hsts <age> [include_subdomains] [preload]`, which sends it over TLS alone", name)
	case permissionsHeader:
		return fmt.Errorf("set %s: write `permissions_policy <feature> <allowed>...`", name)
	}
	if words[name] != nil {
		return p.SetWord(name, value)
	}
	p.set(name, value)
	return nil
}

func (p *Policy) set(name, value string) {
	if p.Plain == nil {
		p.Plain = make(map[string]string)
	}
	p.Plain[name] = value
	delete(p.Remove, name)
}

// SetHSTS sets Strict-Transport-Security.
func (p *Policy) SetHSTS(h HSTS) error {
	if err := h.Check(); err != nil {
		return err
	}
	p.HSTS = &h
	delete(p.Remove, hstsHeader)
	return nil
}

// Take takes a header out: it is neither sent nor let through.
func (p *Policy) Take(name string) error {
	name, err := checkName(name)
	if err != nil {
		return err
	}
	if p.Remove == nil {
		p.Remove = make(map[string]bool)
	}
	p.Remove[name] = true
	delete(p.Plain, name)
	return nil
}

// SetCSP replaces a directive of the Content-Security-Policy; `off` takes it out.
func (p *Policy) SetCSP(directive string, values []string) error {
	if p.CSP == nil {
		p.CSP = make(CSP)
	}
	delete(p.Remove, cspHeader)
	return p.CSP.Set(directive, values)
}
