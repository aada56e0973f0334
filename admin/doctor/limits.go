package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// own are the limits that a backend has itself, by the kind of backend. They
// count by address, and nothing can change them.
var own = map[string]struct {
	requests, uploads int // in 15 minutes
	window            time.Duration
	body              int64 // what it reads of JSON where EXPRESS_MAX_PAYLOAD is unset
}{
	"elizaos": {1000, 50, 15 * time.Minute, 2 << 20},
}

// checkLimits is item 8: "Review rate limits for your use case".
func checkLimits(d *Deployment, r *Result) {
	for _, s := range d.guarded() {
		enforced := 0
		var said []string
		for _, l := range s.Limits {
			if l.Shadow {
				r.warn("take `shadow` out of the tier once its numbers are right", "%s: the tier %s refuses nothing (shadow)", s.Name, l.Tier)
				continue
			}
			enforced++
			said = append(said, fmt.Sprintf("%s %d in %s", l.Tier, l.Requests, short(l.Window)))
		}
		if enforced == 0 {
			r.fail("write `agent_rate_limit 1000 15m`, or in the block of gatehouse `rate_limit { tier api { limit 1000 15m } }`", "%s: nothing is limited", s.Name)
		} else {
			r.ok("%s: %s", s.Name, strings.Join(said, ", "))
		}
		for _, u := range s.Upstreams {
			checkOwnLimits(d, s, u, r)
		}
	}
}

func checkOwnLimits(d *Deployment, s Site, u Upstream, r *Result) {
	theirs, known := own[u.Kind]
	if !known {
		return
	}
	bounded := false
	for _, share := range u.Spread {
		switch {
		case len(share.Paths) == 0 && share.Requests > theirs.requests:
			r.fail("write `spread 500` in the transport", "%s: one source address carries %d requests in 15 minutes, and the backend at %s refuses after %d",
				s.Name, share.Requests, u.Address, theirs.requests)
			return
		case len(share.Paths) > 0 && share.Requests > theirs.uploads:
			r.fail(fmt.Sprintf("write `spread 40 %s` in the transport", strings.Join(share.Paths, " ")),
				"%s: one source address carries %d requests of %s in 15 minutes, and the backend at %s refuses after %d",
				s.Name, share.Requests, strings.Join(share.Paths, " "), u.Address, theirs.uploads)
			return
		}
		bounded = bounded || len(share.Paths) == 0
	}
	if !bounded {
		r.fail("run the gate on the backend's machine, with 127.0.0.1 as the backend's address, and write `spread 500` in the transport: connections come from many addresses then",
			"%s: all clients together are one address to the backend at %s, which refuses after %d requests in %s", s.Name, u.Address, theirs.requests, short(theirs.window))
	}
	body := theirs.body
	if told, ok := bytesOf(d.Environment.Values["EXPRESS_MAX_PAYLOAD"]); ok {
		body = told
	}
	switch {
	case s.MaxBody == 0:
		r.fail("write `max_body 2mb` in agent_validate", "%s: bodies may be of any length", s.Name)
	case s.MaxBody > body:
		r.fail("write the same in both: `max_body` in agent_validate, EXPRESS_MAX_PAYLOAD for the backend",
			"%s: bodies of %d bytes pass, and the backend at %s reads %d", s.Name, s.MaxBody, u.Address, body)
	}
}

// bytesOf reads a size as Express writes it.
func bytesOf(text string) (int64, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	unit := int64(1)
	for suffix, bytes := range map[string]int64{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30} {
		if number, has := strings.CutSuffix(text, suffix); has {
			text, unit = strings.TrimSpace(number), bytes
		}
	}
	text = strings.TrimSuffix(text, "b")
	n, err := strconv.ParseFloat(text, 64)
	return int64(n * float64(unit)), err == nil && n > 0
}

// short writes a duration without its zeros: 15m, not 15m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
