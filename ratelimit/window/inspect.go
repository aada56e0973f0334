package window

import (
	"slices"
	"time"
)

// Whereabouts says where a client is counted.
type Whereabouts int

const (
	// Nowhere: nothing is counted for the client.
	Nowhere Whereabouts = iota
	// Own: the client has counters of its own.
	Own
	// Shared: the client, if it came, would be counted in its network's shared
	// cell, together with others.
	Shared
)

// String is the word for it.
func (w Whereabouts) String() string {
	return [...]string{"nowhere", "own", "shared"}[w]
}

// Reading is one client's standing against one limit of a tier.
type Reading struct {
	Tier string
	Standing
	// Used is what is counted in the window now.
	Used int
}

// Inspect reads a client's standing against every limit, of the plan if a tier
// has it, in every tier that has been defined. It changes nothing.
func (t *Table) Inspect(c Client, plan string) (Whereabouts, []Reading) {
	s, slot, where, unlock := t.whereabouts(c)
	defer unlock()
	now := t.now()
	var out []Reading
	for _, tier := range *t.tiers.Load() {
		p := tier.policy.Load()
		if p == nil {
			continue
		}
		for _, l := range p.of(plan) {
			rd := Reading{Tier: tier.name}
			if r := s.counter(slot, tier.no, l.ms); r != 0 {
				s.advance(r, s.cell(r), now)
			}
			rd.Used = int(s.measure(&rd.Standing, slot, tier.no, l, now))
			rd.Shared = where == Shared
			rd.Exceeded = rd.Remaining == 0
			out = append(out, rd)
		}
	}
	return where, out
}

// Reset forgets everything that is counted for a client, and says where that
// was. Of a client in a shared cell it empties the cell, for all the newcomers of
// that network: nothing less would let the client in.
func (t *Table) Reset(c Client) Whereabouts {
	s, slot, where, unlock := t.whereabouts(c)
	defer unlock()
	if where != Nowhere {
		s.drop(slot)
		s.resets++
		s.restartScan()
		s.mayEmpty(0)
	}
	return where
}

// whereabouts locks the client's shard and its cell's, and finds which of them
// counts it.
func (t *Table) whereabouts(c Client) (s *shard, slot int, w Whereabouts, unlock func()) {
	cell := t.cell(c)
	own, shared := t.hash(c.ID), t.hash(cell)
	set := shardSet(0).with(own).with(shared)
	t.lock(set)
	unlock = func() { t.unlock(set) }
	s = &t.shards[shardOf(own)]
	if slot = s.find(c.ID, own); slot >= 0 {
		return s, slot, Own, unlock
	}
	s = &t.shards[shardOf(shared)]
	now := t.now()
	if slot = s.find(cell, shared); slot >= 0 && s.empties(slot, now) > now {
		return s, slot, Shared, unlock
	}
	return s, -1, Nowhere, unlock
}

// Use is how much of a tier one client has used.
type Use struct {
	ID ID
	// Used is what is counted in Window, the client's longest in the tier.
	Used   int
	Window time.Duration
	// Cell says that this is no client but a network's shared cell.
	Cell bool
}

// Top is the clients that have used most of a tier, at most n, most first.
func (t *Table) Top(tier *Tier, n int) []Use {
	var top []Use
	if n <= 0 {
		return nil
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		now := t.now()
		for slot := range s.index.refs {
			u, ok := s.use(slot, tier.no, now)
			if !ok || len(top) == n && !more(u, top[n-1]) {
				continue
			}
			at, _ := slices.BinarySearchFunc(top, u, func(a, b Use) int {
				if more(a, b) {
					return -1
				}
				return 1
			})
			top = slices.Insert(top, at, u)
			top = top[:min(n, len(top))]
		}
		s.done()
	}
	return top
}

// more orders by use, and by identity among equals, so that the same state gives
// the same list.
func more(a, b Use) bool {
	if a.Used != b.Used {
		return a.Used > b.Used
	}
	return a.ID.who < b.ID.who || a.ID.who == b.ID.who && a.ID.where < b.ID.where
}

func (s *shard) use(slot int, tier uint16, now int64) (Use, bool) {
	var u Use
	for r := s.index.refs[slot]; r != 0; {
		c := s.cell(r)
		s.advance(r, c, now)
		window := time.Duration(c.ms) * time.Millisecond
		if c.tier == tier && c.sum > 0 && window > u.Window {
			u = Use{ID: c.id, Used: int(c.sum), Window: window, Cell: c.class == network}
		}
		r = c.next
	}
	return u, u.Used > 0
}
