package window

// index finds the first cell of a client: open addressing with linear probing.
// Six bits of the hash in each reference spare nearly all looks at cells of other
// clients, which at a million of them are not in any cache.
type index struct {
	refs []ref
	n    int
}

func tag(hash uint64) ref { return ref(hash>>48) << tagShift & tagMask }

// bytes is the memory that the index holds.
func (x *index) bytes() uint64 { return uint64(len(x.refs)) * 4 }

// find is the slot of a client, or -1.
func (s *shard) find(id ID, hash uint64) int {
	if s.index.n == 0 {
		return -1
	}
	refs, want := s.index.refs, tag(hash)
	mask := uint64(len(refs) - 1)
	for i := hash & mask; refs[i] != 0; i = (i + 1) & mask {
		if refs[i]&tagMask == want && s.cell(refs[i]).id == id {
			return int(i)
		}
	}
	return -1
}

// insert puts a client that is not there into the index. It moves the slots of
// others.
func (s *shard) insert(r ref, hash uint64) int {
	if 4*(s.index.n+1) > 3*len(s.index.refs) {
		s.grow()
	}
	s.index.n++
	return s.put(r, hash)
}

func (s *shard) put(r ref, hash uint64) int {
	mask := uint64(len(s.index.refs) - 1)
	i := hash & mask
	for s.index.refs[i] != 0 {
		i = (i + 1) & mask
	}
	s.index.refs[i] = r.plain() | tag(hash)
	return int(i)
}

func (s *shard) grow() {
	old := s.index.refs
	s.index.refs = make([]ref, max(16, 2*len(old)))
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
	refs := s.index.refs
	mask := uint64(len(refs) - 1)
	gap := uint64(slot)
	for i := (gap + 1) & mask; refs[i] != 0; i = (i + 1) & mask {
		home := s.table.hash(s.cell(refs[i]).id) & mask
		if (i-home)&mask >= (i-gap)&mask {
			refs[gap] = refs[i]
			gap = i
		}
	}
	refs[gap] = 0
	s.index.n--
}
