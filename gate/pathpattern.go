package gate

import (
	"errors"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
)

func checkPaths(sets caddyhttp.MatcherSets) error {
	var mistakes []error
	for _, set := range sets {
		for _, matcher := range set {
			paths, _ := pathPatterns(matcher)
			for _, path := range paths {
				mistakes = append(mistakes, urlpath.CheckPattern(path))
			}
		}
	}
	return errors.Join(mistakes...)
}

// pathPatterns are the patterns of a matcher by path; ok is false for any other.
func pathPatterns(matcher any) (patterns caddyhttp.MatchPath, ok bool) {
	switch m := matcher.(type) {
	case caddyhttp.MatchPath:
		return m, true
	case *caddyhttp.MatchPath:
		return *m, true
	}
	return nil, false
}
