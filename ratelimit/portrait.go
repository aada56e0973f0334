package ratelimit

import (
	"maps"
	"slices"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Sit tells of the limits of callers without a plan, and which plans there are.
func (l *RateLimit) Sit(site *gate.SitePortrait) {
	site.Plans = append(site.Plans, slices.Collect(maps.Keys(l.Plans))...)
	for _, t := range l.tiers {
		for _, limit := range t.spec.Limits {
			site.Limits = append(site.Limits, gate.LimitPortrait{Tier: t.Name, Requests: limit.N, Window: limit.Window, Shadow: t.Shadow})
		}
	}
}

var _ gate.Sitter = (*RateLimit)(nil)
