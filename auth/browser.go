package auth

import (
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"golang.org/x/net/http/httpguts"
)

// purpose is what a cookie or a ticket may be used for.
type purpose int

const (
	forNothing purpose = iota
	forSocket          // Socket.IO, by any of its transports
	forMedia           // reading files
	forUpgrade         // a WebSocket anywhere else
)

// purposeOf tells requests that browsers make without headers of the page's.
func purposeOf(r *http.Request) purpose {
	path := r.URL.Path
	switch {
	case urlpath.Under(path, gate.SocketIO):
		return forSocket
	case urlpath.Under(path, "/media"):
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return forMedia
		}
	case r.Method == http.MethodGet && len(r.Header["Sec-Websocket-Key"]) == 1 &&
		httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") &&
		httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket"):
		return forUpgrade
	}
	return forNothing
}

// fetchSite is what the browser says of the page that makes the request (Fetch
// Metadata, Sec-Fetch-Site); "" if it says nothing. More than one word is no
// browser's.
func fetchSite(r *http.Request) string {
	switch values := r.Header["Sec-Fetch-Site"]; len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	return "ambiguous"
}

// ownOrigin reports whether the request's Origin is the site's own, or one that
// agent_cors lets send credentials; false where there is none.
func ownOrigin(r *http.Request, req *gate.Request) bool {
	return gate.SameOrigin(r) || len(r.Header["Origin"]) == 1 && req.CredentialsAllowed
}

// vouched reports whether a request that came with a cookie was made by a page
// that may use the site. The browser has to say so: SameSite alone would let
// every other host of the same site in.
func vouched(r *http.Request, req *gate.Request, p purpose) bool {
	hasOrigin := len(r.Header["Origin"]) > 0
	if hasOrigin && !ownOrigin(r, req) {
		return false
	}
	switch fetchSite(r) {
	case "same-origin":
		return true
	case "same-site":
		// Images come without an Origin. A page that shows one cannot read it.
		return hasOrigin || p == forMedia
	case "none": // typed in, or a bookmark
		return p == forMedia
	case "":
		return hasOrigin
	}
	return false
}

// earns reports whether the page that has shown a key gets a cookie: one of the
// same origin, or one of the same site from an origin that agent_cors allows.
// Browsers send no cookie for pages of other sites.
func earns(r *http.Request, req *gate.Request) bool {
	hasOrigin := len(r.Header["Origin"]) > 0
	switch fetchSite(r) {
	case "same-origin":
		return !hasOrigin || gate.SameOrigin(r)
	case "same-site":
		return hasOrigin && ownOrigin(r, req)
	case "":
		return gate.SameOrigin(r)
	}
	return false
}

// overSafe reports whether a browser takes a cookie with the attribute Secure
// from this connection: one over TLS or, on loopback, one in the clear, which
// Chromium and Firefox take for safe.
func overSafe(r *http.Request) bool {
	if gate.OverTLS(r) {
		return true
	}
	return isLoopbackHost(r.Host)
}

// isLoopbackHost reports whether a Host stands for the machine itself.
func isLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return ipaddr.NamesLoopback(host)
}

// upgradeOnly lets nothing through but a switch of protocols: a cookie that is
// good for WebSockets is not to be good for what a path answers without one.
type upgradeOnly struct {
	caddyhttp.ResponseWriterWrapper
	began, refused bool
}

func (w *upgradeOnly) WriteHeader(status int) {
	if w.began || gate.Informs(status) {
		if !w.refused {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	w.began = true
	if status != http.StatusSwitchingProtocols {
		w.refused = true
		status = http.StatusUpgradeRequired
		header := w.Header()
		for _, name := range []string{"Content-Type", "Content-Encoding", "Etag", "Last-Modified", "Location"} {
			header.Del(name)
		}
		header.Set("Content-Length", "0")
		header.Set("Upgrade", "websocket")
		header.Set("Connection", "Upgrade")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *upgradeOnly) Write(p []byte) (int, error) {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// FlushError is overridden because a flush sends the header.
func (w *upgradeOnly) FlushError() error {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
