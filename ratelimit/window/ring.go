package window

import "math"

// sliceLength is the length of the cell's slices in nanoseconds.
func (c *cell) sliceLength() int64 { return int64(c.ms) * nsPerMS }

// slice is the number of the slice that a time lies in.
func (c *cell) slice(at int64) int64 { return at / c.sliceLength() }

// forgotten is the time from which the slice no longer counts.
func (c *cell) forgotten(slice int64) int64 { return (slice + ring) * c.sliceLength() }

func position(slice int64) int { return int(uint64(slice) % ring) }

// advance forgets what has left the window at the given time. Before it, sum and
// the slices are those of an earlier time.
func (s *store) advance(r ref, c *cell, now int64) {
	if c.passed(now) {
		s.roll(r, c, c.slice(now))
	}
}

// passed reports whether the newest slice is over. It spares most requests the
// division, which costs more than the rest.
func (c *cell) passed(now int64) bool {
	length := c.sliceLength()
	return now-c.head*length >= length
}

func (s *store) roll(r ref, c *cell, slice int64) {
	old := c.head
	c.head = slice
	switch r.width() {
	case sparse:
		sp := s.sparse.at(r)
		for i, n := range sp.n {
			if n > 0 && oldSlice(old, sp.at[i]) <= slice-ring {
				c.sum -= uint32(n)
				sp.n[i] = 0
			}
		}
	case dense:
		rollRing(&s.dense.at(r).n, &c.sum, old, slice)
	default:
		rollRing(&s.wide.at(r).n, &c.sum, old, slice)
	}
}

// oldSlice is the slice at a position while head is the newest.
func oldSlice(head int64, at uint8) int64 {
	return head - int64((position(head)+ring-int(at))%ring)
}

func rollRing[N uint16 | uint32](n *[ring]N, sum *uint32, old, slice int64) {
	if slice-old >= ring {
		*n = [ring]N{}
		*sum = 0
		return
	}
	i := position(old)
	for range slice - old {
		if i++; i == ring {
			i = 0
		}
		*sum -= uint32(n[i])
		n[i] = 0
	}
}

// add counts n requests in a slice that the cell still keeps, in a wider cell
// where this one is too narrow. The link is what refers to the cell.
func (s *store) add(link *ref, slice int64, n uint32) {
	r, at := *link, position(slice)
	switch r.width() {
	case sparse:
		sp := s.sparse.at(r)
		if !sp.add(uint8(at), n) {
			link.set(s.widen(r, uint32(s.sparseCount(r, at))+n))
			s.add(link, slice, n)
			return
		}
		sp.sum += n
	case dense:
		d := s.dense.at(r)
		if uint32(d.n[at])+n > math.MaxUint16 {
			link.set(s.widen(r, uint32(d.n[at])+n))
			s.add(link, slice, n)
			return
		}
		d.n[at] += uint16(n)
		d.sum += n
	default:
		w := s.wide.at(r)
		w.n[at] += n
		w.sum += n
	}
}

// add reports whether the cell is wide enough.
func (sp *sparseCell) add(at uint8, n uint32) bool {
	free := -1
	for i := range sp.n {
		switch {
		case sp.n[i] == 0:
			free = i
		case sp.at[i] == at:
			if uint32(sp.n[i])+n > math.MaxUint16 {
				return false
			}
			sp.n[i] += uint16(n)
			return true
		}
	}
	if free < 0 || n > math.MaxUint16 {
		return false
	}
	sp.at[free], sp.n[free] = at, uint16(n)
	return true
}

// widen moves a cell into one that holds a slice of the given count.
func (s *store) widen(r ref, count uint32) ref {
	var to ref
	var toCell *cell
	if count > math.MaxUint16 {
		nr, w := s.newWide()
		for i := range w.n {
			w.n[i] = s.count(r, i)
		}
		to, toCell = nr, &w.cell
	} else {
		nr, d := s.newDense()
		for i := range d.n {
			d.n[i] = uint16(s.count(r, i))
		}
		to, toCell = nr, &d.cell
	}
	*toCell = *s.cell(r)
	s.release(r)
	return to
}

// count is what is counted at a position.
func (s *store) count(r ref, at int) uint32 {
	switch r.width() {
	case sparse:
		return uint32(s.sparseCount(r, at))
	case dense:
		return uint32(s.dense.at(r).n[at])
	}
	return s.wide.at(r).n[at]
}

func (s *store) sparseCount(r ref, at int) uint16 {
	sp := s.sparse.at(r)
	for i, n := range sp.n {
		if n > 0 && int(sp.at[i]) == at {
			return n
		}
	}
	return 0
}

// takeBack undoes one add, if the cell still keeps it.
func (s *store) takeBack(r ref, c *cell, slice int64) {
	if slice > c.head || slice <= c.head-ring {
		return
	}
	at := position(slice)
	switch r.width() {
	case sparse:
		sp := s.sparse.at(r)
		for i := range sp.n {
			if sp.n[i] > 0 && int(sp.at[i]) == at {
				sp.n[i]--
				c.sum--
				return
			}
		}
	case dense:
		decrement(&s.dense.at(r).n[at], &c.sum)
	default:
		decrement(&s.wide.at(r).n[at], &c.sum)
	}
}

func decrement[N uint16 | uint32](n *N, sum *uint32) {
	if *n > 0 {
		*n--
		*sum--
	}
}

// newest is the newest slice in which anything is counted, of a cell that is not
// empty.
func (s *store) newest(r ref, c *cell) int64 {
	k, at := c.head, position(c.head)
	for s.count(r, at) == 0 {
		k--
		if at--; at < 0 {
			at = ring - 1
		}
	}
	return k
}

// freeing is the slice with whose forgetting the given number of requests, and
// no fewer than that, have been forgotten. The cell has as many.
func (s *store) freeing(r ref, c *cell, need uint32) int64 {
	oldest := c.head - perWindow
	switch r.width() {
	case sparse:
		var n [ring]uint16
		sp := s.sparse.at(r)
		for i, at := range sp.at {
			n[at] += sp.n[i] // a free one is zero
		}
		return freeing(&n, oldest, need)
	case dense:
		return freeing(&s.dense.at(r).n, oldest, need)
	}
	return freeing(&s.wide.at(r).n, oldest, need)
}

func freeing[N uint16 | uint32](n *[ring]N, slice int64, need uint32) int64 {
	at := int(uint64(slice+ring) % ring)
	for gone := uint32(0); ; slice++ {
		if gone += uint32(n[at]); gone >= need {
			return slice
		}
		if at++; at == ring {
			at = 0
		}
	}
}
