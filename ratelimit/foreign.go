package ratelimit

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// foreignEvent is the event of the module caddy-ratelimit when one of its zones
// refuses a request. The door reports it to the security log, where the
// request is known; here it is counted.
const foreignEvent = "rate_limit_exceeded"

// maxZones bounds the label: zone names come from the configuration, but a
// process may see many configurations.
const maxZones = 100

var zones struct {
	sync.Mutex
	known map[string]bool
}

func countForeign(e caddy.Event) {
	zone, _ := e.Data["zone"].(string)
	zones.Lock()
	if !zones.known[zone] {
		if len(zones.known) >= maxZones {
			zone = "(other)"
		} else {
			if zones.known == nil {
				zones.known = make(map[string]bool)
			}
			zones.known[zone] = true
		}
	}
	zones.Unlock()
	foreignTotal.WithLabelValues(zone).Inc()
}
