package gate

import (
	"net/http"
	"strings"
)

// OverTLS reports whether the client's connection is encrypted: its connection
// to this server or, where that comes from a trusted proxy, its connection to
// the proxy, as X-Forwarded-Proto has it.
func OverTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	return fromTrustedProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// SameOrigin reports whether the request's Origin is the origin that the
// request was sent to (RFC 6454, section 5). It is false where there is no
// Origin, or more than one.
func SameOrigin(r *http.Request) bool {
	values := r.Header["Origin"]
	if len(values) != 1 || r.Host == "" {
		return false
	}
	scheme, host, ok := strings.Cut(values[0], "://")
	want, port := "http", ":80"
	if OverTLS(r) {
		want, port = "https", ":443"
	}
	return ok && scheme == want && strings.EqualFold(host, strings.TrimSuffix(r.Host, port))
}
