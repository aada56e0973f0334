package gate_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// patterns are paths of matchers made of few pieces, so that they meet.
var patterns = rapid.Custom(func(t *rapid.T) string {
	if rapid.IntRange(0, 30).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]string{"*", "*.js", "*a*", "/a{http.request.method}", "/%61/b", "/a//b", "", "a", "/[", "/a\\*"}).Draw(t, "pattern")
	}
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"/", "/a", "/b", "/A", "/ab", "a", "b", "*", "?", "[a-b]", "/é", "."}), 0, 5)
	return "/" + strings.TrimPrefix(strings.Join(pieces.Draw(t, "pieces"), ""), "/")
})

// paths are what is matched: mostly clean ones.
var paths = rapid.Custom(func(t *rapid.T) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/A", "/ab", "a", "b", "/É", "/", "/..", "/.", "*", "\xff"}), 0, 6)
	return "/" + strings.TrimPrefix(strings.Join(pieces.Draw(t, "pieces"), ""), "/")
})

// matcherSets are what a rule may be about, provisioned as Caddy does it.
var matcherSets = rapid.Custom(func(t *rapid.T) caddyhttp.MatcherSets {
	path := func() *caddyhttp.MatchPath {
		m := caddyhttp.MatchPath(rapid.SliceOfN(patterns, 1, 4).Draw(t, "paths"))
		if err := m.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		return &m
	}
	var sets caddyhttp.MatcherSets
	for range rapid.IntRange(0, 2).Draw(t, "sets") {
		var set caddyhttp.MatcherSet
		if rapid.IntRange(0, 5).Draw(t, "path") > 0 {
			set = append(set, path())
		}
		if rapid.IntRange(0, 3).Draw(t, "method") == 0 {
			set = append(set, &caddyhttp.MatchMethod{rapid.SampledFrom([]string{"GET", "POST"}).Draw(t, "its method")})
		}
		if rapid.IntRange(0, 5).Draw(t, "header") == 0 {
			set = append(set, &caddyhttp.MatchHeader{"X-A": {"1"}})
		}
		if rapid.IntRange(0, 3).Draw(t, "not") == 0 {
			set = append(set, &caddyhttp.MatchNot{MatcherSets: []caddyhttp.MatcherSet{{path()}}})
		}
		sets = append(sets, set)
	}
	return sets
})

// asked is what Requests and their index have to agree with: every matcher is
// asked, in both forms of the path, of what negates in each alone, and about HEAD
// as about GET.
func asked(sets caddyhttp.MatcherSets, r *http.Request) bool {
	if r.Method == http.MethodHead {
		asGet := *r
		if asGet.Method = http.MethodGet; asked(sets, &asGet) {
			return true
		}
	}
	both := func(set caddyhttp.MatcherSet) (first, second bool) {
		here, there := *r, *r
		there.URL = &url.URL{Path: r.URL.Path + "/"}
		if trimmed, has := strings.CutSuffix(r.URL.Path, "/"); has && trimmed != "" {
			there.URL.Path = trimmed
		}
		return set.Match(&here), set.Match(&there)
	}
	for _, set := range sets {
		var is, isNot caddyhttp.MatcherSet
		for _, m := range set {
			if _, negates := m.(*caddyhttp.MatchNot); negates {
				isNot = append(isNot, m)
			} else {
				is = append(is, m)
			}
		}
		a, b := both(is)
		c, d := both(isNot)
		if (a || b) && c && d {
			return true
		}
	}
	return len(sets) == 0
}

