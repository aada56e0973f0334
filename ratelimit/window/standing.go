package window

import "time"

// standing reads the counters, which are those of the given time.
func (s *shard) standing(to *Standing, p *place, tier uint16, now int64) {
	for i, l := range p.limits {
		if i == 0 {
			s.measure(to, p.slot, tier, l, now)
			continue
		}
		var st Standing
		if s.measure(&st, p.slot, tier, l, now); st.Tighter(to) {
			*to = st
		}
	}
	to.Exceeded = !p.room
	to.Shared = p.class == network
}

// counter is the client's counter of one window, or 0.
func (s *shard) counter(slot int, tier uint16, ms uint32) ref {
	if slot < 0 {
		return 0
	}
	for r := s.index.refs[slot]; r != 0; {
		c := s.cell(r)
		if c.tier == tier && c.ms == ms {
			return r
		}
		r = c.next
	}
	return 0
}

// measure reads the standing against one limit, and the number used.
func (s *shard) measure(st *Standing, slot int, tier uint16, l limit, now int64) (used uint32) {
	*st = Standing{
		Limit:     int(l.n),
		Window:    time.Duration(l.ms) * time.Millisecond,
		Remaining: int(l.n),
	}
	r := s.counter(slot, tier, l.ms)
	if r == 0 {
		return 0
	}
	c := s.cell(r)
	if c.sum == 0 {
		return 0
	}
	st.Reset = time.Duration(c.forgotten(s.newest(r, c)) - now)
	if st.Remaining = int(l.n) - int(c.sum); st.Remaining <= 0 {
		st.Remaining = 0
		st.RetryAfter = time.Duration(c.forgotten(s.freeing(r, c, c.sum-l.n+1)) - now)
	}
	return c.sum
}

// Tighter reports whether a client has less left by one standing than by
// another.
func (st *Standing) Tighter(than *Standing) bool {
	if st.RetryAfter != than.RetryAfter {
		return st.RetryAfter > than.RetryAfter
	}
	if st.Remaining != than.Remaining {
		return st.Remaining < than.Remaining
	}
	return st.Reset > than.Reset
}
