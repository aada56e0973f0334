// Package ratelimit is the handler agent_rate_limit: how much of everything.
//
// The arithmetic of windows is the engine's (ratelimit/window); this package
// says which requests count where and for whom, tells clients where they
// stand, and keeps the counters of all sites in one table of the process, so
// that they outlive every configuration. It learns from the gate who the
// caller is, and knows nothing of keys.
package ratelimit

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(RateLimit)) }

// RateLimit limits how many requests a client may send in every window of a
// stated length, by tiers. A request is counted in every tier that it matches,
// or, if one of them has no room, in none: then it is refused with 429,
// Retry-After and the tier's code and message.
//
// Clients are told apart by their key, strangers by their address, which is
// that of the connection or, behind trusted proxies, the one that Caddy's
// trusted_proxies make out; no header is believed otherwise.
//
// Counters survive a reload of the configuration and, through a snapshot in
// Caddy's storage, a restart. Changed numbers hold at once, for running windows
// too.
type RateLimit struct {
	// Tiers are the limits, at most 1000, of which at most 32 may be about one
	// and the same path.
	Tiers []*Tier `json:"tiers,omitempty"`

	// Plans are other limits for callers whose key is on a plan, by the plan's
	// name and the tier's. A tier that the plan does not name keeps its own.
	Plans map[string]map[string][]Limit `json:"plans,omitempty"`

	// Exempt are networks (10.0.0.0/8) and addresses that are not limited at
	// all. Default: none.
	Exempt []string `json:"exempt,omitempty"`

	// Concurrent bounds the requests and streams that a client has in flight
	// at a time.
	Concurrent []*Concurrent `json:"concurrent,omitempty"`

	// StreamMaxAge is how long a response may go on after it has begun, or a
	// socket stay open. Default: without end.
	StreamMaxAge gate.Duration `json:"stream_max_age,omitempty"`

	// StreamIdle is how long nothing may move in a response that has begun, or
	// in a socket. Default: without end.
	StreamIdle gate.Duration `json:"stream_idle,omitempty"`

	// Headers are the response fields that tell a client where it stands:
	// "draft6" (RateLimit-Limit, -Remaining and -Reset), "draft11"
	// (RateLimit-Policy and RateLimit), or "off" alone. Default: draft6 and draft11.
	Headers []string `json:"headers,omitempty"`

	door     *gate.Door
	limits   *Limits
	resolve  gate.Resolver
	logger   *zap.Logger
	tiers    []*tier
	every    []int               // the numbers of all tiers, if they are few
	near     *gate.RequestsIndex // of the tiers
	slots    []*concurrent
	exempt   []netip.Prefix
	fields   fields
	policies atomic.Pointer[map[policyKey][]string]
	lifetime lifetime
}

// CaddyModule returns the Caddy module information.
func (*RateLimit) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_rate_limit", New: func() caddy.Module { return new(RateLimit) }}
}

// Provision makes the tiers ready. All mistakes come in one report.
func (l *RateLimit) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(l)(&err)
	if l.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	app := l.door.App()
	l.resolve = app.Resolve
	l.logger = ctx.Logger()
	limits, ok := gate.Part[*Limits](app)
	if !ok {
		return errors.New("agent_rate_limit: the app gatehouse has no part limits")
	}
	l.limits = limits
	mistakes := []error{l.provisionExempt(), l.provisionFields(), l.provisionLifetime(), l.checkPlans()}
	if l.limitsNothing() {
		mistakes = append(mistakes, errors.New("it limits nothing: write `agent_rate_limit 100 15m`, or a tier in its block"))
	}
	if len(l.Tiers) > maxTiers {
		mistakes = append(mistakes, fmt.Errorf("it has %d tiers: at most %d are possible", len(l.Tiers), maxTiers))
	}
	site := limits.place(gate.SiteName(ctx))
	names := make(map[string]bool)
	for _, config := range l.Tiers {
		if names[config.Name] {
			mistakes = append(mistakes, fmt.Errorf("there are two tiers named %s", config.Name))
			continue
		}
		names[config.Name] = true
		t, err := l.compile(ctx, config, site)
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("tier %s: %w", config.Name, err), "tier", config.Name))
		}
		l.tiers = append(l.tiers, t)
	}
	for i, config := range l.Concurrent {
		c, err := config.compile(ctx, l.door, site+"/"+strconv.Itoa(i))
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("concurrent %s: %w", config.Requests, err), "concurrent", string(config.Requests)))
		}
		l.slots = append(l.slots, c)
	}
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("agent_rate_limit: %w", err)
	}
	if err := l.indexTiers(); err != nil {
		return fmt.Errorf("agent_rate_limit: %w", err)
	}
	return nil
}

