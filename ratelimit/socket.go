package ratelimit

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// socketEvents counts what a client says on a socket: each event in the tiers that
// the socket's own request counts in, or one request would be room for any
// number of messages.
type socketEvents struct {
	gate.SocketJudge
	limiter *RateLimit
	r       *http.Request
	req     *gate.Request
	charges []window.Charge // not charged yet
	who     []window.Identity
	tiers   []uint16
}

// countEvents has the events of a request that leads to a socket counted. Tiers
// that a response may give something back in count none: an event has none.
func (d *decision) countEvents(r *http.Request, req *gate.Request) {
	if req.Socket == nil {
		return
	}
	e := &socketEvents{SocketJudge: req.Socket, limiter: d.limiter, r: r, req: req}
	for i, charge := range d.charges {
		if d.tier(i).settles() {
			continue
		}
		e.charges = append(e.charges, window.Charge{Tier: charge.Tier, Plan: charge.Plan, Client: charge.Client})
		e.tiers = append(e.tiers, d.tiers[i])
		if len(d.who) > 0 {
			e.who = append(e.who, d.who[i])
		}
	}
	if len(e.charges) > 0 {
		req.Socket = e
	}
}

// Event refuses an event that the client may not send, and one too many.
func (e *socketEvents) Event(name string, args []byte) error {
	if err := e.SocketJudge.Event(name, args); err != nil {
		return err
	}
	d := e.limiter.newDecision(e.req)
	defer decisions.Put(d)
	d.charges, d.who, d.tiers = append(d.charges, e.charges...), append(d.who, e.who...), append(d.tiers, e.tiers...)
	d.verdict, d.there = e.limiter.limits.take(d.charges, d.who)
	e.limiter.observe(d, e.r, e.req)
	if !d.verdict.Admitted {
		return d.refusal()
	}
	return nil
}
