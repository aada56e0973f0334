package window_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// model is an exact log of what was admitted, beside a table that counts it.
type model struct {
	clock   *hand
	table   *window.Table
	time    int64 // the table's, in nanoseconds
	tiers   []*window.Tier
	specs   []window.Spec
	clients []string
	plans   []string // of the clients
	log     map[logKey][]event
	given   []*reserved
}

type logKey struct {
	tier   int
	client string
}

type event struct {
	at int64
	no int // of the request, to find it again
}

type reserved struct {
	charge window.Charge
	key    logKey
	no     int
}

func (m *model) client(name string) window.Client { return named(m.table, name) }

// step moves the injected clock. Only steps forward are time.
func (m *model) step(d time.Duration) {
	m.clock.step(d)
	if d > 0 {
		m.time += int64(d)
	}
	m.table.Stats() // a table that does not look cannot see a step back
	m.look()
}

func (m *model) look() {
	m.table.Peek([]window.Charge{{Tier: m.tiers[0], Client: m.client(m.clients[0])}})
}

// within counts the logged requests after a time.
func (m *model) within(k logKey, after int64) int {
	n := 0
	for _, e := range m.log[k] {
		if e.at > after {
			n++
		}
	}
	return n
}

// counted is what the counters of a window hold: whole slices.
func (m *model) counted(k logKey, w time.Duration) int {
	b := int64(w) / 64
	return m.within(k, (m.time/b-64)*b-1)
}

func (m *model) limits(tier, client int) []window.Limit {
	if l, ok := m.specs[tier].Plans[m.plans[client]]; ok {
		return l
	}
	return m.specs[tier].Limits
}

func genLimits(t *rapid.T) []window.Limit {
	var out []window.Limit
	windows := rapid.SliceOfNDistinct(rapid.SampledFrom([]time.Duration{
		time.Millisecond, 64 * time.Millisecond, 100 * time.Millisecond, time.Second, 3 * time.Second, time.Minute,
	}), 1, 3, rapid.ID).Draw(t, "windows")
	for _, w := range windows {
		out = append(out, window.Limit{N: rapid.IntRange(1, 12).Draw(t, "n"), Window: w})
	}
	return out
}

func newModel(t *rapid.T) *model {
	m := &model{clock: newHand(), log: map[logKey][]event{}}
	m.time = m.clock.at.UnixNano()
	m.table = newTable(t, window.Options{Now: m.clock.now})
	for i := range rapid.IntRange(1, 3).Draw(t, "tiers") {
		spec := window.Spec{Limits: genLimits(t), Shadow: rapid.IntRange(0, 3).Draw(t, "shadow") == 0}
		if rapid.Bool().Draw(t, "plan") {
			spec.Plans = map[string][]window.Limit{"pro": genLimits(t)}
		}
		m.specs = append(m.specs, spec)
		m.tiers = append(m.tiers, define(t, m.table, fmt.Sprint("tier", i), spec))
	}
	m.clients = []string{"a", "b", "c"}
	m.plans = []string{"", "pro", "free"}
	return m
}

// genStep prefers steps at which something happens: parts of slices and windows.
func genStep(t *rapid.T) time.Duration {
	unit := rapid.SampledFrom([]time.Duration{
		1, time.Microsecond, time.Millisecond / 64, time.Millisecond, time.Second / 64, time.Second, 3 * time.Second, time.Minute,
	}).Draw(t, "unit")
	return time.Duration(rapid.IntRange(0, 70).Draw(t, "units")) * unit
}

// charges draws tiers for a request, each with its client, which may differ.
func (m *model) charges(t *rapid.T) (charges []window.Charge, keys []logKey, clients []int) {
	first := rapid.IntRange(0, len(m.clients)-1).Draw(t, "client")
	for i := range m.tiers {
		if len(m.tiers) > 1 && rapid.IntRange(0, 3).Draw(t, "skip") == 0 {
			continue
		}
		c := first
		if rapid.IntRange(0, 4).Draw(t, "other") == 0 {
			c = rapid.IntRange(0, len(m.clients)-1).Draw(t, "client")
		}
		charges = append(charges, window.Charge{Tier: m.tiers[i], Client: m.client(m.clients[c]), Plan: m.plans[c]})
		keys = append(keys, logKey{i, m.clients[c]})
		clients = append(clients, c)
	}
	return charges, keys, clients
}

func (m *model) run(t *rapid.T) {
	request := 0
	t.Repeat(map[string]func(*rapid.T){
		"step": func(t *rapid.T) { m.step(genStep(t)) },
		"back": func(t *rapid.T) { m.step(-genStep(t)) },
		"jump": func(t *rapid.T) {
			m.step(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "jump")))
		},
		"take": func(t *rapid.T) {
			for range rapid.IntRange(1, 8).Draw(t, "requests") {
				request++
				m.take(t, request)
			}
		},
		"retry": func(t *rapid.T) { m.retry(t) },
		"give back": func(t *rapid.T) {
			if len(m.given) > 0 {
				m.giveBack(t, rapid.IntRange(0, len(m.given)-1).Draw(t, "which"))
			}
		},
		"sweep":   func(*rapid.T) { m.table.Sweep() },
		"restart": func(t *rapid.T) { m.restart(t) },
		"reset": func(t *rapid.T) {
			c := rapid.SampledFrom(m.clients).Draw(t, "client")
			m.table.Reset(m.client(c))
			for i := range m.tiers {
				delete(m.log, logKey{i, c})
			}
		},
		"": func(t *rapid.T) { m.compare(t) },
	})
}

