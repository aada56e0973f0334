package auth

import (
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// lastRings are the rings that are in force now, by where their keys come from:
// a key file's path, or a site; none of a place that there was. A request that came under an earlier
// configuration is held to the ring of now, not to the one of then.
var lastRings sync.Map // of []*keys.Ring

// succeeding is held while one ring takes over from another.
var succeeding sync.Mutex

// succeed puts the ring of a key file in force in place of the one before. At a
// reload two configurations watch the same file, and either may read it first.
func succeed(file string, ring *keys.Ring) {
	succeeding.Lock()
	defer succeeding.Unlock()
	if last, ok := lastRings.Load(file); ok && len(last.([]*keys.Ring)) > 0 {
		ring.Adopt(last.([]*keys.Ring)[0])
	}
	lastRings.Store(file, []*keys.Ring{ring})
}

// lease holds a request to the key that it was let in with.
type lease struct {
	from string // where the key comes from
	use  keys.Use
	// session is the cookie that the request was let in by, and owner whose it
	// is; "" where it was let in otherwise.
	session pass.Pass
	owner   string
}

// KeyID is the key's id.
func (l *lease) KeyID() string { return l.use.Key.ID }

// Ended says why the key is no longer good for the request; "" while it is.
func (l *lease) Ended() string {
	if l.owner != "" && ended.has(l.owner, l.session) {
		return "the session was ended"
	}
	last, ok := lastRings.Load(l.from)
	if !ok {
		return ""
	}
	now := time.Now()
	outcome := keys.Unknown
	ask := func(rings []*keys.Ring) {
		for _, ring := range rings {
			outcome = max(outcome, ring.Again(l.use, now))
		}
	}
	if there := last.([]*keys.Ring); len(there) > 0 {
		ask(there)
	} else { // the place is gone, or is called something else now
		lastRings.Range(func(_, rings any) bool {
			ask(rings.([]*keys.Ring))
			return true
		})
	}
	switch outcome {
	case keys.Found:
		return ""
	case keys.Reduced:
		return "the key " + l.use.Key.ID + " may do less than it could when the request came"
	}
	return "the key " + l.use.Key.ID + " is " + outcome.String()
}

// commit puts the site's own keys in force for the requests that are in flight.
func (a *Auth) commit() error {
	from := sitePlace(a.site)
	started.mu.Lock()
	defer started.mu.Unlock()
	if started.app != a.door.App() {
		started.app, started.rings = a.door.App(), make(map[string][]*keys.Ring)
	}
	started.rings[from] = append(slices.Clone(started.rings[from]), a.ring.Load().keys)
	lastRings.Store(from, started.rings[from])
	return nil
}

// started is the configuration that was started last, with its sites' rings.
var started struct {
	mu    sync.Mutex
	app   *gate.App
	rings map[string][]*keys.Ring
}

// retire has the keys of all other places than these end, which are those of the
// configuration that has come into force. One that stands in them too goes on: a
// site that answers a further host is another place.
func retire(there map[string]any) {
	lastRings.Range(func(place, _ any) bool {
		if _, ok := there[place.(string)]; !ok {
			lastRings.Store(place, []*keys.Ring{})
		}
		return true
	})
}

// sitePlace is the name of a site among lastRings, which no path has.
func sitePlace(site string) string { return "site " + site }
