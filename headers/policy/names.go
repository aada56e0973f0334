package policy

// Names is a set of header names. Every header of every response is looked up
// in one, and hardly any is in it, so most are told by length and last letter.
type Names struct {
	filter [64]uint64 // by length, a bit for the last letter
	names  map[string]bool
}

func newNames(names map[string]bool) Names {
	n := Names{names: names}
	for name := range names {
		n.filter[len(name)%64] |= 1 << (name[len(name)-1] % 64)
	}
	return n
}

// Has reports whether a name, in canonical form, is in the set.
func (n *Names) Has(name string) bool {
	return name != "" && n.filter[len(name)%64]>>(name[len(name)-1]%64)&1 != 0 && n.names[name]
}
