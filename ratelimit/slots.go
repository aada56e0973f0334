package ratelimit

import (
	"hash/maphash"
	"sync"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// slots counts what is in flight, by limit and client. It holds no more
// entries than there are requests in flight.
type slots struct {
	seed   maphash.Seed
	shards [64]slotShard
}

type slotShard struct {
	mu   sync.Mutex
	held map[slot]int
}

// slot is what is counted together.
type slot struct {
	limit  string
	client window.ID
}

func newSlots() *slots {
	s := &slots{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].held = make(map[slot]int)
	}
	return s
}

func (s *slots) shard(of slot) *slotShard {
	return &s.shards[maphash.Comparable(s.seed, of)%uint64(len(s.shards))]
}

// take takes a slot, unless as many as the limit are taken.
func (s *slots) take(of slot, limit int) bool {
	shard := s.shard(of)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.held[of] >= limit {
		return false
	}
	shard.held[of]++
	return true
}

// held is how many slots a client has taken.
func (s *slots) held(of slot) int {
	shard := s.shard(of)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	return shard.held[of]
}

// give returns a slot.
func (s *slots) give(of slot) {
	shard := s.shard(of)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.held[of]--; shard.held[of] == 0 {
		delete(shard.held, of)
	}
}

// usedBy is the number of slots that a client has taken.
func (s *slots) usedBy(client window.ID) (n int) {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		for of, held := range shard.held {
			if of.client == client {
				n += held
			}
		}
		shard.mu.Unlock()
	}
	return n
}

// used is the number of slots that are taken.
func (s *slots) used() (n int) {
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		for _, held := range shard.held {
			n += held
		}
		shard.mu.Unlock()
	}
	return n
}
