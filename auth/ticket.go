package auth

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// A ticket is for pages of other sites, whose browser sends no cookie along. It
// stands in a URL, where it ends up in histories and logs of others, and so is
// good once, and for a minute.

const (
	ticketParameter = "ticket"
	// ticketPrefix is what tickets begin with, so that one is known wherever it
	// turns up.
	ticketPrefix = "agt_"
	ticketLife   = time.Minute
	// maxTickets bounds the tickets that are remembered.
	maxTickets = 100_000
	// ticketsPerMinute is how many a key may ask for from one network: each is
	// remembered for a while once it is used.
	ticketsPerMinute = 300
)

// newTicket makes a ticket for a use of a key; "" where there is no signing key.
func (a *Auth) newTicket(use keys.Use, now time.Time) string {
	text, _ := a.sealFor(pass.Ticket, use, rand.Text(), now, ticketLife)
	if text == "" {
		return ""
	}
	return ticketPrefix + text
}

// usedTickets are those of the whole process: a reload must not make one good
// again. Another process that shares the storage does not know them.
var usedTickets = pass.NewTickets(maxTickets, ticketLife, cookieLife)

// maxSession bounds what is kept of a Socket.IO session's id, which has 20
// characters.
const maxSession = 64

// isSession reports whether a text can be a Socket.IO session's id: base64 for
// URLs. Of other texts some servers make none at all, and open a new session.
func isSession(text string) bool {
	return len(text) <= maxSession && !strings.ContainsFunc(text, func(r rune) bool { return !isParameter(r) })
}

// ticketOf takes the ticket out of the request's query and returns it; "" if
// there is none. Elsewhere than where tickets are good, a parameter of that name
// is the backend's, unless it holds a ticket.
func (a *Auth) ticketOf(r *http.Request, req *gate.Request, to purpose) string {
	values := gate.QueryValues(r.URL.RawQuery, ticketParameter)
	if len(values) == 0 || to == forNothing && !strings.HasPrefix(values[0], ticketPrefix) {
		return ""
	}
	req.TakeQuery(r, ticketParameter)
	return values[0]
}

// readTicket finds whose ticket the request shows.
func (a *Auth) readTicket(rings rings, r *http.Request, to purpose, ticket string, s *shown) {
	now := a.now()
	session := ""
	sessions := gate.QueryValues(r.URL.RawQuery, "sid")
	if len(sessions) > 0 {
		session = sessions[0]
	}
	p, ok := pass.Parse(strings.TrimPrefix(ticket, ticketPrefix))
	// Of two sessions, servers take the first or the last.
	if !ok || len(sessions) > 1 || to == forSocket && !isSession(session) {
		s.wrong = "the ticket is none of this gate's"
		return
	}
	use, in := a.prove(rings, pass.Ticket, p, now)
	switch {
	case use.Outcome != keys.Found:
		s.wrong = "the ticket is none of this site's, or its key is no longer valid"
	case !usedTickets.Use(p, session, to == forSocket && r.Header.Get("Upgrade") == "", now):
		s.wrong = "the ticket was used before, or has ended: it is good once, for " + ticketLife.String()
	default:
		s.use, s.ring, s.by = use, in, byTicket
	}
}

// ticketRate keeps one key from filling the memory of used tickets.
func (a *Auth) ticketRate(req *gate.Request, keyID string) *gate.Refusal {
	client := a.site + " " + keyID + " " + req.Network().String()
	if ok, wait := a.door.App().Limiter().Charge("ticket", client, ticketsPerMinute, time.Minute); !ok {
		return gate.TooMany("TICKET_RATE_LIMIT_EXCEEDED", "Too many tickets. Please try again later.", wait, limited("ticket", ""))
	}
	return nil
}
