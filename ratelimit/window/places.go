package window

import "sync/atomic"

// places is how many clients there are and may be. Both counts are in one word,
// so that two newcomers cannot take the last place together.
type places struct {
	held     atomic.Uint64 // strangers<<32 | keys
	cells    atomic.Int64
	max      atomic.Int64
	reserved atomic.Int64
}

func (p *places) count() (strangers, keys int64) {
	h := p.held.Load()
	return int64(h >> 32), int64(h & (1<<32 - 1))
}

// room reports whether a newcomer of the class may have a place.
func (p *places) room(cl class) bool {
	strangers, keys := p.count()
	return p.fits(cl, strangers, keys)
}

func (p *places) fits(cl class, strangers, keys int64) bool {
	if cl == stranger {
		keys = max(keys, p.reserved.Load())
	}
	return strangers+keys < p.max.Load()
}

// take takes a place if there is one.
func (p *places) take(cl class) bool {
	if cl == network {
		p.cells.Add(1)
		return true
	}
	for {
		h := p.held.Load()
		if !p.fits(cl, int64(h>>32), int64(h&(1<<32-1))) {
			return false
		}
		if p.held.CompareAndSwap(h, h+cl.unit()) {
			return true
		}
	}
}

// claim takes a place whether there is one or not.
func (p *places) claim(cl class) {
	if cl == network {
		p.cells.Add(1)
		return
	}
	p.held.Add(cl.unit())
}

func (p *places) give(cl class) {
	if cl == network {
		p.cells.Add(-1)
		return
	}
	p.held.Add(-cl.unit())
}

// unit is one client in places.held.
func (cl class) unit() uint64 {
	if cl == key {
		return 1
	}
	return 1 << 32
}
