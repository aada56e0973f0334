package auth

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
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
	// ticketIdle is how long a polling socket may be silent that a ticket has
	// opened: longer than the 25 seconds between two pings of Engine.IO and the
	// 20 for the answer.
	ticketIdle = 2 * time.Minute
	// ticketSession bounds such a socket's polling as a cookie is bounded.
	ticketSession = cookieLife
	// maxTickets bounds the tickets that are remembered.
	maxTickets = 100_000
	// ticketsPerMinute is how many a key may ask for from one network: each is
	// remembered for a while once it is used.
	ticketsPerMinute = 300
)

// newTicket makes a ticket for a use of a key; "" where there is no signing key.
func (a *Auth) newTicket(use keys.Use, now time.Time) string {
	text, _ := a.sealFor(ticketPass, use, rand.Text(), now, ticketLife)
	if text == "" {
		return ""
	}
	return ticketPrefix + text
}

// tickets remembers which tickets were used, so that none is good twice.
type tickets struct {
	mu      sync.Mutex
	used    map[string]*ticketUse // by nonce
	max     int
	sweepAt int // the number of tickets at which those are dropped that have ended
}

type ticketUse struct {
	opens   bool      // it has opened a Socket.IO session, whose polling it may go on with
	session string    // which one, once the first request has named it
	opened  time.Time // when it was used
	until   time.Time // until when it is remembered
}

// usedTickets are those of the whole process: a reload must not make one good
// again. Another process that shares the storage does not know them.
var usedTickets = newTickets(maxTickets)

func newTickets(max int) *tickets {
	return &tickets{used: make(map[string]*ticketUse), max: max, sweepAt: 1024}
}

// use reports whether a ticket may be used now, and notes that it was. It is
// good once. Where it opens a Socket.IO session by polling, it stays good for
// the requests of that one session, since each of them carries it.
func (t *tickets) use(p pass, session string, opens bool, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.used[p.nonce]; u != nil {
		return u.goOn(session, now)
	}
	if !now.Before(p.ends) {
		return false
	}
	if len(t.used) >= t.sweepAt && !t.sweep(now) {
		return false // what cannot be remembered cannot be held to once
	}
	u := &ticketUse{opens: opens && session == "", opened: now, until: p.ends}
	if u.opens {
		u.until = later(p.ends, now.Add(ticketIdle))
	}
	t.used[p.nonce] = u
	return true
}

func (u *ticketUse) goOn(session string, now time.Time) bool {
	if !u.opens || session == "" || !now.Before(u.until) || now.Sub(u.opened) >= ticketSession {
		return false
	}
	if u.session == "" {
		u.session = session
	}
	if u.session != session {
		return false
	}
	u.until = later(u.until, now.Add(ticketIdle))
	return true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// sweep drops tickets that are remembered no longer, and reports whether there
// is room now.
func (t *tickets) sweep(now time.Time) bool {
	for nonce, u := range t.used {
		if !now.Before(u.until) {
			delete(t.used, nonce)
		}
	}
	t.sweepAt = min(2*len(t.used)+1024, t.max)
	return len(t.used) < t.max
}

// maxSession bounds what is kept of a Socket.IO session's id, which has 20
// characters.
const maxSession = 64

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
	session := r.URL.Query().Get("sid")
	p, ok := parsePass(strings.TrimPrefix(ticket, ticketPrefix))
	if !ok || len(session) > maxSession {
		s.wrong = "the ticket is none of this gate's"
		return
	}
	use, in := a.prove(rings, ticketPass, p, now)
	switch {
	case use.Outcome != keys.Found:
		s.wrong = "the ticket is none of this site's, or its key is no longer valid"
	case !usedTickets.use(p, session, to == forSocket, now):
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
