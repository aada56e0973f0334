package redis

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest/port"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// witness writes down what a store tells.
type witness struct {
	mu      sync.Mutex
	told    []string
	decided int
	changed chan struct{}
}

func newWitness() *witness { return &witness{changed: make(chan struct{}, 1)} }

func (w *witness) tell(what string) {
	w.mu.Lock()
	w.told = append(w.told, what)
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default: // whoever waits looks again in any case
	}
}

func (w *witness) Decided(time.Duration)    { w.mu.Lock(); w.decided++; w.mu.Unlock() }
func (w *witness) Away(why Reason, _ error) { w.tell("away: " + string(why)) }
func (w *witness) Back(time.Duration)       { w.tell("back") }
func (w *witness) Emptied()                 { w.tell("emptied") }
func (w *witness) Reset(note string)        { w.tell("reset: " + note) }
func (w *witness) events() (events []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told)
}

// await waits until the store has told of something.
func (w *witness) await(t *testing.T, what string) {
	t.Helper()
	for !slices.Contains(w.events(), what) {
		select {
		case <-w.changed:
		case <-time.After(time.Minute):
			t.Fatalf("the store never told %q, but %q", what, w.events())
		}
	}
}

// open opens a store that has all the time in the world.
func open(t *testing.T, o Options, w *witness) *Store {
	t.Helper()
	if o.Budget == 0 {
		o.Budget = time.Minute
	}
	s, err := Open(o, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func charges(client string, limits ...window.Limit) []Charge {
	return []Charge{{Tier: "api", Client: client, Limits: limits}}
}

func take(t *testing.T, s *Store, c []Charge) window.Verdict {
	t.Helper()
	v, err := s.Take(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOneLimitForAllGates(t *testing.T) {
	server := miniredis.RunT(t)
	var stores []*Store
	for range 3 {
		stores = append(stores, open(t, Options{URL: "redis://" + server.Addr()}, newWitness()))
	}
	var admitted int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			for range 10 {
				v, err := stores[i%3].Take(charges("ada", window.Limit{N: 50, Window: time.Hour}))
				if err != nil {
					t.Error(err)
				}
				if v.Admitted {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if admitted != 50 {
		t.Errorf("300 requests through three gates: %d admitted of a limit of 50", admitted)
	}
	if v := take(t, stores[0], charges("bob", window.Limit{N: 50, Window: time.Hour})); !v.Admitted {
		t.Error("another client is refused too")
	}
	other := open(t, Options{URL: "redis://" + server.Addr(), Prefix: "other"}, newWitness())
	if v := take(t, other, charges("ada", window.Limit{N: 50, Window: time.Hour})); !v.Admitted {
		t.Error("another prefix counts with it")
	}
}

func TestStanding(t *testing.T) {
	server := miniredis.RunT(t)
	now := time.Unix(1_800_000_000, 0)
	server.SetTime(now)
	s := open(t, Options{URL: "redis://" + server.Addr()}, newWitness())
	c := charges("ada", window.Limit{N: 2, Window: 64 * time.Second}, window.Limit{N: 100, Window: time.Hour})
	if take(t, s, c); c[0].Standing.Remaining != 1 || c[0].Standing.Limit != 2 || c[0].Standing.RetryAfter != 0 {
		t.Errorf("after one: %+v", c[0].Standing)
	}
	server.SetTime(now.Add(10 * time.Second))
	take(t, s, c)
	v := take(t, s, c)
	st := c[0].Standing
	if v.Admitted || v.Refusal != 0 || !st.Exceeded || st.Remaining != 0 || st.RetryAfter != 55*time.Second || st.Reset != 65*time.Second {
		t.Fatalf("the third: %+v %+v", v, st)
	}
	// Refused a microsecond before, admitted then.
	server.SetTime(now.Add(10*time.Second + st.RetryAfter - time.Microsecond))
	if take(t, s, c).Admitted {
		t.Error("admitted before its time")
	}
	server.SetTime(now.Add(10*time.Second + st.RetryAfter))
	if !take(t, s, c).Admitted {
		t.Error("Retry-After is over and it is refused")
	}
}

// TestAllOrNone holds that a request that one tier refuses is counted in none,
// and that a shadow refuses nothing.
func TestAllOrNone(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, Options{URL: "redis://" + server.Addr()}, newWitness())
	both := func() []Charge {
		return []Charge{
			{Tier: "wide", Client: "ada", Limits: []window.Limit{{N: 10, Window: time.Minute}}},
			{Tier: "narrow", Client: "ada", Limits: []window.Limit{{N: 2, Window: time.Minute}}},
			{Tier: "trial", Client: "ada", Limits: []window.Limit{{N: 1, Window: time.Minute}}, Shadow: true},
		}
	}
	take(t, s, both())
	c := both()
	if v := take(t, s, c); !v.Admitted || !c[2].Standing.Exceeded || c[2].Standing.Remaining != 0 {
		t.Errorf("a shadow refuses: %+v %+v", v, c[2].Standing)
	}
	before := server.Dump()
	c = both()
	if v := take(t, s, c); v.Admitted || v.Refusal != 1 || c[0].Standing.Remaining != 8 {
		t.Errorf("the third: %+v %+v", v, c)
	}
	if after := server.Dump(); after != before {
		t.Errorf("a refused request has changed\n%s\nto\n%s", before, after)
	}
	if _, err := s.Peek(both()); err != nil || server.Dump() != before {
		t.Errorf("a peek changes something (%v)", err)
	}
	// A tier that is named twice counts once.
	twice := append(both()[:1], both()[0])
	if take(t, s, twice); twice[1].Standing.Remaining != 7 {
		t.Errorf("a tier named twice: %+v", twice[1].Standing)
	}
}

func TestGiveBack(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, Options{URL: "redis://" + server.Addr()}, newWitness())
	limit := window.Limit{N: 2, Window: time.Minute}
	first, second := charges("ada", limit), charges("ada", limit)
	take(t, s, first)
	take(t, s, second)
	for range 2 { // the second time does nothing
		if err := s.GiveBack(&first[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got := first[0].Standing.Remaining; got != 1 {
		t.Errorf("given back once: %d remain", got)
	}
	refused := charges("ada", window.Limit{N: 1, Window: time.Minute})
	if v := take(t, s, refused); v.Admitted {
		t.Fatal("over the limit")
	}
	if err := s.GiveBack(&refused[0]); err != nil {
		t.Fatal(err)
	}
	if peek := charges("ada", limit); true {
		if _, err := s.Peek(peek); err != nil || peek[0].Standing.Remaining != 1 {
			t.Errorf("a refused request gives back: %+v, %v", peek[0].Standing, err)
		}
	}
	// What was charged before a reset is not given back to what came after it.
	if err := s.Reset(charges("ada", limit), "ada"); err != nil {
		t.Fatal(err)
	}
	server.SetTime(time.Now().Add(time.Millisecond))
	third := charges("ada", limit)
	take(t, s, third)
	if err := s.GiveBack(&second[0]); err != nil {
		t.Fatal(err)
	}
	if got := second[0].Standing.Remaining; got != 1 {
		t.Errorf("after a reset %d remain, want 1", got)
	}
}

// TestExpires holds that nothing is left of a client once all is forgotten.
func TestExpires(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, Options{URL: "redis://" + server.Addr()}, newWitness())
	take(t, s, charges("ada", window.Limit{N: 5, Window: time.Minute}, window.Limit{N: 5, Window: time.Second}))
	if got := len(server.Keys()); got != 3 {
		t.Fatalf("%d keys: %q", got, server.Keys())
	}
	for _, key := range server.Keys() {
		if ttl := server.TTL(key); ttl <= 0 {
			t.Errorf("%s never expires", key)
		}
	}
	server.FastForward(62 * time.Second)
	if keys := server.Keys(); len(keys) != 1 || !strings.Contains(keys[0], "marker") {
		t.Errorf("left: %q", keys)
	}
	server.FastForward(51 * 24 * time.Hour)
	if keys := server.Keys(); len(keys) != 0 {
		t.Errorf("left: %q", keys)
	}
}

func TestComesBack(t *testing.T) {
	server := miniredis.NewMiniRedis()
	// A port of the system's own could be another's when it is to start again.
	free, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.StartAddr(fmt.Sprintf("127.0.0.1:%d", free)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w := newWitness()
	s := open(t, Options{URL: "redis://" + server.Addr(), Budget: 5 * time.Second}, w)
	limit := window.Limit{N: 5, Window: time.Hour}
	take(t, s, charges("ada", limit))
	s.Keep()

	server.SetError("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.")
	w.await(t, "away: refusing")
	if _, err := s.Take(charges("ada", limit)); !errors.Is(err, ErrAway) {
		t.Errorf("while it is away: %v", err)
	}
	if st := s.State(); !st.Away || st.Reason != Refusing || st.Since.IsZero() || !strings.Contains(st.Err.Error(), "MISCONF") {
		t.Errorf("the state: %+v", st)
	}
	server.SetError("")
	w.await(t, "back")
	if st := s.State(); st.Away {
		t.Errorf("the state: %+v", st)
	}
	c := charges("ada", limit)
	if take(t, s, c); c[0].Standing.Remaining != 3 {
		t.Errorf("it has forgotten: %+v", c[0].Standing)
	}

	server.Close()
	w.await(t, "away: unreachable")
	server.FlushAll()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	w.await(t, "emptied")
	for got := w.events(); len(got) < 5; got = w.events() {
		<-w.changed
	}
	want := []string{"away: refusing", "back", "away: unreachable", "emptied", "back"}
	if got := w.events(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestHangs holds that a server that never answers costs a budget and no more.
func TestHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // what connects waits in the kernel's queue for an answer
	w := newWitness()
	s := open(t, Options{URL: "redis://" + l.Addr().String(), Budget: 10 * time.Millisecond}, w)
	if _, err := s.Take(charges("ada", window.Limit{N: 5, Window: time.Hour})); !errors.Is(err, ErrAway) {
		t.Fatalf("a server that hangs: %v", err)
	}
	if got := w.events(); !slices.Equal(got, []string{"away: slow"}) {
		t.Errorf("told %q", got)
	}
	if err := s.Reset(charges("ada"), "ada"); !errors.Is(err, ErrAway) {
		t.Errorf("a reset: %v", err)
	}
}

// TestResetIsHeard holds that each gate but the one that resets hears of it
// once: one that is there, one that was away meanwhile, and one that starts anew.
func TestResetIsHeard(t *testing.T) {
	server := miniredis.RunT(t)
	gate := func(prefix string) (*Store, *witness) {
		w := newWitness()
		s := open(t, Options{URL: "redis://" + server.Addr(), Budget: 5 * time.Second, Prefix: prefix}, w)
		s.Keep()
		return s, w
	}
	one, own := gate("")
	two, other := gate("")
	_, stranger := gate("other")
	if err := one.Reset(charges("ada", window.Limit{N: 5, Window: time.Hour}), "ada"); err != nil {
		t.Fatal(err)
	}
	other.await(t, "reset: ada")
	if err := two.Reset(charges("bob"), "bob"); err != nil {
		t.Fatal(err)
	}
	own.await(t, "reset: bob")
	_, late := gate("")
	late.await(t, "reset: ada")
	late.await(t, "reset: bob")
	for who, want := range map[*witness][]string{own: {"reset: bob"}, other: {"reset: ada"}, stranger: nil, late: {"reset: ada", "reset: bob"}} {
		if got := who.events(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if ttl := server.TTL("{gatehouse}:resets"); ttl != time.Hour {
		t.Errorf("what was told is kept for %s", ttl)
	}

	// A server that has lost its memory, and whose clock is behind, is heard from
	// its beginning.
	server.FlushAll()
	server.SetTime(time.Unix(1_000_000_000, 0))
	own.await(t, "emptied")
	if err := two.Reset(charges("cleo"), "cleo"); err != nil {
		t.Fatal(err)
	}
	own.await(t, "reset: cleo")
}