// indexTiers prepares finding the tiers that may count a request.
func (l *RateLimit) indexTiers() error {
	about := make([]*gate.Requests, len(l.tiers))
	for i, t := range l.tiers {
		about[i] = &t.match
		if len(l.tiers) <= fewTiers {
			l.every = append(l.every, i)
		}
	}
	l.near = gate.IndexRequests(about)
	path, numbers := l.near.Most()
	if len(numbers) <= maxCounting {
		return nil
	}
	names := make([]string, maxCounting+1)
	for i := range names {
		names[i] = l.tiers[numbers[i]].Name
	}
	return fmt.Errorf("%d tiers may count one and the same request, to %s (%s...): at most %d are possible, so give them paths of their own; "+
		"to limit many clients apart, one tier with `by` and plans is enough", len(numbers), path, strings.Join(names, ", "), maxCounting)
}

func (l *RateLimit) limitsNothing() bool {
	return len(l.Tiers)+len(l.Concurrent) == 0 && l.StreamMaxAge == "" && l.StreamIdle == ""
}

func (l *RateLimit) provisionFields() (err error) {
	l.fields, err = parseFields(l.Headers)
	return err
}

func parseFields(names []string) (f fields, err error) {
	switch {
	case len(names) == 0:
		return fields{draft6: true, draft11: true}, nil
	case len(names) == 1 && names[0] == "off":
		return f, nil
	}
	for _, name := range names {
		switch {
		case name == "draft6" && !f.draft6:
			f.draft6 = true
		case name == "draft11" && !f.draft11:
			f.draft11 = true
		default:
			return f, fmt.Errorf("headers %s: write draft6, draft11 or both, each once, or off alone", name)
		}
	}
	return f, nil
}

func (l *RateLimit) checkPlans() error {
	var mistakes []error
	for plan, tiers := range l.Plans {
		for name, limits := range tiers {
			if len(limits) == 0 {
				mistakes = append(mistakes, fmt.Errorf("plan %s: %s has no limit", plan, name))
			}
			if !l.hasTier(name) {
				mistakes = append(mistakes, fmt.Errorf("plan %s: there is no tier named %s", plan, name))
			}
		}
	}
	return errors.Join(mistakes...)
}

func (l *RateLimit) hasTier(name string) bool {
	for _, t := range l.Tiers {
		if t.Name == name {
			return true
		}
	}
	return false
}

func (l *RateLimit) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return l.door.Through(w, r, next, l)
}

// Serve counts the request and passes it on, or refuses it.
func (l *RateLimit) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	if err := req.CheckPath(); err != nil {
		return err
	}
	if l.isExempt(req.Client) {
		return next.ServeHTTP(w, r)
	}
	if len(l.slots) == 0 {
		return l.admit(w, r, req, next)
	}
	return l.hold(w, r, req, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		return l.admit(w, r, req, next)
	}))
}

// decision is what was decided about one request.
type decision struct {
	limiter *RateLimit
	plan    string
	charges []window.Charge
	who     []window.Identity // of each charge, if there is a store
	there   []redis.Charge    // the store's charges, nil if it was not asked
	tiers   []uint16          // of each charge, the tier by its number
	verdict window.Verdict
}

