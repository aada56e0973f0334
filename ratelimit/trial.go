package ratelimit

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// try decides about a request that is only tried: it tells where each tier
// stands, and counts nothing.
func (d *decision) try(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	defer decisions.Put(d)
	d.verdict = d.limiter.limits.counters.table.Peek(d.charges)
	for i := range d.charges {
		t, s := d.tier(i), &d.charges[i].Standing
		verdict := ""
		switch {
		case s.Exceeded && t.Shadow:
			verdict = ": it would refuse, but is a shadow tier"
		case s.Exceeded:
			verdict = ": it refuses for " + s.RetryAfter.Round(time.Second).String()
		}
		req.Explain("tier %s: %d of %d left in %s, all of them again in %s%s",
			t.Name, s.Remaining, s.Limit, s.Window, s.Reset.Round(time.Second), verdict)
	}
	if !d.verdict.Admitted {
		return d.refusal()
	}
	return next.ServeHTTP(w, r)
}
