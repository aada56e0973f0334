package keys

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// slot is one secret: all that a look-up reads, in the 64 bytes of one cache line. What makes a look-up among a million
// keys slower than among ten is waiting for memory, and nothing else.
type slot struct {
	hash   Hash
	ends   int64
	key    *Key
	secret *Secret
	used   *atomic.Int64
}

// Values of slot.ends, which is otherwise the first Unix second at which the secret is no longer accepted.
const (
	neverEnds = math.MaxInt64
	isRevoked = math.MinInt64
)

func newSlot(k *Key, s *Secret, used *atomic.Int64) slot {
	sl := slot{hash: s.Hash, ends: neverEnds, key: k, secret: s, used: used}
	if end := earlier(k.Expires, s.NotAfter); !end.IsZero() {
		sl.ends = end.Unix()
	}
	if !k.Revoked.IsZero() || !s.Revoked.IsZero() {
		sl.ends = isRevoked
	}
	return sl
}

func (s *slot) outcome(now time.Time) Outcome {
	switch {
	case s.ends == isRevoked:
		return Revoked
	case now.Unix() >= s.ends:
		return Expired
	}
	return Found
}

// index finds slots by hash: an open hash table, at most half full. A place holds 32 bits of the hash, so that nearly
// every slot that is read is the right one, and the slot's number from 1; 0 is empty. Hashes are SHA-256's, so they are
// spread evenly whoever chose the secrets, and need no further hashing.
type index struct {
	places []uint64
	slots  []slot
}

func newIndex(secrets int) index {
	return index{
		places: make([]uint64, 1<<bits.Len(uint(2*secrets))),
		slots:  make([]slot, 0, secrets),
	}
}

// nobody is compared with when no place has the hash, so that there is always something to compare with.
var nobody slot

// find returns the slot of a hash, or nil. The hash itself is compared in constant time.
func (x *index) find(h *Hash) *slot {
	at, tag := x.start(h)
	for {
		place := x.places[at]
		s := &nobody
		if place>>32 == tag && place != 0 {
			s = &x.slots[uint32(place)-1]
		}
		same := h.equal(&s.hash)
		switch {
		case place == 0:
			return nil
		case same && s != &nobody:
			return s
		}
		at = (at + 1) & uint64(len(x.places)-1)
	}
}

func (x *index) start(h *Hash) (at, tag uint64) {
	return binary.LittleEndian.Uint64(h[:8]) & uint64(len(x.places)-1), uint64(binary.LittleEndian.Uint32(h[8:12]))
}

// add takes a slot whose hash is not there yet.
func (x *index) add(s slot) {
	x.slots = append(x.slots, s)
	at, tag := x.start(&s.hash)
	for x.places[at] != 0 {
		at = (at + 1) & uint64(len(x.places)-1)
	}
	x.places[at] = tag<<32 | uint64(len(x.slots))
}
