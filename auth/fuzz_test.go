package auth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
)

const (
	oneKey = "one-key-for-the-fuzzer"
	twoKey = "two-key-for-the-fuzzer/+=="
)

// fuzzed is a handler with two keys and no server around it.
func fuzzed(t testing.TB) *Auth {
	a := &Auth{Accept: defaultSources, now: time.Now}
	if err := a.setRing([]keys.Key{
		{ID: "one", Scopes: []string{"read"}, Secrets: []keys.Secret{{Hash: keys.HashSecret(oneKey)}}},
		{ID: "two", Scopes: []string{"*"}, Secrets: []keys.Secret{{Hash: keys.HashSecret(twoKey)}}},
	}); err != nil {
		t.Fatal(err)
	}
	return a
}

// FuzzCredentials holds that whatever headers a request has, it is let in only
// if a whole valid key stands in them, as exactly one caller, and that no used
// key is left in what goes on to the backend.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{"", oneKey, " " + twoKey + "\t", "Bearer " + oneKey, "bearer  " + twoKey, "Basic x", "Bearer", oneKey + "," + twoKey, oneKey + "\n" + oneKey, "Bearer\t" + oneKey} {
		f.Add(seed, "")
		f.Add("", seed)
		f.Add(oneKey, seed)
	}
	a := fuzzed(f)
	f.Fuzz(func(t *testing.T, apiKeys, authorizations string) {
		r := &http.Request{Header: make(http.Header)}
		if apiKeys != "" {
			r.Header["X-Api-Key"] = strings.Split(apiKeys, "\n")
		}
		if authorizations != "" {
			r.Header["Authorization"] = strings.Split(authorizations, "\n")
		}
		before := r.Header.Clone()
		rings := a.rings()
		s := a.read(rings, r)
		if !slices.Equal(before["X-Api-Key"], r.Header["X-Api-Key"]) || !slices.Equal(before["Authorization"], r.Header["Authorization"]) {
			t.Fatal("reading changed the request")
		}
		caller, refusal := a.identify(s, &gate.Request{})
		if (caller == nil) == (refusal == nil) {
			t.Fatal("a request is either let in or refused")
		}
		if refusal != nil {
			return
		}
		// The oracle reads the headers in its own plain way.
		var holders []string
		for _, value := range before["X-Api-Key"] {
			switch strings.Trim(value, " \t") {
			case "":
			case oneKey:
				holders = append(holders, "one")
			case twoKey:
				holders = append(holders, "two")
			default:
				t.Fatalf("let in with a wrong X-API-KEY %q", value)
			}
		}
		for _, value := range before["Authorization"] {
			for secret, id := range map[string]string{oneKey: "one", twoKey: "two"} {
				trimmed := strings.Trim(value, " \t")
				if len(trimmed) > 7 && strings.EqualFold(trimmed[:7], "bearer ") && strings.Trim(trimmed[7:], " \t") == secret {
					holders = append(holders, id)
				}
			}
		}
		if len(holders) == 0 {
			t.Fatalf("let in as %q without a key: %q", caller.KeyID, before)
		}
		for _, id := range holders {
			if id != caller.KeyID {
				t.Fatalf("let in as %s with keys of %v", caller.KeyID, holders)
			}
		}
		a.strip(r, new(gate.Request), rings, s)
		if len(r.Header["X-Api-Key"]) > 0 {
			t.Fatalf("X-API-KEY %q goes on to the backend", r.Header["X-Api-Key"])
		}
		for _, value := range r.Header["Authorization"] {
			if token, ok := bearerToken(value); ok && (token == oneKey || token == twoKey) {
				t.Fatalf("Authorization %q goes on to the backend", value)
			}
		}
	})
}

// FuzzPolicy holds that no spelling of a path reaches the backend where the
// policy would have refused the path that the backend reads.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{"/admin/x", "//admin/x", "/%61dmin/x", "/a/../admin/x", "/admin/", "/ADMIN/x", "/admin%2fx", "/x/..;/admin/x", "/healthz/../admin/x", "/admin;x/y", "/./admin/x", `/x\..\admin/x`, "/healthz", "/exact/"} {
		f.Add(seed)
	}
	a := fuzzed(f)
	to := func(of func(any) (gate.Requests, error), path string) gate.Requests {
		requests, err := of([]map[string]any{{"path": caddyhttp.MatchPath{path}}})
		if err != nil {
			f.Fatal(err)
		}
		return requests
	}
	a.Require = []*Requirement{{Scope: "admin", match: to(gate.RequestsOf, "/admin/*")}, {Scope: "admin", match: to(gate.RequestsOf, "/exact")}}
	a.indexRequirements()
	a.public = to(gate.ExactRequestsOf, "/healthz")
	ctx := context.WithValue(f.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer())
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, make(map[string]any))
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		cleaned, err := urlpath.Clean(u)
		if err != nil {
			return // refused
		}
		r := &http.Request{Method: http.MethodGet, Header: make(http.Header), URL: &url.URL{Path: cleaned}}
		r = r.WithContext(ctx)
		public, err := a.isPublic(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.authorize(r, &gate.Principal{KeyID: "one", Scopes: []string{"read"}})
		refused := err != nil
		// The backend reads the path as Express does: without regard to case
		// and to a trailing slash, and decoded once more at its leisure.
		read := strings.ToLower(strings.TrimRight(cleaned, "/"))
		if decoded, err := url.PathUnescape(read); err == nil && decoded != read {
			t.Fatalf("%q reaches the backend as %q, which can be decoded once more", target, cleaned)
		}
		if guarded := read == "/admin" || strings.HasPrefix(read, "/admin/") || read == "/exact"; guarded && (public || !refused) {
			t.Fatalf("%q reaches the backend's %s with the scope read (public %v)", target, read, public)
		}
		if public && read != "/healthz" {
			t.Fatalf("%q is public and reaches the backend's %s", target, read)
		}
		if r.URL.Path != cleaned {
			t.Fatalf("judging %q changed it to %q", cleaned, r.URL.Path)
		}
	})
}
