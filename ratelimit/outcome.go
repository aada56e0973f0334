package ratelimit

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
)

// outcome watches how a response begins, and gives back what it makes free:
// then, not when a stream has ended, which may be hours later.
type outcome struct {
	gate.LastLook
	decision *decision
}

// Finish settles by the status.
func (o *outcome) Finish(status int, h http.Header) {
	if gate.Informs(status) {
		return
	}
	d := o.decision
	for i := range d.charges {
		if t := d.tier(i); t.settles() && !t.costs(status) {
			var there *redis.Charge
			if d.there != nil {
				there = &d.there[i]
			}
			d.limiter.limits.giveBack(&d.charges[i], there)
			t.metrics.returned.Inc()
		}
	}
	d.write(h)
}
