package window_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func TestInspect(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	api := define(t, table, "api", window.Spec{
		Limits: []window.Limit{{N: 10, Window: time.Second}, {N: 20, Window: time.Minute}},
		Plans:  map[string][]window.Limit{"pro": {{N: 100, Window: time.Minute}}},
	})
	define(t, table, "upload", limits(3, time.Minute))
	c := named(table, "k")
	if where, rd := table.Inspect(c, ""); where != window.Nowhere || len(rd) != 3 || rd[0].Remaining != 10 {
		t.Errorf("before: %v %+v", where, rd)
	}
	mustTake(t, table, api, c, 10)
	where, rd := table.Inspect(c, "")
	if where != window.Own || where.String() != "own" {
		t.Errorf("where: %v", where)
	}
	if r := rd[0]; r.Tier != "api" || r.Used != 10 || !r.Exceeded || r.RetryAfter == 0 || r.Window != time.Second {
		t.Errorf("second: %+v", r)
	}
	if r := rd[1]; r.Used != 10 || r.Exceeded || r.Remaining != 10 || r.RetryAfter != 0 {
		t.Errorf("minute: %+v", r)
	}
	if r := rd[2]; r.Tier != "upload" || r.Used != 0 || r.Remaining != 3 {
		t.Errorf("upload: %+v", r)
	}
	if _, rd := table.Inspect(c, "pro"); len(rd) != 2 || rd[0].Limit != 100 || rd[0].Used != 10 {
		t.Errorf("on a plan: %+v", rd)
	}
}

func TestTop(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	api := define(t, table, "api", limits(100, time.Minute))
	other := define(t, table, "other", limits(100, time.Hour))
	want := map[window.ID]int{}
	for i := range 40 {
		c := address(table, v4(i))
		mustTake(t, table, api, c, 1+i*7%40)
		mustTake(t, table, other, c, 40-i)
		want[c.ID] = 1 + i*7%40
	}
	top := table.Top(api, 5)
	if len(top) != 5 {
		t.Fatalf("%d clients", len(top))
	}
	for i, u := range top {
		if u.Used != 40-i || want[u.ID] != u.Used || u.Window != time.Minute || u.Cell {
			t.Errorf("%d: %+v", i, u)
		}
		if _, ok := u.ID.Addr(); !ok {
			t.Errorf("%d: no address", i)
		}
	}
	if n := len(table.Top(api, 1000)); n != 40 {
		t.Errorf("all: %d", n)
	}
	if table.Top(api, 0) != nil {
		t.Error("none wanted, some given")
	}
}

func TestReset(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now, MaxClients: 2, KeyPlaces: 1})
	api := define(t, table, "api", limits(1, time.Minute))
	own, a, b := address(table, "192.0.2.1"), address(table, "198.51.100.1"), address(table, "198.51.100.2")
	mustTake(t, table, api, own, 1)
	mustTake(t, table, api, a, 1) // in the cell
	mustRefuse(t, table, api, b)
	for _, c := range []struct {
		c    window.Client
		want window.Whereabouts
	}{{own, window.Own}, {own, window.Nowhere}, {b, window.Shared}, {b, window.Nowhere}} {
		if got := table.Reset(c.c); got != c.want {
			t.Errorf("reset: was %v, want %v", got, c.want)
		}
	}
	mustTake(t, table, api, own, 1)
	mustTake(t, table, api, b, 1)
}
