package auth

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// A caller without a key has no more to show than where it stands: in a network
// that may come, or on the machine itself. A browser stands there too, whatever
// pages its user visits, and sends what they say. Whoever shows a key in a header
// is no such page: a browser asks first whether it may send one.

// checkAmbient refuses a caller without a key that can be the page of another.
func (a *Auth) checkAmbient(r *http.Request, req *gate.Request) error {
	if a.ownNames && !overUnix(r) && !isLoopbackHost(r.Host) {
		return gate.Forbidden("anonymous host", "callers without a key may run this server, and so from this machine alone and by its own names, such as localhost: "+
			"behind "+events.Text(r.Host, 256)+" may stand a page of another that has given its name this machine's address. "+
			"To let callers in by other names, write `allow_unsafe anonymous_admin \"<reason>\"` in agent_gate")
	}
	if gate.ChangesNothing(r.Method) || !ofAnotherPage(r, req) {
		return nil
	}
	refusal := gate.Forbidden("anonymous cross-origin", "a page of "+events.Text(r.Header.Get("Origin"), 256)+
		" asks for a change without a key, by way of a visitor's browser: if its origin is one of yours, name it in agent_cors")
	refusal.Event.Name = events.CrossOriginRefused
	refusal.Event.Message = "[SECURITY] Cross-origin request refused from"
	return refusal
}

// ofAnotherPage reports whether a browser says that it asks for a page of
// another origin, which agent_cors does not allow.
func ofAnotherPage(r *http.Request, req *gate.Request) bool {
	switch fetchSite(r) {
	case "same-origin", "none":
		return false
	case "":
		return len(r.Header["Origin"]) > 0 && !req.OriginAllowed && !ofThisHost(r)
	}
	return !req.OriginAllowed
}

// ofThisHost reports whether the request's Origin is of the host that it was sent
// to. The scheme is not asked for: a proxy that ends TLS need not have said so.
func ofThisHost(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || len(r.Header["Origin"]) != 1 || origin.Host == "" {
		return false
	}
	host := r.Host
	for _, port := range []string{":80", ":443"} {
		host = strings.TrimSuffix(host, port)
	}
	return strings.EqualFold(origin.Host, host)
}

// overUnix reports whether a request came over a unix socket, which no browser
// can reach.
func overUnix(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return addr != nil && addr.Network() == "unix"
}
