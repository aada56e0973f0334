package ratelimit

import (
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/zap"
)

// Charge counts one use on behalf of a room that owns no limiter.
func (l *Limits) Charge(tier, client string, limit int, length time.Duration) (ok bool, retryAfter time.Duration) {
	if limit < 1 {
		return false, length
	}
	counted, err := l.chargedTier(tier, window.Limit{N: limit, Window: length})
	if err != nil {
		l.logger.Error("a limit cannot be counted, so what it limits is refused", zap.String("tier", tier), zap.Error(err))
		return false, length
	}
	who := [1]window.Identity{{By: "name", Name: client}}
	charges := [1]window.Charge{{Tier: counted, Client: window.Client{ID: l.counters.table.ID(who[0])}}}
	verdict, _ := l.take(charges[:], who[:])
	return verdict.Admitted, charges[0].Standing.RetryAfter
}

// chargedTier is the tier that counts for a room, with its numbers.
func (l *Limits) chargedTier(name string, limit window.Limit) (*window.Tier, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name = "room/" + name + "/" + limit.Window.String()
	known, ok := l.defined[name]
	if ok && known.spec.Limits[0] == limit {
		return known.tier, nil
	}
	spec := window.Spec{Limits: []window.Limit{limit}}
	tier, err := l.counters.table.Tier(name, spec)
	if err != nil {
		return nil, err
	}
	l.defined[name] = definition{tier, spec}
	return tier, l.counters.table.Change(tier, spec)
}
