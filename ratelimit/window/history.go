package window

// source is a counter whose history others may start with.
type source struct {
	ref ref
	ms  uint32
}

// align gives a client that has counters of a tier one for each of the wanted
// windows, filled with the history that the others kept. Those of windows that
// the tier has no more are replaced by all that it has now.
func (s *shard) align(slot int, tier uint16, p *policy, want []limit, now int64) {
	var few [maxLimits]source
	have, stale := few[:0], false
	for r := s.index.refs[slot]; r != 0; {
		c := s.cell(r)
		if c.tier == tier {
			have = append(have, source{r, c.ms})
			stale = stale || !p.uses(c.ms)
		}
		r = c.next
	}
	if len(have) == 0 {
		return
	}
	for _, l := range want {
		s.addWindow(slot, tier, l.ms, have, now)
	}
	if !stale {
		return
	}
	for _, ms := range p.windows {
		s.addWindow(slot, tier, ms, have, now)
	}
	for link := &s.index.refs[slot]; *link != 0; {
		c := s.cell(*link)
		if c.tier == tier && !p.uses(c.ms) {
			s.unlink(link)
			continue
		}
		link = &c.next
	}
	s.mayEmpty(now)
}

// addWindow adds the counter of a window unless the client has it. Its history is
// that of the shortest window that is long enough, since that has the finest
// slices; if none is, of the longest. Counters that were added a moment ago are
// no sources: their slices may be coarser than what they were filled from.
func (s *shard) addWindow(slot int, tier uint16, ms uint32, have []source, now int64) {
	link := &s.index.refs[slot]
	for *link != 0 {
		c := s.cell(*link)
		if c.tier == tier && c.ms == ms {
			return
		}
		link = &c.next
	}
	from := have[0]
	for _, h := range have[1:] {
		if better(h.ms, from.ms, ms) {
			from = h
		}
	}
	like := *s.cell(from.ref)
	like.ms = ms
	s.newCell(link, like, now)
	s.copyHistory(link, from.ref, now)
}

// better reports whether a window of length a is a better source than one of
// length b, for one of length ms.
func better(a, b, ms uint32) bool {
	if a >= ms && b >= ms {
		return a < b
	}
	return a > b
}

// copyHistory counts in one cell what is counted in another. A request is put at
// the end of its slice, the latest time at which it can have been, so that no
// window gets more than its limit.
func (s *store) copyHistory(to *ref, from ref, now int64) {
	src := s.cell(from)
	length := src.sliceLength()
	for k := src.head - perWindow; k <= src.head; k++ {
		if k < 0 {
			continue
		}
		n := s.count(from, position(k))
		if n == 0 {
			continue
		}
		dst := s.cell(*to)
		slice := dst.slice(min((k+1)*length-1, now))
		if slice > dst.head-ring {
			s.add(to, slice, n)
		}
	}
}