func (d *decision) tier(i int) *tier { return d.limiter.tiers[d.tiers[i]] }

// decisions are used again, so that one costs no memory.
var decisions = sync.Pool{New: func() any { return new(decision) }}

func (l *RateLimit) newDecision(req *gate.Request) *decision {
	d := decisions.Get().(*decision)
	*d = decision{limiter: l, charges: d.charges[:0], who: d.who[:0], tiers: d.tiers[:0]}
	if req.Principal != nil {
		d.plan = req.Principal.Plan
	}
	return d
}

// admit counts the request in all its tiers, or refuses it.
func (l *RateLimit) admit(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	d := l.newDecision(req)
	var who window.Identity
	settles := false
	var room [maxCounting]int
	near := l.every
	if near == nil {
		near = l.near.Near(r, room[:0])
	}
	for _, i := range near {
		t := l.tiers[i]
		match, err := t.match.Match(r)
		if err != nil {
			return err
		}
		if !match {
			continue
		}
		charge := window.Charge{Tier: t.counted, Plan: d.plan}
		if n := len(d.charges); n > 0 && t.by != byPlaceholder && d.tier(n-1).by == t.by && d.tier(n-1).prefix == t.prefix {
			charge.Client = d.charges[n-1].Client
		} else {
			who = l.identify(t, r, req)
			charge.Client = l.limits.counters.client(who, req)
		}
		if l.limits.store != nil {
			d.who = append(d.who, who)
		}
		d.charges, d.tiers = append(d.charges, charge), append(d.tiers, uint16(i))
		settles = settles || t.settles()
	}
	if len(d.charges) == 0 {
		decisions.Put(d)
		return l.bound(w, r, req, next)
	}
	if req.Trial() {
		return d.try(w, r, req, next)
	}
	d.verdict, d.there = l.limits.take(d.charges, d.who)
	d.write(w.Header())
	l.observe(d, r, req)
	if !d.verdict.Admitted {
		defer decisions.Put(d)
		return d.refusal()
	}
	d.countEvents(r, req)
	if settles {
		// The response holds it.
		return l.bound(w, r, req, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return d.serve(w, r, next)
		}))
	}
	decisions.Put(d) // or a stream would hold it for hours
	return l.bound(w, r, req, next)
}

// serve passes the request on and gives back what its response makes free.
func (d *decision) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	o := &outcome{decision: d}
	o.LastLook = gate.NewLastLook(w, o)
	err := next.ServeHTTP(o, r)
	if err == nil && r.Context().Err() == nil {
		o.Look(http.StatusOK) // nothing was written, which means 200
	}
	return err
}

// observe counts the decision, and tells of what shadow tiers would have refused.
func (l *RateLimit) observe(d *decision, r *http.Request, req *gate.Request) {
	processKeys.count(req.Principal, d.verdict.Admitted)
	for i := range d.charges {
		t, exceeded := d.tier(i), d.charges[i].Standing.Exceeded
		switch {
		case exceeded && t.Shadow:
			t.metrics.wouldRefuse.Inc()
			l.door.Observe(r, req, t.event())
		case exceeded:
			t.metrics.refused.Inc()
		case d.verdict.Admitted:
			t.metrics.admitted.Inc()
		}
	}
}

// refusal refuses a request for the tier that refuses it longest.
func (d *decision) refusal() *gate.Refusal {
	t := d.tier(d.verdict.Refusal)
	return gate.TooMany(t.Code, t.Message, d.charges[d.verdict.Refusal].Standing.RetryAfter, t.event())
}

func (t *tier) event() events.Event {
	return events.Event{
		Name:     events.RateLimited,
		Message:  t.message,
		Endpoint: t.endpoint,
		Level:    zapcore.WarnLevel,
		Tier:     t.Name,
	}
}

var (
	_ caddy.Provisioner           = (*RateLimit)(nil)
	_ caddyhttp.MiddlewareHandler = (*RateLimit)(nil)
	_ gate.Step                   = (*RateLimit)(nil)
)
