package gate

import (
	"fmt"
	"slices"
	"strings"
)

// Caddy drops request fields with "_" or "." in their names before any handler
// sees them: backends that make variables of fields take X_User for X-User. A
// server's expected_underscore_headers and expected_dot_headers let those
// through that they name, and keep out the same with hyphens.

// CheckField refuses the name of a request field that never gets to a handler of
// the site.
func (d *Door) CheckField(name string) error {
	var underscores, dots []string
	if d.server != nil {
		underscores, dots = d.server.ExpectedUnderscoreHeaders, d.server.ExpectedDotHeaders
	}
	hasUnderscore, hasDot := strings.Contains(name, "_"), strings.Contains(name, ".")
	exactly := func(entry string) bool { return strings.EqualFold(entry, name) }
	expected := func(entry string) bool { return expects(entry, name) }
	hyphened := func(entries []string, separator string) bool {
		return slices.ContainsFunc(entries, func(entry string) bool { return expects(strings.ReplaceAll(entry, separator, "-"), name) })
	}
	switch {
	case hasUnderscore && hasDot && (slices.ContainsFunc(underscores, exactly) || slices.ContainsFunc(dots, exactly)):
	case hasUnderscore && !hasDot && slices.ContainsFunc(underscores, expected):
	case hasDot && !hasUnderscore && slices.ContainsFunc(dots, expected):
	case hasUnderscore || hasDot:
		option := "expected_underscore_headers"
		if !hasUnderscore {
			option = "expected_dot_headers"
		}
		return fmt.Errorf("the header %s never gets here: Caddy drops request headers with _ or . in their names, which backends take for others; "+
			"use one with hyphens, or name it with `%s`, in the global options under servers", name, option)
	case hyphened(underscores, "_") || hyphened(dots, "."):
		return fmt.Errorf("the header %s never gets here: Caddy drops it since a like one is named with expected_underscore_headers or expected_dot_headers", name)
	}
	return nil
}

// expects reports whether an entry of a server's list is about a name.
func expects(entry, name string) bool {
	if prefix, glob := strings.CutSuffix(entry, "*"); glob {
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	return strings.EqualFold(entry, name)
}
