package window_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// hand is a clock moved by hand.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func newHand() *hand { return &hand{at: time.Unix(1_700_000_000, 123_456_789)} }

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) step(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func newTable(t fataler, o window.Options) *window.Table {
	t.Helper()
	table, err := window.New(o)
	if err != nil {
		t.Fatalf("new table: %v", err)
	}
	return table
}

func define(t fataler, table *window.Table, name string, s window.Spec) *window.Tier {
	t.Helper()
	tier, err := table.Tier(name, s)
	if err != nil {
		t.Fatalf("define: %v", err)
	}
	return tier
}

func limits(n int, w time.Duration) window.Spec {
	return window.Spec{Limits: []window.Limit{{N: n, Window: w}}}
}

// named is a client known by a key.
func named(table *window.Table, name string) window.Client {
	return window.Client{ID: table.ID(window.Identity{By: "key", Name: name}), Key: true}
}

// address is a client known by its address.
func address(table *window.Table, addr string) window.Client {
	a := netip.MustParseAddr(addr)
	return window.Client{ID: table.ID(window.Identity{By: "ip", Addr: a}), From: a}
}

func v4(n int) string {
	return fmt.Sprintf("%d.%d.%d.%d", 1+n>>24, n>>16&255, n>>8&255, n&255)
}

func take(table *window.Table, tier *window.Tier, c window.Client) (bool, window.Standing) {
	charges := []window.Charge{{Tier: tier, Client: c}}
	v := table.Take(charges)
	return v.Admitted, charges[0].Standing
}

func mustTake(t *testing.T, table *window.Table, tier *window.Tier, c window.Client, n int) {
	t.Helper()
	for i := range n {
		if ok, st := take(table, tier, c); !ok {
			t.Fatalf("request %d of %d refused: %+v", i+1, n, st)
		}
	}
}

func mustRefuse(t *testing.T, table *window.Table, tier *window.Tier, c window.Client) window.Standing {
	t.Helper()
	ok, st := take(table, tier, c)
	if ok {
		t.Fatalf("admitted, want refused: %+v", st)
	}
	return st
}
