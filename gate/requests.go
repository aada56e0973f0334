package gate

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Requests are those that a rule is about. A path counts with and without its
// trailing slash: backends take /x and /x/ for the same route, so that neither
// form evades a rule on the other, nor one on all paths but the other. What
// IsGet counts as GET too. The zero value is all requests.
type Requests struct {
	sets  caddyhttp.MatcherSets
	split []splitSet
}

// splitSet is a set of matchers, which all have to match.
type splitSet struct {
	// paths are the patterns of its matcher by path, one of which has to match,
	// and near knows those that may. Where near is nil, is holds that matcher too.
	paths     caddyhttp.MatchPath
	near      *pathTree
	is, isNot caddyhttp.MatcherSet
	// eitherForm says that those that do not negate take /x and /x/ for one by
	// themselves.
	eitherForm bool
	// exact says that neither the other form of a path nor HEAD for GET counts.
	exact bool
}

// RequestsOf are the requests that loaded matchers match: what
// caddy.Context.LoadModule gives for a caddyhttp.RawMatcherSets.
func RequestsOf(loaded any) (q Requests, err error) {
	err = q.sets.FromInterface(loaded)
	for _, set := range q.sets {
		q.split = append(q.split, split(set))
	}
	return q, err
}

// ExactRequestsOf are those that loaded matchers match, as Exactly has it.
func ExactRequestsOf(loaded any) (Requests, error) {
	q, err := RequestsOf(loaded)
	return q.Exactly(), err
}

// Exactly are the requests that the matchers match, and none besides: for a rule
// that opens something, and is not to open more than was written.
func (q Requests) Exactly() Requests {
	q.split = slices.Clone(q.split)
	for i := range q.split {
		q.split[i].exact = true
	}
	return q
}

func split(set caddyhttp.MatcherSet) splitSet {
	s := splitSet{eitherForm: true}
	quiet := true // none of the others can fail, so it does not matter whether they are asked
	for _, matcher := range set {
		if _, negates := matcher.(*caddyhttp.MatchNot); negates { // it is asked last
			s.isNot = append(s.isNot, matcher)
			continue
		}
		if patterns, ok := pathPatterns(matcher); ok && s.paths == nil {
			s.paths, s.eitherForm = patterns, false
			continue
		}
		switch matcher.(type) {
		case *caddyhttp.MatchMethod:
		case *MatchRoute:
			quiet = false
		default:
			s.eitherForm, quiet = false, false
		}
		s.is = append(s.is, matcher)
	}
	if quiet {
		s.near = newPathTree(s.paths)
	}
	if s.near == nil && s.paths != nil {
		s.is = append(s.is, s.paths)
	}
	return s
}

// All reports whether there is no matcher.
func (q *Requests) All() bool { return len(q.split) == 0 }

// Match reports whether r is one of them.
func (q *Requests) Match(r *http.Request) (bool, error) {
	for i := range q.split {
		if match, err := q.split[i].matchMethod(r); match || err != nil {
			return match, err
		}
	}
	return q.All(), nil
}

func (s *splitSet) matchMethod(r *http.Request) (bool, error) {
	match, err := s.match(r)
	method := r.Method
	if match || err != nil || s.exact || method == http.MethodGet || !IsGet(method) {
		return match, err
	}
	defer func() { r.Method = method }()
	r.Method = http.MethodGet
	return s.match(r)
}

func (s *splitSet) match(r *http.Request) (bool, error) {
	var room [8]int
	near := room[:0]
	if s.near != nil {
		if near = s.near.near(r.URL.Path, near); len(near) == 0 {
			return false, nil
		}
	}
	match, err := s.matchIs(r, near)
	if !match && err == nil && !s.eitherForm && !s.exact {
		match, err = inOtherForm(r, func() (bool, error) { return s.matchIs(r, near) })
	}
	if !match || err != nil || len(s.isNot) == 0 {
		return match, err
	}
	if match, err = s.isNot.MatchWithError(r); !match || err != nil || s.exact {
		return match, err
	}
	return inOtherForm(r, func() (bool, error) { return s.isNot.MatchWithError(r) })
}

// matchIs asks the matchers that do not negate: of the patterns only those near.
func (s *splitSet) matchIs(r *http.Request, near []int) (bool, error) {
	match := s.near == nil
	for _, i := range near {
		if match = s.paths[i : i+1].Match(r); match {
			break
		}
	}
	if !match {
		return false, nil
	}
	return s.is.MatchWithError(r)
}

// inOtherForm asks with a trailing slash where the request's path has none, or
// without the one that it has.
func inOtherForm(r *http.Request, ask func() (bool, error)) (bool, error) {
	path := r.URL.Path
	defer func() { r.URL.Path = path }()
	if trimmed := strings.TrimSuffix(path, "/"); trimmed != path && trimmed != "" {
		r.URL.Path = trimmed
	} else {
		r.URL.Path = path + "/"
	}
	return ask()
}

// RequestsIndex finds, in a list of rules, the few that may be about a request,
// so that a thousand rules on paths cost little more than one.
type RequestsIndex struct {
	near   pathTree
	always []int // rules that are not known by their paths
}

// IndexRequests makes the index of a list.
func IndexRequests(list []*Requests) *RequestsIndex {
	x := new(RequestsIndex)
	for number, q := range list {
		if q.All() || slices.ContainsFunc(q.split, func(s splitSet) bool { return s.near == nil }) {
			x.always = append(x.always, number)
			continue
		}
		for _, s := range q.split {
			for _, pattern := range s.paths {
				x.near.add(pattern, number)
			}
		}
	}
	x.near.grow()
	return x
}

// Near appends to found, in the order of the list, the numbers of the rules that
// may be about r: all that match it are among them.
func (x *RequestsIndex) Near(r *http.Request, found []int) []int {
	found = append(found, x.always...)
	if len(x.near.nodes) > 0 {
		found = inOrder(x.near.near(r.URL.Path, found))
	}
	return found
}

func inOrder(numbers []int) []int {
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// Most are the numbers of the rules that may be about one and the same request,
// as far as its path tells, and a path at which there are most of them: there
// are no more at any.
func (x *RequestsIndex) Most() (path string, numbers []int) {
	path, numbers = "/", slices.Clone(x.always)
	for i := range x.near.nodes {
		// A longer path has but those that the longest of its beginnings here has.
		there := x.near.nodes[i].literal
		if found := inOrder(x.near.along(there, slices.Clone(x.always))); len(found) > len(numbers) {
			path, numbers = cmp.Or(there, "/"), found
		}
	}
	return path, numbers
}

// EveryPath reports whether a pattern for all paths is among the matchers.
func (q *Requests) EveryPath() bool {
	return slices.ContainsFunc(q.sets, func(set caddyhttp.MatcherSet) bool {
		return slices.ContainsFunc(set, func(matcher any) bool {
			paths, _ := pathPatterns(matcher)
			return slices.ContainsFunc(paths, func(pattern string) bool { return pattern == "*" || pattern == "/*" })
		})
	})
}
