package window

import (
	"math"
	"sync"
)

// reclaimer remembers where the search for an empty client goes on.
type reclaimer struct {
	mu    sync.Mutex
	shard int
}

// reclaimBudget is how many clients a newcomer to a full table looks at. Where
// nothing can have become empty it looks at none.
const reclaimBudget = 64

// makeRoom looks for empty clients while the table is full. The caller holds no
// shard.
func (t *Table) makeRoom(cl class) {
	if t.places.room(cl) {
		return
	}
	t.reclaimer.mu.Lock()
	defer t.reclaimer.mu.Unlock()
	now, budget := t.now(), reclaimBudget
	for range shards {
		s := &t.shards[t.reclaimer.shard]
		if s.due.Load() <= now {
			s.Lock()
			budget -= s.reclaim(now, budget)
			s.done()
			if budget <= 0 {
				return
			}
		}
		t.reclaimer.shard = (t.reclaimer.shard + 1) % shards
	}
}

// Sweep removes all clients of which nothing is left in any window, and the
// counters of tiers that a client has not used for as long. Without it they are
// removed as newcomers need their places; it keeps [Stats] true and gives memory
// back. To be called every few seconds or so: it locks one 64th of the clients at
// a time, and looks at no shard in which nothing can have become empty.
func (t *Table) Sweep() {
	now := t.now()
	for i := range t.shards {
		s := &t.shards[i]
		if s.due.Load() > now {
			continue
		}
		s.Lock()
		s.restartScan()
		s.reclaim(now, math.MaxInt)
		s.done()
	}
}

// reclaim looks at no more clients than the budget, drops those that are empty
// and is the number that it looked at.
func (s *shard) reclaim(now int64, budget int) (looked int) {
	for looked < budget {
		if s.scanned >= len(s.index.refs) {
			s.due.Store(s.scanDue)
			s.restartScan()
			return looked
		}
		if s.index.refs[s.scanned] == 0 {
			s.scanned++
			continue
		}
		looked++
		at := s.empties(s.scanned, now)
		if at <= now {
			s.drop(s.scanned) // another may have moved into the slot
			s.table.evictions.Add(1)
			continue
		}
		s.prune(s.scanned)
		s.scanDue = min(s.scanDue, at)
		s.scanned++
	}
	return looked
}
