package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	goredis "github.com/redis/go-redis/v9"
)

// ErrAway says that the server did not decide, and that the caller has to.
var ErrAway = errors.New("the shared store is away")

// Reason is the kind of an outage.
type Reason string

// The reasons, a closed set.
const (
	Unreachable Reason = "unreachable" // no connection
	Slow        Reason = "slow"        // no answer within the budget
	Refusing    Reason = "refusing"    // an error for an answer: a full disk or memory, a wrong password
	Emptied     Reason = "emptied"     // it answers, and has lost what it knew
)

// Reasons are all of them.
var Reasons = [...]Reason{Unreachable, Slow, Refusing, Emptied}

// Observer is told what becomes of the store. Its methods are called from
// several goroutines and must not block.
type Observer interface {
	// Decided tells how long a decision took.
	Decided(took time.Duration)
	// Away tells that decisions are the caller's own from now on.
	Away(why Reason, err error)
	// Back tells that the server decides again, and after how long.
	Back(after time.Duration)
	// Emptied tells that the server has lost its memory.
	Emptied()
	// Reset tells that another gate has reset a client, of which its note says
	// which.
	Reset(note string)
}

// Store is the counters in one server. It is safe for concurrent use.
type Store struct {
	options  *goredis.Options
	prefix   string
	budget   time.Duration
	observer Observer
	self     string // this gate's name in what it tells the others

	client atomic.Pointer[goredis.Client]
	away   atomic.Bool

	mu      sync.Mutex
	marker  string // as last seen
	since   time.Time
	lastErr error
	reason  Reason
	cameUp  time.Time
	pause   time.Duration
	heard   string // the last of the notes of other gates

	wake  chan struct{} // the keeper, when the store has gone away
	end   context.CancelFunc
	ended chan struct{}
}

// Open makes a store. It connects when it is first used; the server need not
// be there.
func Open(o Options, observer Observer) (*Store, error) {
	options, err := o.client()
	if err != nil {
		return nil, err
	}
	s := &Store{
		options:  options,
		prefix:   o.Prefix,
		budget:   o.Budget,
		observer: observer,
		self:     newMarker(),
		heard:    beginning,
		wake:     make(chan struct{}, 1),
	}
	s.client.Store(goredis.NewClient(options))
	return s, nil
}

// Take decides about a request, as [window.Table.Take] does: if every charge
// that is not a shadow has room, all are counted, otherwise none.
func (s *Store) Take(charges []Charge) (window.Verdict, error) { return s.decide("take", charges) }

// Peek is what Take would decide now. It counts nothing.
func (s *Store) Peek(charges []Charge) (window.Verdict, error) { return s.decide("peek", charges) }

// GiveBack undoes a charge of a request that was admitted, and brings its
// Standing up to date. It does nothing for one that was not counted, was given
// back already or has been reset since.
func (s *Store) GiveBack(c *Charge) error {
	paid := false
	for i := range c.receipts {
		paid = paid || c.receipts[i].paid
		c.receipts[i].paid = false
	}
	if !paid {
		return nil
	}
	one := []Charge{*c}
	_, err := s.decide("give", one)
	c.Standing = one[0].Standing
	return err
}

// Reset forgets what is counted for a client in the tiers of the charges. The
// note reaches every other gate that shares the store, within a second or, if it
// is away from the store, when it is back within the hour.
func (s *Store) Reset(charges []Charge, note string) error {
	if s.away.Load() {
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.budget)
	defer cancel()
	client := s.client.Load()
	_, err := client.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		if counters := s.call("peek", charges).keys[1:]; len(counters) > 0 {
			p.Del(ctx, counters...)
		}
		s.announce(ctx, p, note)
		return nil
	})
	if err != nil {
		s.fail(client, err)
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

func (s *Store) decide(mode string, charges []Charge) (window.Verdict, error) {
	if s.away.Load() {
		return window.Verdict{}, ErrAway
	}
	client := s.client.Load()
	verdict, marker, err := s.ask(client, mode, charges)
	if err != nil {
		s.fail(client, err)
		return verdict, ErrAway
	}
	s.remember(marker)
	return verdict, nil
}

func (s *Store) ask(client *goredis.Client, mode string, charges []Charge) (v window.Verdict, marker string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.budget)
	defer cancel()
	began := time.Now()
	call := s.call(mode, charges)
	reply, err := decide.Run(ctx, client, call.keys, call.args...).Slice()
	if err != nil {
		return v, "", err
	}
	s.observer.Decided(time.Since(began))
	admitted, marker, answers, err := call.read(reply)
	if err != nil {
		return v, "", err
	}
	return call.fill(charges, answers, mode == "take", admitted), marker, nil
}

