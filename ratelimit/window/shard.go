package window

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// shards is the number of locks. With 64, a set of them is a word.
const shards = 64

// shard holds the clients whose hash begins with its number. Everything in it
// but due belongs to the holder of the lock.
type shard struct {
	sync.Mutex
	table *Table
	store
	index index

	// due is a time before which no client of the shard becomes empty, as far as
	// anybody can know without looking at each.
	due atomic.Int64
	// scanned is the slot that the search for empty clients goes on at, scanDue
	// what due will be when it has seen all.
	scanned int
	scanDue int64

	// resets counts the clients that were reset here: see cell.born.
	resets uint8

	_ [64]byte // keeps the locks of two shards apart in the cache
}

func shardOf(hash uint64) uint { return uint(hash >> 58) }

// shardSet is a set of shards, one bit each. Locking in ascending order is what
// keeps two requests with several clients from waiting for each other.
type shardSet uint64

func (set shardSet) with(hash uint64) shardSet { return set | 1<<shardOf(hash) }

func (t *Table) lock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		t.shards[bits.TrailingZeros64(uint64(set))].Lock()
	}
}

func (t *Table) unlock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		t.shards[bits.TrailingZeros64(uint64(set))].done()
	}
}

// done closes the gaps that cells have left, and unlocks.
func (s *shard) done() {
	if len(s.sparse.gaps)+len(s.dense.gaps)+len(s.wide.gaps) > 0 {
		s.sparse.pack(sparse, (*sparseCell).header, s.moved)
		s.dense.pack(dense, (*denseCell).header, s.moved)
		s.wide.pack(wide, (*wideCell).header, s.moved)
	}
	s.Unlock()
}

// moved corrects what refers to a cell.
func (s *shard) moved(c *cell, from, to ref) {
	link := &s.index.refs[s.find(c.id, s.table.hash(c.id))]
	for link.plain() != from {
		link = &s.cell(*link).next
	}
	link.set(to)
}

func (s *shard) restartScan() { s.scanned, s.scanDue = 0, math.MaxInt64 }

// mayEmpty says that a client may be empty from the given time on.
func (s *shard) mayEmpty(at int64) {
	s.due.Store(min(s.due.Load(), at))
	s.scanDue = min(s.scanDue, at)
}

// empties brings a client to the given time and is the time at which nothing of
// it is counted any more, not after now if that is so already.
func (s *shard) empties(slot int, now int64) int64 {
	var at int64
	for r := s.index.refs[slot]; r != 0; {
		c := s.cell(r)
		s.advance(r, c, now)
		if c.sum > 0 {
			at = max(at, c.forgotten(s.newest(r, c)))
		}
		r = c.next
	}
	return at
}

// drop removes a client, empty or not, and gives its place back.
func (s *shard) drop(slot int) {
	r := s.index.refs[slot]
	cl := s.cell(r).class
	s.remove(slot)
	for r != 0 {
		next := s.cell(r).next
		s.release(r)
		r = next
	}
	s.table.places.give(cl)
	if s.index.n == 0 {
		s.index = index{}
		s.restartScan()
	}
}

// prune removes the counters of those tiers of which the client has nothing left.
// All windows of a tier go together: a shorter one alone could only be filled
// again from a longer one, whose slices are too coarse for it.
func (s *shard) prune(slot int) {
	for link := &s.index.refs[slot]; *link != 0; {
		c := s.cell(*link)
		if c.sum > 0 || s.tierInUse(s.index.refs[slot], c.tier) {
			link = &c.next
			continue
		}
		s.unlink(link)
	}
}

func (s *shard) tierInUse(chain ref, tier uint16) bool {
	for r := chain; r != 0; {
		c := s.cell(r)
		if c.tier == tier && c.sum > 0 {
			return true
		}
		r = c.next
	}
	return false
}

// unlink takes a cell out of its chain, in which there is another.
func (s *shard) unlink(link *ref) {
	r := *link
	c := s.cell(r)
	if next := c.next; next != 0 {
		s.cell(next).class = c.class
	}
	link.set(c.next)
	s.release(r)
}

// newCell puts an empty counter like the given one at the end of a chain, which
// is where the link is.
func (s *shard) newCell(link *ref, like cell, now int64) *cell {
	r, sp := s.newSparse()
	sp.cell = cell{id: like.id, class: like.class, tier: like.tier, ms: like.ms, born: like.born}
	sp.head = sp.slice(now)
	link.set(r)
	return &sp.cell
}
