package gate

import (
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// endHops takes out of a request's header what is for this connection alone:
// the fields that Connection names (RFC 9110, section 7.6.1), and a wish to
// speak another protocol than WebSocket.
//
// Caddy's proxy takes those fields out too, but only when every check is done:
// a client could name there what the gate puts in for the backend, such as the
// entity of its key, and the backend would never see it. Taken out here, none
// of them is checked in one form and forwarded in another.
//
// After a change to another protocol nobody reads what the client says, and
// with h2c it could say any request. Ignoring the wish is allowed (section 7.8).
func endHops(h http.Header) {
	if lines := h["Connection"]; len(lines) > 0 {
		endNamed(h, lines)
	}
	if protocols, asked := h["Upgrade"]; asked && (len(protocols) != 1 || !strings.EqualFold(protocols[0], "websocket")) {
		delete(h, "Upgrade")
	}
}

func endNamed(h http.Header, lines []string) {
	if len(lines) == 1 && isConnectionOption(lines[0]) {
		return
	}
	upgrades := httpguts.HeaderValuesContainsToken(lines, "upgrade")
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); !isConnectionOption(name) {
				h.Del(name)
			}
		}
	}
	// How the connection ends has been read from here by the server already.
	delete(h, "Connection")
	if upgrades {
		h["Connection"] = []string{"Upgrade"}
	}
}

// isConnectionOption reports whether a word of Connection says something of the
// connection itself. There are fields of two of these names; they are the
// proxy's to take out.
func isConnectionOption(word string) bool {
	return strings.EqualFold(word, "keep-alive") || strings.EqualFold(word, "close") || strings.EqualFold(word, "upgrade")
}
