package ratelimit

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
)

// outcome watches how a response begins, and gives back what it makes free:
// then, not when a stream has ended, which may be hours later.
type outcome struct {
	caddyhttp.ResponseWriterWrapper
	decision *decision
	settled  bool
}

func (o *outcome) settle(status int) {
	if o.settled {
		return
	}
	o.settled = true
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
	d.write(o.Header())
}

// WriteHeader settles by the status. Informational responses are not the
// response, but for the one that ends HTTP on this connection.
func (o *outcome) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		o.settle(status)
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *outcome) Write(p []byte) (int, error) {
	o.settle(http.StatusOK)
	return o.ResponseWriter.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (o *outcome) ReadFrom(r io.Reader) (int64, error) {
	o.settle(http.StatusOK)
	return o.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is overridden because a flush sends the header.
func (o *outcome) FlushError() error {
	o.settle(http.StatusOK)
	return http.NewResponseController(o.ResponseWriter).Flush()
}