// The index of a list, and the tree in each rule, leave out nothing that the
// matchers would have let in, and keep the order of the list. A rule for exact
// requests is one with its matchers.
func TestIndexAgreesWithMatchers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(matcherSets, 0, 12).Draw(t, "rules")
		rules, exact := make([]*gate.Requests, len(all)), make([]gate.Requests, len(all))
		for i, sets := range all {
			loaded := make([]map[string]any, len(sets))
			for k, set := range sets {
				loaded[k] = make(map[string]any)
				for _, m := range set {
					loaded[k][m.(caddy.Module).CaddyModule().ID.Name()] = m
				}
			}
			q, err := gate.RequestsOf(loaded)
			if err != nil {
				t.Fatal(err)
			}
			rules[i] = &q
			if exact[i], err = gate.ExactRequestsOf(loaded); err != nil {
				t.Fatal(err)
			}
		}
		index := gate.IndexRequests(rules)
		most, numbers := index.Most()
		normal := caddyhttp.NormalizedPath(most, true) == most // no request has the path "/.."
		if at := index.Near(&http.Request{URL: &url.URL{Path: most}}, nil); normal && !slices.Equal(at, numbers) {
			t.Fatalf("Most says %v are at %s, and there are %v", numbers, most, at)
		}
		for range 8 {
			r := &http.Request{
				Method: rapid.SampledFrom([]string{"GET", "HEAD", "POST"}).Draw(t, "method"),
				URL:    &url.URL{Path: paths.Draw(t, "path")}, Header: make(http.Header),
			}
			if rapid.Bool().Draw(t, "header") {
				r.Header.Set("X-A", "1")
			}
			repl := caddy.NewEmptyReplacer()
			repl.Set("http.request.method", r.Method)
			r = r.WithContext(context.WithValue(t.Context(), caddy.ReplacerCtxKey, repl))
			path := r.URL.Path
			var want, got []int
			for i, sets := range all {
				if asked(sets, r) {
					want = append(want, i)
				}
			}
			near := index.Near(r, nil)
			if len(near) > len(numbers) {
				t.Fatalf("at %s are %v, more than at %s, where Most says most are: %v", path, near, most, numbers)
			}
			if !slices.IsSorted(near) || len(slices.Compact(slices.Clone(near))) != len(near) {
				t.Fatalf("%v is out of order", near)
			}
			for _, i := range near {
				match, err := rules[i].Match(r)
				if err != nil {
					t.Fatal(err)
				}
				if match {
					got = append(got, i)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s %s matches (-the matchers +the index):\n%s", r.Method, path, diff)
			}
			for i, sets := range all {
				want, err := sets.AnyMatchWithError(r)
				if match, other := exact[i].Match(r); match != want || err != nil || other != nil {
					t.Fatalf("%s %s: rule %d for exact requests says %t, %v, its matchers %t, %v", r.Method, path, i, match, other, want, err)
				}
			}
			if r.URL.Path != path {
				t.Fatalf("the path was %q and is %q", path, r.URL.Path)
			}
		}
	})
}

// An index has to leave out what is far away, or it would save nothing.
func TestIndexLeavesOut(t *testing.T) {
	var rules []*gate.Requests
	for _, pattern := range []string{"/a/*", "/b/*", "/a/b/*", "/a/c", "*/d", "/a/b", "/e"} {
		q, err := gate.RequestsOf([]map[string]any{{"path": &caddyhttp.MatchPath{pattern}}})
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, &q)
	}
	rules = append(rules, new(gate.Requests))
	for path, want := range map[string][]int{
		"/a/b": {0, 2, 4, 5, 7}, "/A/b/": {0, 2, 4, 5, 7}, "/a/bc": {0, 4, 7}, "/b": {1, 4, 7}, "/": {4, 7}, "/e": {4, 6, 7}, "/e/": {4, 6, 7}, "/e/f": {4, 7},
	} {
		if diff := cmp.Diff(want, gate.IndexRequests(rules).Near(&http.Request{URL: &url.URL{Path: path}}, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// What is open to everybody in one form is not in another.
func TestExactRequests(t *testing.T) {
	ctx := context.WithValue(t.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())
	for _, test := range []struct {
		set          caddyhttp.MatcherSet
		method, path string
		exact, rule  bool
	}{
		{caddyhttp.MatcherSet{&caddyhttp.MatchPath{"/a"}}, "GET", "/a", true, true},
		{caddyhttp.MatcherSet{&caddyhttp.MatchPath{"/a"}}, "GET", "/a/", false, true},
		{caddyhttp.MatcherSet{&caddyhttp.MatchPath{"/a"}, &caddyhttp.MatchMethod{"GET"}}, "HEAD", "/a", false, true},
		{caddyhttp.MatcherSet{&caddyhttp.MatchNot{MatcherSets: []caddyhttp.MatcherSet{{&caddyhttp.MatchPath{"/a"}}}}}, "GET", "/a/", true, false},
	} {
		loaded := make(map[string]any)
		for _, m := range test.set {
			loaded[m.(caddy.Module).CaddyModule().ID.Name()] = m
		}
		r := (&http.Request{Method: test.method, URL: &url.URL{Path: test.path}}).WithContext(ctx)
		for want, of := range map[*bool]func(any) (gate.Requests, error){&test.exact: gate.ExactRequestsOf, &test.rule: gate.RequestsOf} {
			q, err := of([]map[string]any{loaded})
			if err != nil {
				t.Fatal(err)
			}
			if match, err := q.Match(r); match != *want || err != nil {
				t.Errorf("%s %s, matchers %v: %t, %v, want %t (exact: %t)", test.method, test.path, test.set, match, err, *want, want == &test.exact)
			}
		}
	}
}
