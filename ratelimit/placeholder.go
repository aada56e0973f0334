package ratelimit

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/http/httpguts"
)

// A placeholder that stands for nothing counts by the address, which nobody
// would notice who has misspelt one. One that stands for the same in all requests
// counts everybody as one, and one that is another in each limits nobody.

var (
	// shortForms are the first words of Caddy's short forms with a name behind
	// them. What Caddy has not made the long form of is none.
	shortForms = []string{"header", "cookie", "query", "path", "labels", "re", "vars", "rp", "resp", "err", "file_match"}
	// sameForAll are the beginnings of those that say nothing of a request.
	sameForAll = []string{"env.", "file.", "system."}
	// otherEachTime are another in every request, or every connection.
	otherEachTime = []string{"time.", "http.vars.start_time", "http.request.uuid", "http.request.duration", "http.request.remote.port"}
	// later are those of the answer.
	later = []string{"http.reverse_proxy.", "http.response.", "http.intercept.", "http.error."}
)

// checkPlaceholder judges a placeholder, without its braces, by which clients are
// to be told apart. Those that are not Caddy's pass: other modules make their own.
func checkPlaceholder(name string) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("by {%s}: %s", name, fmt.Sprintf(format, args...))
	}
	begins := func(with []string) bool {
		return slices.ContainsFunc(with, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	first, _, dotted := strings.Cut(name, ".")
	header, ofHeader := strings.CutPrefix(name, "http.request.header.")
	switch {
	case strings.ContainsAny(name, "{}"):
		return wrong("clients are told apart by one placeholder alone")
	case dotted && slices.Contains(shortForms, first):
		return wrong("Caddy knows no such placeholder, so it would count by address: {%s.<name>} has a name of letters, digits, _ and - alone", first)
	case ofHeader && !httpguts.ValidHeaderFieldName(header):
		return wrong("no request has a header of that name, so it would count by address")
	case begins(sameForAll):
		return wrong("it is the same for everybody, who would be counted as one client; if that is meant, write {http.request.host}")
	case begins(otherEachTime), name == "http.request.remote":
		return wrong("it is another in every request or connection, so nobody would ever be limited: write key or ip")
	case begins(later):
		return wrong("it is known when the request is answered, and requests are counted before: it would count by address")
	case strings.HasPrefix(name, "http.request.") && !known(name):
		return wrong("Caddy knows no such placeholder, so it would count by address")
	}
	return nil
}

// known reports whether Caddy has a placeholder of requests of that name.
func known(name string) bool {
	for _, prefix := range []string{"http.request.header.", "http.request.cookie.", "http.request.tls.", "http.request.host.labels.", "http.request.uri.query.", "http.request.uri.path.", "http.request.orig_uri.path."} {
		if rest, of := strings.CutPrefix(name, prefix); of {
			return rest != ""
		}
	}
	r := &http.Request{Method: http.MethodGet, URL: new(url.URL), Header: make(http.Header)}
	ctx := context.WithValue(context.Background(), caddyhttp.OriginalRequestCtxKey, *r)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, new(net.TCPAddr))
	_, found := caddyhttp.NewTestReplacer(r.WithContext(ctx)).Get(name)
	return found
}
