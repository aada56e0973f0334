package gate

import (
	"sync"
	"time"
)

// Limiter counts what clients do, on behalf of rooms that have something to
// limit but do not own a limiter: wrong keys, connections. The package
// ratelimit provides the real one; without it a plain one in memory serves.
//
// Implementations are safe for concurrent use.
type Limiter interface {
	// Charge counts one use of a tier by a client, unless that would exceed
	// limit uses in any span of the length window: then nothing is counted,
	// ok is false, and retryAfter says when the client can next succeed.
	Charge(tier, client string, limit int, window time.Duration) (ok bool, retryAfter time.Duration)
}

// counter is the plain Limiter: an exact log of times per client. It is meant
// for small limits; clients whose log has run out are dropped in passing.
type counter struct {
	mu      sync.Mutex
	now     func() time.Time
	clients map[counterKey]*uses
}

type counterKey struct{ tier, client string }

type uses struct {
	times  []time.Time
	window time.Duration
}

func newCounter() *counter {
	return &counter{now: Steady, clients: make(map[counterKey]*uses)}
}

// maxCounterClients bounds the memory of a counter.
const maxCounterClients = 100_000

func (c *counter) Charge(tier, client string, limit int, window time.Duration) (bool, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	key := counterKey{tier, client}
	u := c.clients[key]
	if u == nil {
		if len(c.clients) >= maxCounterClients && !c.sweep(now) {
			// Full of clients that are all being counted: a newcomer cannot
			// be, and what cannot be counted is not let through.
			return false, window
		}
		u = new(uses)
		c.clients[key] = u
	}
	u.window = window
	u.expire(now)
	if len(u.times) >= limit {
		if limit == 0 {
			return false, window
		}
		return false, u.times[len(u.times)-limit].Add(window).Sub(now)
	}
	u.times = append(u.times, now)
	return true, 0
}

func (u *uses) expire(now time.Time) {
	kept := 0
	for kept < len(u.times) && now.Sub(u.times[kept]) >= u.window {
		kept++
	}
	u.times = u.times[kept:]
}

// sweep drops the clients that have nothing counted any more, and reports
// whether there is room now.
func (c *counter) sweep(now time.Time) bool {
	for key, u := range c.clients {
		if u.expire(now); len(u.times) == 0 {
			delete(c.clients, key)
		}
	}
	return len(c.clients) < maxCounterClients
}
