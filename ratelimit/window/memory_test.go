//go:build !race

// One goroutine runs these tests, for seconds: the race detector would make
// minutes of it and find nothing.

package window_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// TestFlood sends requests from five million addresses in a simulated minute.
func TestFlood(t *testing.T) {
	const places, addresses = 100_000, 5_000_000
	clock := newHand()
	before := heap()
	table := newTable(t, window.Options{Now: clock.now, MaxClients: places})
	tier := define(t, table, "api", limits(20, 15*time.Minute))
	over, known := address(table, "198.51.100.7"), named(table, "k")
	mustTake(t, table, tier, over, 20)
	mustRefuse(t, table, tier, over)

	refused := 0
	for i := range addresses {
		a := netip.AddrFrom4([4]byte{byte(1 + i>>22), byte(i >> 14), byte(i >> 6), byte(i << 2)})
		c := window.Client{ID: table.ID(window.Identity{By: "ip", Addr: a}), From: a}
		if ok, _ := take(table, tier, c); !ok {
			refused++
		}
		if i%(addresses/600) == 0 {
			clock.step(100 * time.Millisecond)
		}
	}
	mustRefuse(t, table, tier, over)
	if _, st := take(table, tier, known); st.Shared {
		t.Error("no place for a key")
	}
	st := table.Stats()
	grown := heap() - before
	t.Logf("%d clients held, %d addresses refused in shared cells, heap +%d bytes, counters %d bytes",
		st.Clients, refused, grown, st.Bytes)
	const bound = places*200 + 4096*200 + 64*3*16384
	if st.Clients > places || st.Bytes > bound || grown > bound {
		t.Errorf("bound %d exceeded: %+v, heap +%d", bound, st, grown)
	}
	runtime.KeepAlive(table)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBytesPerClient holds the figures of promise 3.
func TestBytesPerClient(t *testing.T) {
	const n = 200_000
	for _, c := range []struct {
		name          string
		limit, rounds int
		most          int64
	}{
		{"seen once", 1000, 1, 100},
		{"active at 50", 50, 12, 200},
		{"active at 1000", 1000, 12, 200},
		{"active at 100000", 100_000, 12, 200},
	} {
		clock := newHand()
		before := heap()
		table := newTable(t, window.Options{Now: clock.now, MaxClients: n + 1, KeyPlaces: 1})
		tier := define(t, table, "api", limits(c.limit, 15*time.Minute))
		for range c.rounds {
			for i := range n {
				a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
				take(table, tier, window.Client{ID: table.ID(window.Identity{By: "ip", Addr: a}), From: a})
			}
			clock.step(time.Minute)
		}
		each := (heap() - before) / n
		t.Logf("%s: %d bytes", c.name, each)
		if each > c.most {
			t.Errorf("%s: %d bytes per client, want at most %d", c.name, each, c.most)
		}
		runtime.KeepAlive(table)
	}
}

// TestDecisionAllocatesNothing, of a client that is known.
func TestDecisionAllocatesNothing(t *testing.T) {
	table := newTable(t, window.Options{})
	api := define(t, table, "api", limits(50, time.Hour))
	upload := define(t, table, "upload", limits(20, time.Hour))
	a := netip.MustParseAddr("192.0.2.1")
	charges := make([]window.Charge, 2)
	decide := func() {
		c := window.Client{ID: table.ID(window.Identity{By: "ip", Name: "someone", Addr: a}), From: a}
		charges[0] = window.Charge{Tier: api, Client: c, Plan: "pro"}
		charges[1] = window.Charge{Tier: upload, Client: c}
		table.Take(charges)
		table.GiveBack(&charges[1])
	}
	decide()
	if n := testing.AllocsPerRun(100, decide); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
