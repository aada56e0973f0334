package auth

import (
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
)

// endedSessions are the sessions of browsers that were ended before their time,
// by the key that they stand for: whoever has a copy of the cookie is not let in
// by it any more. They are those of the whole process, so that a reload makes
// none good again. Another process that shares the storage does not know them.
type endedSessions struct {
	mu   sync.Mutex
	keys map[string]*keyEnded // by owner
	max  int                  // of one key
}

type keyEnded struct {
	sessions map[string]time.Time // until when each is remembered
	// upTo has every cookie be ended that ends no later. It is set where a key
	// has ended more sessions than are remembered one by one.
	upTo time.Time
}

// maxEnded bounds the sessions that are remembered of one key, so that nobody
// makes the gate forget another's.
const maxEnded = 1000

var ended = &endedSessions{keys: make(map[string]*keyEnded), max: maxEnded}

// end ends the session of a cookie. No cookie of it that there is by now ends
// later than those that are made now.
func (e *endedSessions) end(owner string, p pass.Pass, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.keys[owner]
	if k == nil {
		k = &keyEnded{sessions: make(map[string]time.Time)}
		e.keys[owner] = k
	}
	if len(k.sessions) >= e.max {
		for session, until := range k.sessions {
			if !now.Before(until) {
				delete(k.sessions, session)
			}
		}
	}
	if len(k.sessions) >= e.max {
		clear(k.sessions)
		k.upTo = now.Add(cookieLife)
	}
	k.sessions[p.Nonce] = now.Add(cookieLife)
}

// has reports whether a session was ended.
func (e *endedSessions) has(owner string, p pass.Pass) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.keys[owner]
	if k == nil {
		return false
	}
	_, ended := k.sessions[p.Nonce]
	return ended || !p.Ends.After(k.upTo)
}
