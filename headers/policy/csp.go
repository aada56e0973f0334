package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// CSP is a content security policy (CSP Level 3): the values of each
// directive, by name.
type CSP map[string][]string

// kind says what a directive takes.
type kind int

const (
	fetchSources kind = iota + 1 // sources, keywords and hashes included
	placeSources                 // sources, with 'self' and 'none' as the only keywords
	flags                        // words of a fixed set, maybe none
	nothing
	free // a group name or a URI
)

var directives = map[string]kind{
	"default-src": fetchSources, "script-src": fetchSources, "script-src-elem": fetchSources, "script-src-attr": fetchSources,
	"style-src": fetchSources, "style-src-elem": fetchSources, "style-src-attr": fetchSources,
	"img-src": fetchSources, "font-src": fetchSources, "connect-src": fetchSources, "media-src": fetchSources,
	"object-src": fetchSources, "frame-src": fetchSources, "child-src": fetchSources, "worker-src": fetchSources,
	"manifest-src": fetchSources,
	"base-uri":     placeSources, "form-action": placeSources, "frame-ancestors": placeSources,
	"sandbox": flags, "require-trusted-types-for": flags,
	"upgrade-insecure-requests": nothing,
	"report-to":                 free, "report-uri": free, "trusted-types": free,
}

var flagWords = map[string][]string{
	"sandbox": {"allow-downloads", "allow-forms", "allow-modals", "allow-orientation-lock", "allow-pointer-lock", "allow-popups",
		"allow-popups-to-escape-sandbox", "allow-presentation", "allow-same-origin", "allow-scripts",
		"allow-storage-access-by-user-activation", "allow-top-navigation", "allow-top-navigation-by-user-activation",
		"allow-top-navigation-to-custom-protocols"},
	"require-trusted-types-for": {"'script'"},
}

// order is how directives are written out: the ones that others fall back to first.
var order = []string{"default-src", "base-uri", "form-action", "frame-ancestors"}

var keywords = []string{"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'wasm-unsafe-eval'",
	"'strict-dynamic'", "'report-sample'", "'inline-speculation-rules'"}

var (
	schemeSource = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:$`)
	hostSource   = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*://)?(?:\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::(?:[0-9]{1,5}|\*))?(?:/[A-Za-z0-9._~!$&'()*+=:@%/-]*)?$`)
	hashSource   = regexp.MustCompile(`^'sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}'$`)
	nonceSource  = regexp.MustCompile(`(?i)^'nonce-`)
	freeToken    = regexp.MustCompile(`^[!-+\--:<-~]+$`) // visible, without comma and semicolon
)

// Set sets a directive; `off` takes it out.
func (c CSP) Set(directive string, values []string) error {
	takes, known := directives[directive]
	if !known {
		return fmt.Errorf("csp: %q is no directive: there are %s", directive, strings.Join(slices.Sorted(maps.Keys(directives)), ", "))
	}
	if slices.Equal(values, []string{"off"}) {
		delete(c, directive)
		return nil
	}
	if err := check(directive, takes, values); err != nil {
		return err
	}
	c[directive] = slices.Clone(values)
	return nil
}

func check(directive string, takes kind, values []string) error {
	switch {
	case takes == nothing && len(values) > 0:
		return fmt.Errorf("csp %s: it takes no value", directive)
	case takes == nothing || takes == flags && directive == "sandbox" && len(values) == 0:
		return nil
	case len(values) == 0:
		return fmt.Errorf("csp %s: say what is allowed, such as 'self' or 'none'", directive)
	}
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			return fmt.Errorf("csp %s names %s twice", directive, value)
		}
		if err := checkValue(directive, takes, value); err != nil {
			return err
		}
	}
	if len(values) > 1 && slices.Contains(values, "'none'") {
		return fmt.Errorf("csp %s: 'none' stands alone: beside other sources browsers ignore it", directive)
	}
	if directive == "sandbox" && slices.Contains(values, "allow-scripts") && slices.Contains(values, "allow-same-origin") {
		return errors.New("csp sandbox: allow-scripts and allow-same-origin together let the page take its sandbox off")
	}
	return nil
}

func checkValue(directive string, takes kind, value string) error {
	switch takes {
	case flags:
		if !slices.Contains(flagWords[directive], value) {
			return fmt.Errorf("csp %s: %q is none of %s", directive, value, strings.Join(flagWords[directive], ", "))
		}
		return nil
	case free:
		if !freeToken.MatchString(value) {
			return fmt.Errorf("csp %s: %q cannot stand in a policy", directive, value)
		}
		return nil
	}
	switch {
	case slices.Contains(keywords, "'"+value+"'"):
		return fmt.Errorf("csp %s: write '%s' with its quotes: without them browsers look for a host of that name", directive, value)
	case nonceSource.MatchString(value):
		return fmt.Errorf("csp %s: a nonce has to change with every response, so one that is configured protects nothing: use a hash ('sha256-...')", directive)
	case slices.Contains(keywords, value) || hashSource.MatchString(value):
		if takes == placeSources && value != "'self'" && value != "'none'" {
			return fmt.Errorf("csp %s: %s means nothing here", directive, value)
		}
		return nil
	case schemeSource.MatchString(value) || hostSource.MatchString(value):
		return nil
	}
	return fmt.Errorf("csp %s: %q is no source: a source is a quoted keyword, an origin (https://app.example.com), a scheme (data:) or a hash", directive, value)
}

// String writes the policy as the header has it.
func (c CSP) String() string {
	names := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, strings.Join(append([]string{name}, c[name]...), " "))
	}
	return strings.Join(parts, "; ")
}

func rank(directive string) int {
	if i := slices.Index(order, directive); i >= 0 {
		return i
	}
	return len(order)
}

// Clone returns a copy that shares nothing with c.
func (c CSP) Clone() CSP {
	copied := make(CSP, len(c))
	for name, values := range c {
		copied[name] = slices.Clone(values)
	}
	return copied
}

// ParseCSP reads a serialized policy. A directive that is there twice is an
// error: browsers ignore all but the first.
func ParseCSP(text string) (CSP, error) {
	csp := make(CSP)
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		name := words[0]
		if _, twice := csp[name]; twice {
			return nil, fmt.Errorf("csp: the directive %s is there twice", name)
		}
		if slices.Equal(words[1:], []string{"off"}) {
			return nil, fmt.Errorf("csp %s: off is no source", name)
		}
		if err := csp.Set(name, words[1:]); err != nil {
			return nil, err
		}
	}
	if len(csp) == 0 {
		return nil, errors.New("csp: the policy is empty")
	}
	return csp, nil
}
