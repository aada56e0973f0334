package pass

import (
	"sync"
	"time"
)

// idle is how long a polling socket may be silent that a ticket has opened:
// longer than the 25 seconds between two pings of Engine.IO and the 20 for the
// answer.
const idle = 2 * time.Minute

// Tickets remembers which tickets were used, so that none is good twice.
type Tickets struct {
	mu      sync.Mutex
	used    map[string]*ticketUse // by nonce
	ofKey   map[string]int        // how many of them are a key's, by its id
	max     int
	life    time.Duration // of a ticket
	polling time.Duration // the longest that the socket may go on which one has opened
	sweepAt int           // the number of tickets at which those are dropped that have ended
	swept   time.Time     // when that was done
}

type ticketUse struct {
	key     string    // the id of its key
	opens   bool      // it has opened a Socket.IO session, whose polling it may go on with
	session string    // which one, once the first request has named it
	opened  time.Time // when it was used
	until   time.Time // until when it is remembered
}

// NewTickets remembers at most that many tickets, which are made for that long a
// life. The polling socket that one has opened may go on for longer.
func NewTickets(max int, life, polling time.Duration) *Tickets {
	return &Tickets{used: make(map[string]*ticketUse), ofKey: make(map[string]int), max: max, life: life, polling: polling, sweepAt: 1024}
}

// ofOneKey is the part of what is remembered that one key's tickets may take up,
// so that nobody who has a key makes those of others void: a network of addresses
// costs little.
const ofOneKey = 4

// Use reports whether a ticket may be used now, and notes that it was. It is
// good once. Where it opens a Socket.IO session by polling, it stays good for
// the requests of that one session, since each of them carries it.
func (t *Tickets) Use(p Pass, session string, opens bool, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.used[p.Nonce]; u != nil {
		return u.goOn(session, now, t.polling)
	}
	if !p.Good(now, t.life) {
		return false
	}
	// What cannot be remembered cannot be held to once.
	if len(t.used) >= t.sweepAt && !t.sweep(now) {
		return false
	}
	if share := t.max / ofOneKey; t.ofKey[p.KeyID] >= share {
		if t.sweep(now); t.ofKey[p.KeyID] >= share {
			return false
		}
	}
	u := &ticketUse{key: p.KeyID, opens: opens && session == "", opened: now, until: p.Ends}
	if u.opens {
		u.until = later(p.Ends, now.Add(idle))
	}
	t.used[p.Nonce] = u
	t.ofKey[p.KeyID]++
	return true
}

func (u *ticketUse) goOn(session string, now time.Time, longest time.Duration) bool {
	if !u.opens || session == "" || !now.Before(u.until) || now.Sub(u.opened) >= longest {
		return false
	}
	if u.session == "" {
		u.session = session
	}
	if u.session != session {
		return false
	}
	u.until = later(u.until, now.Add(idle))
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
func (t *Tickets) sweep(now time.Time) bool {
	// Each look is at all of them, and where there is no room anybody's next
	// ticket would ask for one.
	if since := now.Sub(t.swept); since >= 0 && since < time.Second {
		return len(t.used) < t.max
	}
	t.swept = now
	for nonce, u := range t.used {
		// The second holds while the clock is ahead for a moment, too.
		if !now.Before(u.until) && now.Sub(u.opened) >= t.life {
			delete(t.used, nonce)
			if t.ofKey[u.key]--; t.ofKey[u.key] == 0 {
				delete(t.ofKey, u.key)
			}
		}
	}
	t.sweepAt = min(2*len(t.used)+1024, t.max)
	return len(t.used) < t.max
}
