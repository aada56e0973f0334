package auth

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Failures is how many wrong keys one network may present.
type Failures struct {
	// Limit is how many, in any span of Window.
	Limit int `json:"limit"`
	// Window is the span.
	Window caddy.Duration `json:"window"`
}

func (f Failures) check() error {
	switch {
	case f.Limit < 1:
		return fmt.Errorf("failures %d: the limit is at least 1; `failures off` counts nothing", f.Limit)
	case f.Window < caddy.Duration(time.Second) || f.Window > caddy.Duration(31*24*time.Hour):
		return fmt.Errorf("failures: the window %s is not between a second and 31 days", time.Duration(f.Window))
	}
	return nil
}

// failures counts wrong keys. A network is one IPv4 address, or the /64 of an
// IPv6 address.
type failures struct {
	Failures
	limiter gate.Limiter
	site    string
	seed    maphash.Seed
	now     func() time.Time

	mu       sync.Mutex
	networks map[netip.Prefix]*attempts
}

// attempts is what is remembered of one network, beside what the limiter counts.
type attempts struct {
	// Programs that have a wrong key show it again and again: one and the same
	// counts once a minute.
	recent [4]struct {
		key uint64
		at  time.Time
	}
	next    int
	blocked time.Time // until then every wrong key is refused with 429
	last    time.Time
}

// The bounds of what is remembered. What is forgotten only counts once more.
const (
	maxNetworks = 50_000
	sameKey     = time.Minute
)

func newFailures(f Failures, limiter gate.Limiter, site string, now func() time.Time) *failures {
	return &failures{Failures: f, limiter: limiter, site: site, seed: maphash.MakeSeed(), now: now, networks: make(map[netip.Prefix]*attempts)}
}

// charge counts a wrong key, and says how long the network has to wait if it
// has presented too many.
func (f *failures) charge(network netip.Prefix, key string) (wait time.Duration) {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.networks[network]
	if a == nil {
		if len(f.networks) >= maxNetworks {
			f.forget(now)
		}
		a = new(attempts)
		f.networks[network] = a
	}
	a.last = now
	if now.Before(a.blocked) {
		return a.blocked.Sub(now)
	}
	shown := maphash.String(f.seed, key)
	if a.repeats(shown, now) {
		return 0
	}
	ok, wait := f.limiter.Charge("auth", f.site+" "+network.String(), f.Limit, time.Duration(f.Window))
	if ok {
		a.note(shown, now)
		return 0
	}
	a.blocked = now.Add(wait)
	return wait
}

// waits says how long a network has to wait already. It counts nothing.
func (f *failures) waits(network netip.Prefix) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.networks[network]; a != nil {
		return a.blocked.Sub(f.now())
	}
	return 0
}

// repeats reports whether a key was counted within the last minute.
func (a *attempts) repeats(key uint64, now time.Time) bool {
	for _, r := range a.recent {
		if r.key == key && now.Sub(r.at) < sameKey {
			return true
		}
	}
	return false
}

func (a *attempts) note(key uint64, now time.Time) {
	a.recent[a.next].key, a.recent[a.next].at = key, now
	a.next = (a.next + 1) % len(a.recent)
}

// forget drops the networks of which nothing has to be remembered, and where
// that are too few, all: what they have presented is still counted.
func (f *failures) forget(now time.Time) {
	for network, a := range f.networks {
		if now.Sub(a.last) >= sameKey && !now.Before(a.blocked) {
			delete(f.networks, network)
		}
	}
	if len(f.networks) >= maxNetworks {
		clear(f.networks)
	}
}

// refuse refuses a request for its credentials. Of those who have presented too
// many wrong ones it is a 429; whoever has presented none always gets the 401 to
// which a browser asks for a key, and a valid key never comes here.
func (a *Auth) refuse(req *gate.Request, shown shown, refusal *gate.Refusal) error {
	if a.failures == nil || shown.guess == "" || refusal.Status != http.StatusUnauthorized {
		return refusal
	}
	wait := time.Duration(0)
	if req.Trial() {
		wait = a.failures.waits(req.Network())
	} else {
		wait = a.failures.charge(req.Network(), shown.guess)
	}
	if wait <= 0 {
		return refusal
	}
	return gate.TooMany("AUTH_RATE_LIMIT_EXCEEDED", "Too many authentication attempts. Please try again later.", wait, limited("auth", refusal.Event.Reason))
}

// limited is the event of a client that has to wait.
func limited(tier, reason string) events.Event {
	return events.Event{Message: "[SECURITY] Rate limit exceeded for IP:", Tier: tier, Reason: reason}
}
