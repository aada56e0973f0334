package ratelimit

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Concurrent bounds what a client has in flight at a time: requests that are
// not answered to their end, streams and sockets that are not closed.
type Concurrent struct {
	// Requests is how many, at least 1.
	Requests gate.Number `json:"requests"`
	// MatchRaw says which requests count. Default: all.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
}

// concurrent is a Concurrent, ready for requests.
type concurrent struct {
	limit int
	match gate.Requests
	name  string
}

// slotTier is the tier's name in events and metrics.
const slotTier = "concurrent"

func (config *Concurrent) compile(ctx caddy.Context, door *gate.Door, name string) (*concurrent, error) {
	c := &concurrent{name: name}
	var mistakes []error
	var err error
	if c.limit, err = config.Requests.Int(door.App().Resolve); err == nil && c.limit < 1 {
		err = errNotPositive
	}
	mistakes = append(mistakes, err)
	if config.MatchRaw != nil {
		c.match, err = door.LoadRequests(ctx, config, "MatchRaw")
		mistakes = append(mistakes, err)
	}
	return c, errors.Join(mistakes...)
}

// hold takes the slots that the request needs, and returns each when the
// request is over, however that comes: next returns only when a stream has
// ended, and a panic passes through here.
func (l *RateLimit) hold(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	counters := l.limits.counters
	client := counters.client(identity(byDefault, 64, "", req), req).ID
	for _, c := range l.slots {
		match, err := c.match.Match(r)
		if err != nil {
			return err
		}
		if !match {
			continue
		}
		of := slot{c.name, client}
		if req.Trial() { // it takes none
			held := counters.slots.held(of)
			req.Explain("concurrent: %d of %d are in flight", held, c.limit)
			if held >= c.limit {
				return c.refusal()
			}
			continue
		}
		if !counters.slots.take(of, c.limit) {
			slotMetrics.refused.Inc()
			return c.refusal()
		}
		slotMetrics.admitted.Inc()
		defer counters.slots.give(of)
	}
	return next.ServeHTTP(w, r)
}

func (c *concurrent) refusal() *gate.Refusal {
	// When one of the client's own requests ends, nobody knows but the client.
	return gate.TooMany(defaultCode, defaultMessage, time.Second, events.Event{
		Message:  "[SECURITY] Concurrent rate limit exceeded for IP:",
		Endpoint: true,
		Tier:     slotTier,
		Reason:   fmt.Sprintf("the client has %d requests or streams in flight already", c.limit),
	})
}
