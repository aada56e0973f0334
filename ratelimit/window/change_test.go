package window_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func change(t fataler, table *window.Table, tier *window.Tier, s window.Spec) {
	t.Helper()
	if err := table.Change(tier, s); err != nil {
		t.Fatalf("change: %v", err)
	}
}

func TestChangedNumberAppliesAtOnce(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "api", limits(5, time.Minute))
	c := named(table, "k")
	mustTake(t, table, tier, c, 5)
	change(t, table, tier, limits(7, time.Minute))
	mustTake(t, table, tier, c, 2)
	mustRefuse(t, table, tier, c)
	change(t, table, tier, limits(2, time.Minute))
	st := mustRefuse(t, table, tier, c)
	clock.step(st.RetryAfter)
	mustTake(t, table, tier, c, 2)
	mustRefuse(t, table, tier, c)
	if again := define(t, table, "api", limits(100, time.Minute)); again != tier {
		t.Error("a second definition made another tier")
	}
	mustRefuse(t, table, tier, c)
}

func TestLongerWindowStartsWithHistory(t *testing.T) {
	for _, restart := range []bool{false, true} {
		clock := newHand()
		table := newTable(t, window.Options{Now: clock.now})
		tier := define(t, table, "api", limits(5, 5*time.Minute))
		c := named(table, "k")
		mustTake(t, table, tier, c, 5)
		hour := limits(6, time.Hour)
		if restart {
			// The change may come with a restart, some time after the snapshot.
			saved := table.Save()
			clock.step(20 * time.Minute)
			var err error
			if table, err = window.Restore(window.Options{Now: clock.now}, saved); err != nil {
				t.Fatal(err)
			}
			tier = define(t, table, "api", hour)
		} else {
			change(t, table, tier, hour)
			clock.step(20 * time.Minute)
		}
		table.Sweep()
		mustTake(t, table, tier, c, 1)
		mustRefuse(t, table, tier, c)
		clock.step(35 * time.Minute) // 55 in all
		mustRefuse(t, table, tier, c)
		clock.step(7 * time.Minute)
		mustTake(t, table, tier, c, 5)
		mustRefuse(t, table, tier, c)
	}
}

// TestHistoryComesFromTheFinestSlices: of two windows that are added at once, the
// second must not start with what the first made of the history.
func TestHistoryComesFromTheFinestSlices(t *testing.T) {
	for _, order := range [][]time.Duration{{time.Hour, time.Second}, {time.Second, time.Hour}} {
		clock := newHand()
		table := newTable(t, window.Options{Now: clock.now})
		tier := define(t, table, "api", limits(1, 100*time.Millisecond))
		c := named(table, "k")
		mustTake(t, table, tier, c, 1)
		clock.step(1500 * time.Millisecond)
		change(t, table, tier, window.Spec{Limits: []window.Limit{{N: 2, Window: order[0]}, {N: 2, Window: order[1]}}})
		change(t, table, tier, limits(1, time.Second))
		if ok, st := take(table, tier, c); !ok {
			t.Errorf("%v: %+v", order, st)
		}
	}
}

// carried is a logged request in the history of one window.
type carried struct {
	at   int64
	late int64 // by how much the slices of windows it came from may delay it
	sure bool  // none of them had forgotten it
}

// carry is the history with which a window starts that replaces others.
func carry(old map[time.Duration][]carried, w time.Duration, now int64) []carried {
	var from time.Duration
	for o := range old {
		if from == 0 || o >= w && (from < w || o < from) || o < w && from < w && o > from {
			from = o
		}
	}
	var out []carried
	for _, e := range old[from] {
		e.late += int64(from) / 64
		e.sure = e.sure && e.at >= now-int64(from)
		out = append(out, e)
	}
	return out
}

// TestChangesOfWindows changes the windows of a tier at random, and holds
// promise 5: a window that replaces others starts with what the shortest of them
// that is long enough kept, or else the longest. In no window is more than the
// limit admitted, of what was kept; and nothing counts longer than its window,
// 1/64 of it, and one slice of each window that it came from.
func TestChangesOfWindows(t *testing.T) {
	gen := func(t *rapid.T) window.Spec {
		var s window.Spec
		for _, w := range rapid.SliceOfNDistinct(rapid.SampledFrom([]time.Duration{
			100 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, time.Minute,
		}), 1, 3, rapid.ID).Draw(t, "windows") {
			s.Limits = append(s.Limits, window.Limit{N: rapid.IntRange(1, 8).Draw(t, "n"), Window: w})
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		clock := newHand()
		table := newTable(t, window.Options{Now: clock.now})
		spec := gen(t)
		tier := define(t, table, "api", spec)
		c := named(table, "k")
		history := map[time.Duration][]carried{}
		for _, l := range spec.Limits {
			history[l.Window] = nil
		}
		count := func(l window.Limit, which func(carried) bool) (n int) {
			for _, e := range history[l.Window] {
				if which(e) {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) {
				clock.step(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "step")))
			},
			"take": func(t *rapid.T) {
				now := clock.at.UnixNano()
				if ok, st := take(table, tier, c); !ok {
					for _, l := range spec.Limits {
						if count(l, func(e carried) bool { return e.at+e.late+int64(l.Window)*65/64 >= now }) >= l.N {
							return
						}
					}
					t.Fatalf("refused with too little to count: %+v", st)
				}
				for _, l := range spec.Limits {
					history[l.Window] = append(history[l.Window], carried{at: now, sure: true})
					if n := count(l, func(e carried) bool { return e.sure && e.at >= now-int64(l.Window) }); n > l.N {
						t.Fatalf("%d in %v, limit %d", n, l.Window, l.N)
					}
				}
			},
			"change": func(t *rapid.T) {
				spec = gen(t)
				next := map[time.Duration][]carried{}
				for _, l := range spec.Limits {
					if kept, ok := history[l.Window]; ok {
						next[l.Window] = kept
					} else {
						next[l.Window] = carry(history, l.Window, clock.at.UnixNano())
					}
				}
				history = next
				change(t, table, tier, spec)
			},
			"sweep": func(*rapid.T) { table.Sweep() },
		})
	})
}
