package window_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// crowd is n clients with an address each, in random order of memory.
func crowd(table *window.Table, n int) []window.Client {
	clients := make([]window.Client, n)
	for i := range clients {
		a := netip.MustParseAddr(v4(i))
		clients[i] = window.Client{ID: table.ID(window.Identity{By: "ip", Addr: a}), From: a}
	}
	return clients
}

// restored is a table under the real clock in which each of n clients has been
// active throughout the window: dense counters, all of them.
func restored(b *testing.B, n, limit int) (*window.Table, *window.Tier, []window.Client) {
	b.Helper()
	clock := &hand{at: time.Now().Add(-12 * time.Minute)}
	o := window.Options{Now: clock.now, MaxClients: 2 << 20}
	before := newTable(b, o)
	clients := crowd(before, n)
	fill(before, define(b, before, "api", limits(limit, 15*time.Minute)), clients, clock)
	o.Now = nil
	table, err := window.Restore(o, before.Save())
	if err != nil {
		b.Fatal(err)
	}
	return table, define(b, table, "api", limits(limit, 15*time.Minute)), clients
}

// fill makes every client active in the whole window: dense counters.
func fill(table *window.Table, tier *window.Tier, clients []window.Client, clock *hand) {
	for range 12 {
		for _, c := range clients {
			take(table, tier, c)
		}
		clock.step(time.Minute)
	}
}

// stride visits clients in an order that no cache can foresee.
const stride = 1_000_003

// BenchmarkTake is the cost of a decision with the real clock, which is the
// larger part of it: see BenchmarkClock.
func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1, 1000, 1_000_000} {
		for _, what := range []string{"admitted", "refused"} {
			b.Run(fmt.Sprintf("clients=%d/%s", n, what), func(b *testing.B) {
				limit := 1 << 30
				if what == "refused" {
					limit = 12
				}
				table, tier, clients := restored(b, n, limit)
				runtime.GC()
				charges := []window.Charge{{Tier: tier}}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					charges[0].Client = clients[i*stride%n]
					if v := table.Take(charges); v.Admitted == (what == "refused") {
						b.Fatal(v)
					}
				}
			})
		}
	}
}

// BenchmarkClock is what reading the clock costs, which is in every decision.
func BenchmarkClock(b *testing.B) {
	began := time.Now()
	for b.Loop() {
		time.Since(began)
	}
}
