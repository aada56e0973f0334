package window

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Options says how large a [Table] may become.
type Options struct {
	// MaxClients is the number of clients that have counters of their own, from 1
	// to 16,777,216. Default: 1,048,576. A client takes up to 200 bytes for each
	// window in which it is active at a time.
	MaxClients int
	// KeyPlaces is how many of them only clients with a key may take. Default: an
	// eighth of MaxClients.
	KeyPlaces int
	// Now is the clock. Default: the system's monotonic clock, which no step of
	// the wall clock moves.
	Now func() time.Time
}

const (
	defaultClients = 1 << 20
	mostClients    = 1 << 24
	maxTiers       = math.MaxUint16
)

// Table holds the counters of all clients in all tiers. It is safe for
// concurrent use.
type Table struct {
	now  clock
	seed [16]byte
	sip  sipKey
	mix  sipKey

	shards [shards]shard
	places places

	evictions  atomic.Uint64
	sharedUses atomic.Uint64
	reclaimer  reclaimer

	mu    sync.Mutex // held while tiers are defined or changed
	tiers atomic.Pointer[[]*Tier]
}

// New makes an empty table with a new secret seed.
func New(o Options) (*Table, error) {
	var seed [16]byte
	rand.Read(seed[:])
	return newTable(o, seed, 0)
}

func newTable(o Options, seed [16]byte, notBefore int64) (*Table, error) {
	t := &Table{seed: seed, now: newClock(o.Now, notBefore)}
	if err := t.SetSize(o.MaxClients, o.KeyPlaces); err != nil {
		return nil, err
	}
	t.sip = sipKey{binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])}
	for i, k := range []*uint64{&t.mix.k0, &t.mix.k1} {
		h := t.sip.begin()
		h.word(uint64(i))
		*k = h.sum()
	}
	for i := range t.shards {
		t.shards[i].table = t
		t.shards[i].due.Store(math.MaxInt64)
		t.shards[i].restartScan()
	}
	t.tiers.Store(&[]*Tier{})
	return t, nil
}

// SetSize changes the numbers of [Options] with the same names, and defaults. If
// more clients are held, none is dropped: they leave as they become empty, and
// until then there is no place for newcomers.
func (t *Table) SetSize(maxClients, keyPlaces int) error {
	if maxClients == 0 {
		maxClients = defaultClients
	}
	if keyPlaces == 0 {
		keyPlaces = maxClients / 8
	}
	if maxClients < 1 || maxClients > mostClients {
		return fmt.Errorf("max clients %d: must be between 1 and %d", maxClients, mostClients)
	}
	if keyPlaces < 0 || keyPlaces > maxClients {
		return fmt.Errorf("%d places for keys: must be between 0 and max clients, %d", keyPlaces, maxClients)
	}
	t.places.max.Store(int64(maxClients))
	t.places.reserved.Store(int64(keyPlaces))
	return nil
}

// Tier is the tier of that name. If there is none yet, or none but the counters
// of one in the snapshot that the table was restored from, it gets the spec;
// otherwise its numbers stay as they are: see [Table.Change]. Names are kept for
// the life of the table, so that a tier that comes back into a configuration
// finds its counters.
//
// All mistakes of the spec are in one error.
func (t *Table) Tier(name string, s Spec) (*Tier, error) {
	p, err := s.compile()
	if err != nil {
		return nil, fmt.Errorf("tier %q: %w", name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := len(*t.tiers.Load())
	tier, err := t.named(name)
	if err != nil {
		return nil, err
	}
	switch {
	case int(tier.no) == known: // nobody has a counter of it yet
		tier.policy.Store(p)
	case tier.policy.Load() == nil:
		t.apply(tier, p)
	}
	return tier, nil
}

// named is the tier of that name, made if there is none. The caller holds mu.
func (t *Table) named(name string) (*Tier, error) {
	tiers := *t.tiers.Load()
	for _, tier := range tiers {
		if tier.name == name {
			return tier, nil
		}
	}
	if len(tiers) == maxTiers {
		return nil, errors.New("too many tiers have been defined since the start: restart to define more")
	}
	tier := &Tier{name: name, no: uint16(len(tiers))}
	tiers = append(tiers[:len(tiers):len(tiers)], tier)
	t.tiers.Store(&tiers)
	return tier, nil
}

// Change gives a tier other numbers. They apply at once, to running windows too:
// a window of another length starts with the history of the one that it
// replaces, which for a longer one is what the shorter one kept. After a change
// of length, requests from before it may count for up to one slice (1/64) of the
// old window longer.
func (t *Table) Change(tier *Tier, s Spec) error {
	p, err := s.compile()
	if err != nil {
		return fmt.Errorf("tier %q: %w", tier.name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.apply(tier, p)
	return nil
}

func (t *Table) apply(tier *Tier, p *policy) {
	old := tier.policy.Swap(p)
	if old != nil && !changesWindows(old, p) {
		return
	}
	// Decisions read the policy under their shard's lock: those that come after
	// this loop has passed their shard know the new one, and so do not bring
	// counters of old windows back.
	added := make([]limit, 0, len(p.windows))
	for _, ms := range p.windows {
		if old == nil || !old.uses(ms) {
			added = append(added, limit{ms: ms})
		}
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		now := t.now()
		for slot, r := range s.index.refs {
			if r != 0 {
				s.align(slot, tier.no, p, added, now)
			}
		}
		s.done()
	}
}

func changesWindows(old, p *policy) bool {
	for _, ms := range p.windows {
		if !old.uses(ms) {
			return true
		}
	}
	return len(old.windows) != len(p.windows)
}

// Stats is the state of a table, for metrics.
type Stats struct {
	Clients    int    // with counters of their own
	Keys       int    // of them, clients with a key
	MaxClients int    // places
	Cells      int    // shared cells in use
	Evictions  uint64 // empty clients removed, since the start
	SharedUses uint64 // decisions in shared cells, since the start
	Bytes      uint64 // memory of the counters and their index
}

// Stats is the state of the table now.
func (t *Table) Stats() Stats {
	strangers, keys := t.places.count()
	st := Stats{
		Clients:    int(strangers + keys),
		Keys:       int(keys),
		MaxClients: int(t.places.max.Load()),
		Cells:      int(t.places.cells.Load()),
		Evictions:  t.evictions.Load(),
		SharedUses: t.sharedUses.Load(),
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		st.Bytes += s.store.bytes() + s.index.bytes()
		s.done()
	}
	return st
}
