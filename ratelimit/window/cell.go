package window

import "unsafe"

const (
	perWindow = 64            // slices of a window
	ring      = perWindow + 1 // counters that are kept: see the package comment

	// nsPerMS is the length of a slice, in nanoseconds, for each millisecond of
	// its window. Windows are whole milliseconds, so slices are exact.
	nsPerMS = int64(1e6 / perWindow)

	sparseSlices = 8
)

// cell is one counter of one client: the requests of one tier in one window. The
// cells of a client are a chain, whose first is in the shard's index.
type cell struct {
	id    ID
	head  int64  // the newest slice: time / slice length
	sum   uint32 // of all slices
	ms    uint32 // length of the window
	next  ref
	tier  uint16
	class class // of client; only the chain's first matters
	// born is what shard.resets was when the client's counters of the tier began:
	// what was charged to others, before a reset, is not given back to these.
	born uint8
}

// class is what kind of place a client has.
type class uint8

const (
	stranger class = iota
	key            // may take a reserved place
	network        // a shared cell: takes no place
)

// The three widths of a counter. A slice's counter is at its number modulo ring,
// except in a sparse cell, which names the positions of those it has.
type (
	sparseCell struct {
		cell
		n  [sparseSlices]uint16
		at [sparseSlices]uint8
	}
	denseCell struct {
		cell
		n [ring]uint16
	}
	wideCell struct {
		cell
		n [ring]uint32
	}
)

// ref names a cell of a shard: two bits of width, six of the tag that the index
// puts there, 16 of chunk, eight of place in the chunk. Zero is none.
type ref uint32

const (
	sparse = 1 + iota
	dense
	wide
)

const (
	tagShift = 24
	tagMask  = ref(1<<6-1) << tagShift

	mostChunks = 1 << 16
)

func (r ref) width() uint32 { return uint32(r) >> 30 }
func (r ref) chunk() uint32 { return uint32(r) >> 8 & (mostChunks - 1) }
func (r ref) place() uint32 { return uint32(r) & 0xff }
func (r ref) plain() ref    { return r &^ tagMask }

// set makes a link refer to another cell. A link of the index keeps its tag.
func (r *ref) set(to ref) { *r = *r&tagMask | to.plain() }

// slab keeps cells of one width in chunks of 16 KiB, a size that Go's allocator
// serves without waste. Between two requests it has no gaps.
type slab[T any] struct {
	chunks [][]T
	used   int   // cells of the last chunk
	spare  []T   // a chunk kept so that one cell coming and going costs nothing
	gaps   []ref // cells given up in this request; their ms is zero
}

const chunkBytes = 16 << 10

func (s *slab[T]) at(r ref) *T { return &s.chunks[r.chunk()][r.place()] }

// alloc is a zeroed cell.
func (s *slab[T]) alloc(width uint32) (ref, *T) {
	var zero T
	if n := len(s.gaps); n > 0 {
		r := s.gaps[n-1]
		s.gaps = s.gaps[:n-1]
		c := s.at(r)
		*c = zero
		return r, c
	}
	if len(s.chunks) == mostChunks && s.used == len(s.chunks[0]) {
		// A gigabyte of counters in one 64th of the table: memory is at its end.
		panic("rate limits: more counters than a table can hold: lower max_clients")
	}
	if per := chunkBytes / int(unsafe.Sizeof(zero)); len(s.chunks) == 0 || s.used == per {
		if s.spare == nil {
			s.spare = make([]T, per)
		}
		s.chunks, s.used, s.spare = append(s.chunks, s.spare), 0, nil
	}
	r := ref(width<<30 | uint32(len(s.chunks)-1)<<8 | uint32(s.used))
	s.used++
	c := s.at(r)
	*c = zero
	return r, c
}

func (s *slab[T]) release(r ref, c *cell) {
	*c = cell{}
	s.gaps = append(s.gaps, r.plain())
}

// pack fills the gaps with the last cells. What referred to those is told by
// moved.
func (s *slab[T]) pack(width uint32, header func(*T) *cell, moved func(c *cell, from, to ref)) {
	for _, gap := range s.gaps {
		for s.used > 0 && header(s.at(s.last(width))).ms == 0 {
			s.shrink()
		}
		if s.used == 0 {
			break
		}
		if last := s.last(width); gap < last {
			c := s.at(last)
			*s.at(gap) = *c
			moved(header(c), last, gap)
			s.shrink()
		}
	}
	s.gaps = s.gaps[:0]
	if cap(s.gaps) > 64 {
		s.gaps = nil
	}
}

// last is the last cell of a slab that is not empty.
func (s *slab[T]) last(width uint32) ref {
	return ref(width<<30 | uint32(len(s.chunks)-1)<<8 | uint32(s.used-1))
}

// shrink gives up the last cell.
func (s *slab[T]) shrink() {
	if s.used--; s.used > 0 {
		return
	}
	last := len(s.chunks) - 1
	s.spare, s.chunks[last] = s.chunks[last], nil
	s.chunks = s.chunks[:last]
	if last > 0 {
		s.used = len(s.chunks[last-1])
	}
}

func (s *slab[T]) bytes() uint64 {
	n := len(s.chunks)
	if s.spare != nil {
		n++
	}
	return uint64(n) * chunkBytes
}

// store is all the cells of a shard.
type store struct {
	sparse slab[sparseCell]
	dense  slab[denseCell]
	wide   slab[wideCell]
}

func (c *sparseCell) header() *cell { return &c.cell }
func (c *denseCell) header() *cell  { return &c.cell }
func (c *wideCell) header() *cell   { return &c.cell }

func (s *store) cell(r ref) *cell {
	switch r.width() {
	case sparse:
		return &s.sparse.at(r).cell
	case dense:
		return &s.dense.at(r).cell
	}
	return &s.wide.at(r).cell
}

func (s *store) newSparse() (ref, *sparseCell) {
	return s.sparse.alloc(sparse)
}

func (s *store) newDense() (ref, *denseCell) {
	return s.dense.alloc(dense)
}

func (s *store) newWide() (ref, *wideCell) {
	return s.wide.alloc(wide)
}

// release leaves a gap, so that no other cell moves while a chain is walked.
func (s *store) release(r ref) {
	switch c := s.cell(r); r.width() {
	case sparse:
		s.sparse.release(r, c)
	case dense:
		s.dense.release(r, c)
	default:
		s.wide.release(r, c)
	}
}

// bytes is the memory that the cells hold.
func (s *store) bytes() uint64 {
	return s.sparse.bytes() + s.dense.bytes() + s.wide.bytes()
}