// remember notices by its marker that the server is not what it was.
func (s *Store) remember(marker string) {
	s.mu.Lock()
	known := s.marker
	s.marker = marker
	emptied := known != "" && known != marker
	if emptied {
		s.heard = beginning
	}
	s.mu.Unlock()
	if emptied {
		s.observer.Emptied()
	}
}

// fail takes the store out of use. A client that has been replaced since says
// nothing of the server now.
func (s *Store) fail(client *goredis.Client, err error) {
	s.mu.Lock()
	if client != s.client.Load() || s.away.Load() {
		s.mu.Unlock()
		return
	}
	why := reasonOf(err)
	s.since, s.lastErr, s.reason = time.Now(), err, why
	if s.pause = firstPause; time.Since(s.cameUp) < flapping {
		s.pause = longPause
	}
	s.away.Store(true)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.observer.Away(why, err)
}

func reasonOf(err error) Reason {
	var answered goredis.Error
	var timeout net.Error
	switch {
	case errors.As(err, &answered):
		return Refusing
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout(), strings.Contains(err.Error(), "connection pool timeout"):
		return Slow
	}
	return Unreachable
}

// State is the store's state, for whoever asks.
type State struct {
	Away   bool
	Reason Reason
	Err    error
	Since  time.Time // when it went away
}

// State is the state now.
func (s *Store) State() State {
	if !s.away.Load() {
		return State{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Away: true, Reason: s.reason, Err: s.lastErr, Since: s.since}
}

const (
	// firstPause is the time between two attempts to come back, longPause that
	// of a store that comes and goes.
	firstPause = 200 * time.Millisecond
	longPause  = 800 * time.Millisecond
	flapping   = 10 * time.Second

	// beat is the time between two looks at a store that is there, so that an
	// outage is known before a request meets it.
	beat = time.Second
)

// Keep watches the server from now on, and has it decide again when it is
// back. Close ends it.
func (s *Store) Keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end, s.ended = cancel, make(chan struct{})
	go s.keeper(ctx)
}

func (s *Store) keeper(ctx context.Context) {
	defer close(s.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
			s.look()
		}
		timer.Reset(s.wait())
	}
}

func (s *Store) wait() time.Duration {
	if !s.away.Load() {
		return beat
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pause
}

// probe is a charge that no request makes. It writes, since a server with a
// full disk still reads.
func probe() []Charge {
	return []Charge{{Tier: "probe", Client: "probe", Limits: []window.Limit{{N: 1 << 30, Window: time.Second}}}}
}

// look asks the server once. One that was away is asked by a new client: the
// old one's connections may hang, and it waits between attempts to connect.
func (s *Store) look() {
	if !s.away.Load() {
		if _, err := s.decide("take", probe()); err == nil {
			s.hear(s.client.Load())
		}
		return
	}
	client := goredis.NewClient(s.options)
	_, marker, err := s.ask(client, "take", probe())
	if err != nil {
		_ = client.Close()
		s.mu.Lock()
		s.lastErr, s.reason = err, reasonOf(err)
		s.mu.Unlock()
		return
	}
	old := s.client.Swap(client)
	s.mu.Lock()
	s.cameUp = time.Now()
	after := s.cameUp.Sub(s.since)
	s.mu.Unlock()
	s.remember(marker)
	s.away.Store(false)
	s.observer.Back(after)
	_ = old.Close()
	s.hear(client)
}

// Close ends the keeper and the connections.
func (s *Store) Close() error {
	if s.end != nil {
		s.end()
		<-s.ended
	}
	return s.client.Load().Close()
}
