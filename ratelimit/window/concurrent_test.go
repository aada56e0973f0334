package window_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// TestTenThousandAtOnce: of 10,000 goroutines exactly 1,000 get through.
func TestTenThousandAtOnce(t *testing.T) {
	for run := range 100 {
		table := newTable(t, window.Options{})
		tier := define(t, table, "api", limits(1000, 15*time.Minute))
		c := address(table, "192.0.2.1")
		var admitted atomic.Int64
		var ready, done sync.WaitGroup
		gun := make(chan struct{})
		for range 10_000 {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-gun
				if ok, _ := take(table, tier, c); ok {
					admitted.Add(1)
				}
			})
		}
		ready.Wait()
		close(gun)
		done.Wait()
		if n := admitted.Load(); n != 1000 {
			t.Fatalf("run %d: %d admitted, want 1000", run, n)
		}
	}
}

// TestInterleavings lets goroutines take, give back, reserve keys' places, sweep,
// save and change numbers at once, on a table that is too small for its clients,
// while time passes. Promise 1 is held from outside: a request was admitted at
// some time between those that its caller read before and after, so in no window
// of the stated length may lie more such intervals whole than the limit.
func TestInterleavings(t *testing.T) {
	const workers, each, clients = 8, 4000, 24
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now, MaxClients: 12, KeyPlaces: 4})
	type bound struct {
		tier *window.Tier
		n    int
		w    time.Duration
	}
	second := window.Spec{Limits: []window.Limit{{N: 4, Window: time.Second}, {N: 9, Window: 5 * time.Second}}}
	api := define(t, table, "api", second)
	upload := define(t, table, "upload", limits(3, 2*time.Second))
	bounds := []bound{{api, 4, time.Second}, {api, 9, 5 * time.Second}, {upload, 3, 2 * time.Second}}

	type interval struct{ from, to int64 }
	var mu sync.Mutex
	admitted := map[string][]interval{} // by tier and client
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(worker)))
			for range each {
				clock.step(time.Duration(r.Int64N(int64(2 * time.Millisecond))))
				no := r.IntN(clients)
				c := address(table, fmt.Sprintf("10.0.%d.%d", no%3, no))
				c.Key = no < 5
				charges := []window.Charge{{Tier: api, Client: c}}
				if r.IntN(2) == 0 {
					charges = append(charges, window.Charge{Tier: upload, Client: c})
				}
				from := clock.now().UnixNano()
				v := table.Take(charges)
				to := clock.now().UnixNano()
				if v.Admitted && r.IntN(8) == 0 {
					// Given back at once, it never was; but it held its place meanwhile.
					for i := range charges {
						table.GiveBack(&charges[i])
					}
					continue
				}
				if v.Admitted {
					mu.Lock()
					for _, ch := range charges {
						k := fmt.Sprint(ch.Tier.Name(), no)
						admitted[k] = append(admitted[k], interval{from, to})
					}
					mu.Unlock()
				}
			}
		})
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			table.Sweep()
			if _, err := window.Restore(window.Options{Now: clock.now}, table.Save()); err != nil {
				t.Errorf("restore: %v", err)
				return
			}
			// Other numbers in between only ever refuse more.
			if i%2 == 0 {
				change(t, table, upload, limits(2, 2*time.Second))
			} else {
				change(t, table, upload, limits(3, 2*time.Second))
			}
			table.Top(api, 5)
			table.Inspect(address(table, "10.0.1.1"), "")
			table.Stats()
		}
	})
	wg.Wait()
	close(stop)
	others.Wait()

	total := 0
	for _, b := range bounds {
		for no := range clients {
			is := admitted[fmt.Sprint(b.tier.Name(), no)]
			total += len(is)
			slices.SortFunc(is, func(x, y interval) int { return int(x.from - y.from) })
			for i, first := range is {
				n := 0
				for _, x := range is[i:] {
					if x.to <= first.from+int64(b.w) {
						n++
					}
				}
				if n > b.n {
					t.Fatalf("%s, client %d: %d in %v, limit %d", b.tier.Name(), no, n, b.w, b.n)
				}
			}
		}
	}
	if total == 0 {
		t.Fatal("nothing was admitted")
	}
}

// TestTwoClientsInOneRequest takes pairs of clients in both orders at once: the
// charge of both or of none, and no deadlock.
func TestTwoClientsInOneRequest(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	a := define(t, table, "a", limits(500, time.Hour))
	b := define(t, table, "b", limits(700, time.Hour))
	var wg sync.WaitGroup
	var admitted atomic.Int64
	for worker := range 8 {
		wg.Go(func() {
			for i := range 400 {
				x, y := named(table, "x"), address(table, "192.0.2.1")
				charges := []window.Charge{{Tier: a, Client: x}, {Tier: b, Client: y}}
				if (worker+i)%2 == 0 {
					slices.Reverse(charges)
				}
				if table.Take(charges).Admitted {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	_, ra := table.Inspect(named(table, "x"), "")
	_, rb := table.Inspect(address(table, "192.0.2.1"), "")
	if n := admitted.Load(); n != 500 || ra[0].Used != 500 || rb[1].Used != 500 {
		t.Errorf("%d admitted, %d and %d counted, want 500", n, ra[0].Used, rb[1].Used)
	}
}
