package gate

import (
	"fmt"
	"net/url"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
)

// Semicolons is what becomes of requests whose path has a semicolon. Some
// backends (those of Java, mostly) take what stands behind it for parameters and
// the rest for the path, so that /admin;x is their /admin, which no rule on
// /admin would have been asked about.
type Semicolons string

// What becomes of them. Nothing is RefuseSemicolons.
const (
	// RefuseSemicolons has such a path refused as one that cannot be cleaned.
	RefuseSemicolons Semicolons = "refuse"
	// PassSemicolons has it pass: to the backend a semicolon is a letter.
	PassSemicolons Semicolons = "pass"
)

// check says what is wrong.
func (s Semicolons) check() error {
	switch s {
	case "", RefuseSemicolons, PassSemicolons:
		return nil
	}
	return fmt.Errorf("unknown word %q about semicolons: it is one of [%s %s]", string(s), RefuseSemicolons, PassSemicolons)
}

// clean brings a path into its one form.
func (s Semicolons) clean(u *url.URL) (string, error) {
	if s == PassSemicolons {
		return urlpath.CleanWithParameters(u)
	}
	return urlpath.Clean(u)
}

// checkPath judges the path of a matcher.
func (s Semicolons) checkPath(pattern string) error {
	check := urlpath.CheckPattern
	if s == PassSemicolons {
		check = urlpath.CheckPatternWithParameters
	}
	return places.At(check(pattern), pathLine, pattern)
}
