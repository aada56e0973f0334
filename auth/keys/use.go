package keys

import (
	"sync/atomic"
	"time"
)

// touch notes that a secret was used, in whole seconds and only forwards: at most one write a second for each secret,
// so that a busy key does not become a busy cache line.
func touch(used *atomic.Int64, now time.Time) {
	seconds := now.Unix()
	for {
		last := used.Load()
		if seconds <= last || used.CompareAndSwap(last, seconds) {
			return
		}
	}
}

// Adopt carries the times of last use over from the ring that this one replaces, for the secrets that both hold. The two
// rings then share them, so requests that still run on the old one are counted too. It must be called before the new
// ring is used.
func (r *Ring) Adopt(old *Ring) {
	if old == nil {
		return
	}
	for i := range r.byHash.slots {
		mine := &r.byHash.slots[i]
		theirs := old.byHash.find(&mine.hash)
		if theirs == nil {
			continue
		}
		if last := mine.used.Load(); last > 0 {
			touch(theirs.used, time.Unix(last, 0))
		}
		mine.used = theirs.used
	}
}

// Keys returns a copy of all keys in the order in which they were given, with the times of last use.
func (r *Ring) Keys() []Key {
	all := make([]Key, len(r.keys))
	for i := range r.keys {
		all[i] = r.keys[i].clone()
	}
	next := 0
	for i := range all {
		for j := range all[i].Secrets {
			if seconds := r.byHash.slots[next].used.Load(); seconds > 0 {
				all[i].Secrets[j].LastUsed = time.Unix(seconds, 0).UTC()
			}
			next++
		}
	}
	return all
}

// Key returns the key of an id, or nil. It must not be changed; its times of last use are those of Keys.
func (r *Ring) Key(id string) *Key {
	return r.byID[id]
}

// Len returns the number of keys.
func (r *Ring) Len() int { return len(r.keys) }