// take holds promises 1, 2 and 4 about one request.
func (m *model) take(t *rapid.T, no int) {
	charges, keys, clients := m.charges(t)
	want := true
	room := make([]bool, len(charges))
	for i, k := range keys {
		room[i] = true
		for _, l := range m.limits(k.tier, clients[i]) {
			if m.counted(k, l.Window) >= l.N {
				room[i] = false
				// Promise 4: an exact log would refuse 1/64 of the window earlier.
				if m.within(k, m.time-int64(l.Window)-int64(l.Window)/64-1) < l.N {
					t.Fatalf("%v: counted longer than 1/64 of %v", k, l.Window)
				}
			}
		}
		want = want && (room[i] || m.specs[k.tier].Shadow)
	}
	v := m.table.Take(charges)
	if v.Admitted != want {
		t.Fatalf("admitted %v, want %v: %+v", v.Admitted, want, charges)
	}
	if (v.Refusal < 0) != want {
		t.Fatalf("refused by charge %d, admitted %v", v.Refusal, want)
	}
	for i, k := range keys {
		if charges[i].Standing.Exceeded == room[i] {
			t.Fatalf("%v: exceeded is %v", k, !room[i])
		}
		if !want || !room[i] {
			continue
		}
		m.log[k] = append(m.log[k], event{m.time, no})
		m.given = append(m.given, &reserved{charges[i], k, no})
		least := 1 << 40
		for _, l := range m.limits(k.tier, clients[i]) {
			// Promise 1, in the window that ends now, its first instant included.
			if n := m.within(k, m.time-int64(l.Window)-1); n > l.N {
				t.Fatalf("%v: %d in %v, limit %d", k, n, l.Window, l.N)
			}
			least = min(least, l.N-m.counted(k, l.Window))
		}
		if got := charges[i].Standing.Remaining; got != least {
			t.Fatalf("%v: remaining %d, want %d", k, got, least)
		}
	}
}

// retry holds the other half of promise 4: Retry-After is true to the nanosecond.
func (m *model) retry(t *rapid.T) {
	charges, _, _ := m.charges(t)
	v := m.table.Peek(charges)
	if v.Admitted {
		return
	}
	wait := charges[v.Refusal].Standing.RetryAfter
	if wait <= 0 {
		t.Fatalf("refused, to be tried again after %v", wait)
	}
	m.step(wait - 1)
	if m.table.Peek(charges).Admitted {
		t.Fatal("admitted before Retry-After")
	}
	m.step(1)
	if !m.table.Peek(charges).Admitted {
		t.Fatal("refused after Retry-After")
	}
}

func (m *model) giveBack(t *rapid.T, i int) {
	r := m.given[i]
	m.given = slices.Delete(m.given, i, i+1)
	m.table.GiveBack(&r.charge)
	// Of a window that has forgotten the request nothing is taken back, and it is
	// too old in the log to matter.
	m.log[r.key] = slices.DeleteFunc(m.log[r.key], func(e event) bool { return e.no == r.no })
}

// restart saves and restores. Receipts do not outlive it.
func (m *model) restart(t *rapid.T) {
	saved := m.table.Save()
	table, err := window.Restore(window.Options{Now: m.clock.now}, saved)
	if err != nil {
		t.Fatalf("restore: %v", err)
	}
	m.table, m.given = table, nil
	m.time = max(m.time, m.clock.at.UnixNano())
	for i := range m.tiers {
		m.tiers[i] = define(t, table, m.tiers[i].Name(), m.specs[i])
	}
}

// compare reads every counter: whatever a request changed that it should not have
// is found here.
func (m *model) compare(t *rapid.T) {
	for c, name := range m.clients {
		_, readings := m.table.Inspect(m.client(name), m.plans[c])
		for i := range m.tiers {
			for _, l := range m.limits(i, c) {
				rd := readings[0]
				readings = readings[1:]
				k := logKey{i, name}
				used := m.counted(k, l.Window)
				if rd.Limit != l.N || rd.Window != l.Window || rd.Used != used || rd.Remaining != l.N-used {
					t.Fatalf("%v, %v: counted %d, read %+v", k, l, used, rd)
				}
				if used > 0 {
					last := int64(0)
					for _, e := range m.log[k] {
						last = max(last, e.at)
					}
					b := int64(l.Window) / 64
					if want := (last/b+65)*b - m.time; int64(rd.Reset) != want {
						t.Fatalf("%v, %v: reset %d, want %d", k, l, rd.Reset, want)
					}
				}
			}
		}
	}
}

// TestPromises compares with the exact log: promises 1, 2 and 4, over several
// tiers, windows and plans, with shadows, give-backs, restarts and a clock that
// jumps both ways.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newModel(t).run(t) })
}

func FuzzPromises(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { newModel(t).run(t) }))
}
