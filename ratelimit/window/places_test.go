package window_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func TestNewcomersShareTheirNetworksCell(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now, MaxClients: 4, KeyPlaces: 1})
	tier := define(t, table, "api", limits(2, time.Minute))
	for i := range 3 {
		if _, st := take(table, tier, address(table, fmt.Sprintf("198.51.100.%d", i))); st.Shared {
			t.Fatalf("client %d has no place of its own", i)
		}
	}
	// The fourth place is for a key.
	a, b := address(table, "192.0.2.1"), address(table, "192.0.2.2")
	for _, c := range []window.Client{a, b} {
		if ok, st := take(table, tier, c); !ok || !st.Shared {
			t.Fatalf("admitted %v, %+v", ok, st)
		}
	}
	mustRefuse(t, table, tier, a)
	mustRefuse(t, table, tier, address(table, "192.0.2.3"))
	if ok, _ := take(table, tier, address(table, "203.0.113.1")); !ok {
		t.Error("another network shares the cell")
	}
	if _, st := take(table, tier, named(table, "k")); st.Shared {
		t.Error("the key has no place")
	}
	if where, rd := table.Inspect(a, ""); where != window.Shared || rd[0].Used != 2 || !rd[0].Shared {
		t.Errorf("inspect: %v %+v", where, rd)
	}
	st := table.Stats()
	if st.Clients != 4 || st.Keys != 1 || st.Cells != 2 || st.SharedUses != 5 || st.Evictions != 0 {
		t.Errorf("stats: %+v", st)
	}

	// Places become free, and the cell does not: who was counted in it stays.
	clock.step(30 * time.Second)
	mustTake(t, table, tier, named(table, "k"), 1) // not empty with the others
	table.Reset(a)
	mustTake(t, table, tier, a, 1)
	clock.step(31 * time.Second)
	if _, st := take(table, tier, b); !st.Shared {
		t.Error("left a cell in which something is counted")
	}
	// The cell is empty: own counters.
	clock.step(62 * time.Second)
	if _, st := take(table, tier, b); st.Shared {
		t.Error("still in the cell when it is empty")
	}
	table.Sweep()
	if st := table.Stats(); st.Clients != 1 || st.Cells != 0 || st.Evictions == 0 {
		t.Errorf("after sweeping: %+v", st)
	}
}

func TestRefusedNewcomerTakesNoPlace(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	full := define(t, table, "full", limits(1, time.Minute))
	api := define(t, table, "api", limits(10, time.Minute))
	mustTake(t, table, full, named(table, "k"), 1)
	before := table.Stats()
	if table.Take([]window.Charge{
		{Tier: api, Client: address(table, "192.0.2.1")}, {Tier: full, Client: named(table, "k")},
	}).Admitted {
		t.Fatal("admitted")
	}
	if after := table.Stats(); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestSmallerSize(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now, MaxClients: 8, KeyPlaces: 1})
	tier := define(t, table, "api", limits(1, time.Minute))
	for i := range 7 {
		mustTake(t, table, tier, address(table, fmt.Sprintf("198.51.100.%d", i)), 1)
	}
	if err := table.SetSize(2, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		mustRefuse(t, table, tier, address(table, fmt.Sprintf("198.51.100.%d", i)))
	}
	if _, st := take(table, tier, address(table, "192.0.2.1")); !st.Shared {
		t.Error("a newcomer has a place in a table that is too full")
	}
	clock.step(62 * time.Second)
	if _, st := take(table, tier, address(table, "203.0.113.1")); st.Shared {
		t.Error("no place although all are empty")
	}
}

// TestPromiseThree plays more clients than there are places, of a few networks,
// against an exact model of who has a place. Promise 1 holds for each of them,
// wherever it is counted.
func TestPromiseThree(t *testing.T) {
	type client struct {
		c       window.Client
		network string
		log     []int64 // admitted, wherever it was counted
		own     []int64 // counted in its own counters
		held    bool
	}
	rapid.Check(t, func(t *rapid.T) {
		clock := newHand()
		places := rapid.IntRange(1, 6).Draw(t, "places")
		reserved := max(1, rapid.IntRange(0, places).Draw(t, "reserved"))
		w, n := 640*time.Millisecond, rapid.IntRange(1, 3).Draw(t, "limit")
		var table *window.Table
		var clients []*client
		// Now and then two networks have one cell. The model knows of none.
		for cellOf := map[window.ID]string{}; len(cellOf) < 6; {
			table, clients = newTable(t, window.Options{Now: clock.now, MaxClients: places, KeyPlaces: reserved}), nil
			clear(cellOf)
			for i := range 12 {
				network := fmt.Sprintf("10.0.%d", i%3)
				c := address(table, fmt.Sprintf("%s.%d", network, i))
				c.Key = i >= 9
				clients = append(clients, &client{c: c, network: fmt.Sprint(network, c.Key)})
				cellOf[table.CellOf(c)] = network
			}
		}
		tier := define(t, table, "api", limits(n, w))
		cells := map[string][]int64{}
		counted := func(log []int64) (sum int) {
			now, b := clock.at.UnixNano(), int64(w)/64
			for _, at := range log {
				if at/b+65 > now/b {
					sum++
				}
			}
			return sum
		}
		room := func(isKey bool) bool {
			strangers, keys := 0, 0
			for _, c := range clients {
				switch {
				case c.held && c.c.Key:
					keys++
				case c.held:
					strangers++
				}
			}
			if !isKey {
				keys = max(keys, reserved)
			}
			return strangers+keys < places
		}
		evict := func() {
			for _, c := range clients {
				c.held = c.held && counted(c.own) > 0
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) {
				clock.step(time.Duration(rapid.Int64Range(0, int64(w)).Draw(t, "step")))
			},
			"sweep": func(*rapid.T) { table.Sweep(); evict() },
			"take": func(t *rapid.T) {
				c := clients[rapid.IntRange(0, len(clients)-1).Draw(t, "client")]
				if !c.held && !room(c.c.Key) {
					evict()
				}
				shared := !c.held && (counted(cells[c.network]) > 0 || !room(c.c.Key))
				log := c.own
				if shared {
					log = cells[c.network]
				}
				want := counted(log) < n
				ok, st := take(table, tier, c.c)
				if ok != want || st.Shared != shared {
					t.Fatalf("admitted %v, want %v; shared %v, want %v", ok, want, st.Shared, shared)
				}
				if !ok {
					return
				}
				now := clock.at.UnixNano()
				if shared {
					cells[c.network] = append(log, now)
				} else {
					c.own, c.held = append(log, now), true
				}
				c.log = append(c.log, now)
				inWindow := 0
				for _, at := range c.log {
					if at >= now-int64(w) {
						inWindow++
					}
				}
				if inWindow > n {
					t.Fatalf("%d in %v, limit %d", inWindow, w, n)
				}
			},
			"": func(t *rapid.T) {
				if st := table.Stats(); st.Clients > places {
					t.Fatalf("%d clients in %d places", st.Clients, places)
				}
			},
		})
	})
}
