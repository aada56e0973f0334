package urlpath

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestCheckPattern(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"/api/*": true, "*": true, "*.json": true, "/": true, "/a.b/..c": true, "/{env.X}/../y": true, "/media/%20x": true,
		"": false, "api/*": false, "//api": false, "/api//x": false, "/api/./x": false, "/api/../x": false, "/x/..": false,
		"/api%2fx": false, "/api%5Cx": false, "/api;x": false, "/api%3Bx": false, "/*;x": false, "/api[;,]x": true, "/{env.X};y": true,
	} {
		if err := CheckPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	for pattern, ok := range map[string]bool{"/api;x": true, "/api%3bx": true, "//api;x": false} {
		if err := CheckPatternWithParameters(pattern); (err == nil) != ok {
			t.Errorf("%q, where semicolons pass: %v", pattern, err)
		}
	}
}

// FuzzCheckPattern holds that a pattern that is said to match nothing does
// not match any cleaned path.
func FuzzCheckPattern(f *testing.F) {
	for _, seed := range [][2]string{{"/api/../x", "/x"}, {"//api", "/api"}, {"api", "/api"}, {"/a/./b", "/a/./b"}, {"/a%2fb", "/a%2fb"}, {"/x/..", "/x/.."}, {"/a%3b*", "/a;b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, target string) {
		if CheckPattern(pattern) == nil {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		path, err := Clean(u)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
		r.URL = &url.URL{Path: path}
		match := caddyhttp.MatchPath{pattern}
		if err := match.Provision(caddy.Context{}); err != nil {
			return
		}
		if ok, err := match.MatchWithError(r); ok && err == nil {
			t.Errorf("%q matches %q, which %q was cleaned to", pattern, path, target)
		}
	})
}
