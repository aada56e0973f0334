package ratelimit

import "github.com/gatehouse-dev/caddy-gatehouse/gate"

// Sit tells of the limits of callers without a plan.
func (l *RateLimit) Sit(site *gate.SitePortrait) {
	for _, t := range l.tiers {
		for _, limit := range t.spec.Limits {
			site.Limits = append(site.Limits, gate.LimitPortrait{Tier: t.Name, Requests: limit.N, Window: limit.Window, Shadow: t.Shadow})
		}
	}
}

var _ gate.Sitter = (*RateLimit)(nil)
