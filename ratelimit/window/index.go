package window

// index finds the first cell of a client: open addressing with linear probing.
// A byte of the hash beside each reference spares most looks at cells of other
// clients, which at a million of them are not in any cache.
type index struct {
	tags []uint8 // 0: empty
	refs []ref
	n    int
}

func tag(hash uint64) uint8 { return max(uint8(hash>>48), 1) }

// bytes is the memory that the index holds.
func (x *index) bytes() uint64 { return uint64(len(x.tags)) * 5 }

// find is the slot of a client, or -1.
func (s *shard) find(id ID, hash uint64) int {
	if s.index.n == 0 {
		return -1
	}
	mask := uint64(len(s.index.tags) - 1)
	want := tag(hash)
	for i := hash & mask; s.index.tags[i] != 0; i = (i + 1) & mask {
		if s.index.tags[i] == want && s.cell(s.index.refs[i]).id == id {
			return int(i)
		}
	}
	return -1
}

// insert puts a client that is not there into the index. It moves the slots of
// others.
func (s *shard) insert(r ref, hash uint64) int {
	if 4*(s.index.n+1) > 3*len(s.index.tags) {
		s.grow()
	}
	s.index.n++
	return s.put(r, hash)
}

func (s *shard) put(r ref, hash uint64) int {
	mask := uint64(len(s.index.tags) - 1)
	i := hash & mask
	for s.index.tags[i] != 0 {
		i = (i + 1) & mask
	}
	s.index.tags[i], s.index.refs[i] = tag(hash), r
	return int(i)
}

func (s *shard) grow() {
	old := s.index.refs
	size := max(16, 2*len(old))
	s.index.tags, s.index.refs = make([]uint8, size), make([]ref, size)
	for _, r := range old {
		if r != 0 {
			s.put(r, s.table.hash(s.cell(r).id))
		}
	}
	s.restartScan()
}

// remove empties a slot and closes the gap, so that no probe ends early. What
// follows may move into the slot.
func (s *shard) remove(slot int) {
	mask := uint64(len(s.index.tags) - 1)
	gap := uint64(slot)
	for i := (gap + 1) & mask; s.index.tags[i] != 0; i = (i + 1) & mask {
		home := s.table.hash(s.cell(s.index.refs[i]).id) & mask
		if (i-home)&mask >= (i-gap)&mask {
			s.index.tags[gap], s.index.refs[gap] = s.index.tags[i], s.index.refs[i]
			gap = i
		}
	}
	s.index.tags[gap], s.index.refs[gap] = 0, 0
	s.index.n--
}
