//go:build linux

package main

import (
	"fmt"
	"strings"
)

// Aims is the table of what was aimed at and what was measured, in Markdown. What was not measured in this run is not in it.
func (r *report) Aims() string {
	var b strings.Builder
	add := func(aim string, met bool, format string, args ...any) {
		word := "missed"
		if met {
			word = "met"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", aim, fmt.Sprintf(format, args...), word)
	}
	gate, assembled := r.contender("gatehouse"), r.contender("assembled")
	for _, t := range r.tables {
		switch t.name {
		case "json":
			ratio := t.ratio(gate).median
			add("at least 0.95 of bare Caddy's requests per second", ratio >= 0.95, "%.2f", ratio)
			if assembled >= 0 {
				add("faster than the same features assembled", ratio > t.ratio(assembled).median, "%.2f against %.2f of bare Caddy", ratio, t.ratio(assembled).median)
			}
		case "paced":
			p50 := func(s sample) float64 { return micros(s.p50) }
			p99 := func(s sample) float64 { return micros(s.p99) }
			more50, more99 := t.figure(gate, p50).median-t.figure(0, p50).median, t.figure(gate, p99).median-t.figure(0, p99).median
			add("at most 100 µs more than bare Caddy at p50, at 1,000 requests a second", more50 <= 100, "%.0f µs", more50)
			add("at most 300 µs more at p99", more99 <= 300, "%.0f µs", more99)
		case "refused-401", "refused-429":
			ratio := t.ratio(gate).median
			add("a refusal with "+strings.TrimPrefix(t.name, "refused-")+" at least as fast as bare Caddy answers by `respond`", ratio >= 1, "%.2f", ratio)
		}
	}
	if us, allocs, ok := r.now.of("Preset/elizaos/list"); ok {
		idle, idleAllocs, _ := r.now.of("Preset/pass-through/list")
		add("at most 5 µs more than handlers that do nothing, in process", us-idle <= 5, "%.1f µs", us-idle)
		add("at most 12 allocations more", allocs-idleAllocs <= 12, "%.0f", allocs-idleAllocs)
	}
	if m := r.memory[gate]; m.idle > 0 {
		add("60 MB idle", m.idle <= 60_000_000, "%s, %s of it pages of the program's file; bare Caddy in the same program has %s", mebibytes(m.idle), mebibytes(m.program), mebibytes(r.memory[0].idle))
	}
	for _, c := range r.crowds {
		if c.name == "gatehouse" {
			add(fmt.Sprintf("at most 200 bytes for each client and tier, of %d distinct addresses", c.clients), c.each() <= 200, "%.0f bytes", c.each())
		}
	}
	return "| aim | measured | |\n|---|---|---|\n" + b.String()
}
