package gate

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Requests are those that a rule is about. A path counts with and without its
// trailing slash: backends take /x and /x/ for the same route, so that neither
// form evades a rule on the other, nor one on all paths but the other. The
// zero value is all requests.
type Requests struct {
	sets  caddyhttp.MatcherSets
	split []splitSet
}

// splitSet is a set of matchers, which all have to match.
type splitSet struct {
	is, isNot caddyhttp.MatcherSet
	// eitherForm says that those that do not negate take /x and /x/ for one by
	// themselves.
	eitherForm bool
}

// RequestsOf are the requests that loaded matchers match: what
// caddy.Context.LoadModule gives for a caddyhttp.RawMatcherSets.
func RequestsOf(loaded any) (q Requests, err error) {
	err = q.sets.FromInterface(loaded)
	for _, set := range q.sets {
		split := splitSet{eitherForm: true}
		for _, matcher := range set {
			if _, negates := matcher.(*caddyhttp.MatchNot); negates {
				split.isNot = append(split.isNot, matcher)
				continue
			}
			split.is = append(split.is, matcher)
			if _, ok := matcher.(*MatchRoute); !ok {
				split.eitherForm = false
			}
		}
		q.split = append(q.split, split)
	}
	return q, err
}

// All reports whether there is no matcher.
func (q *Requests) All() bool { return len(q.split) == 0 }

// Match reports whether r is one of them.
func (q *Requests) Match(r *http.Request) (bool, error) {
	for i := range q.split {
		if match, err := q.split[i].match(r); match || err != nil {
			return match, err
		}
	}
	return q.All(), nil
}

func (s *splitSet) match(r *http.Request) (bool, error) {
	match, err := s.is.MatchWithError(r)
	if !match && err == nil && !s.eitherForm {
		match, err = inOtherForm(s.is, r)
	}
	if !match || err != nil || len(s.isNot) == 0 {
		return match, err
	}
	if match, err = s.isNot.MatchWithError(r); !match || err != nil {
		return match, err
	}
	return inOtherForm(s.isNot, r)
}

// inOtherForm reports whether a set matches with a trailing slash where the
// request's path has none, or without the one that it has.
func inOtherForm(set caddyhttp.MatcherSet, r *http.Request) (bool, error) {
	path := r.URL.Path
	defer func() { r.URL.Path = path }()
	if trimmed := strings.TrimSuffix(path, "/"); trimmed != path && trimmed != "" {
		r.URL.Path = trimmed
	} else {
		r.URL.Path = path + "/"
	}
	return set.MatchWithError(r)
}

// CheckPaths judges the paths of the matchers: see CheckPathPattern.
func (q *Requests) CheckPaths() error { return checkPaths(q.sets) }
