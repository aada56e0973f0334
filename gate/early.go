package gate

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// What a client of HTTP/3 that was here before sends before its handshake is
// done (0-RTT, RFC 9001, section 9.2) can be sent again by whoever has seen it on
// the line, key and all, and comes from an address that nobody has made sure of.
// So nothing is done for it: it would cost what the sender never asked for twice,
// and be counted, banned and let in by an address that somebody has made up.

// withoutEarlyData has a server take no such data, unless its operator wants it:
// clients then wait for the handshake, and lose nothing but that.
func withoutEarlyData(server *caddyhttp.Server) {
	if server.Allow0RTT == nil {
		server.Allow0RTT = new(bool)
	}
}

// cameEarly reports whether a request came before its sender was known to be
// there and to want it now: here, or at the proxy before this server, which says
// so (RFC 8470, section 5.1). Of the latter, requests that change nothing are
// answered, since proxies forward those alone and expect it.
func cameEarly(r *http.Request) bool {
	if r.ProtoMajor == 3 && r.TLS != nil && !r.TLS.HandshakeComplete {
		return true
	}
	if len(r.Header["Early-Data"]) == 0 {
		return false
	}
	return !ChangesNothing(r.Method)
}

// tooEarly has the client send the request again (RFC 8470, section 5.2). It is
// no event: the address may be anybody's.
func tooEarly() *Refusal {
	return &Refusal{Status: http.StatusTooEarly, Code: "TOO_EARLY", Message: "Too early. Please send the request again."}
}
