package detect

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
)

// index finds words in a list. Rules ask for a word behind each sign of a text, and most words are in no list: four slots for each of the
// list's, and a hash of a word's ends and its length alone, answer that sooner than a map does.
type index struct {
	slots []uint16 // an entry's place in words, plus one; 0 for none
	shift uint
	words []string
}

func indexOf(list []string) *index {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	size := bits.Len(uint(4*len(list) + 1))
	x := &index{slots: make([]uint16, 1<<size), shift: uint(64 - size), words: list}
	for n, word := range list {
		k := hashOf([]byte(word)) >> x.shift
		for x.slots[k] != 0 {
			k = (k + 1) & uint64(len(x.slots)-1)
		}
		x.slots[k] = uint16(n + 1)
	}
	return x
}

func hashOf(b []byte) uint64 {
	n := len(b)
	h := uint64(n) << 58
	if n >= 4 {
		h ^= uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	} else {
		h ^= uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return h * 0x9E3779B97F4A7C15
}

// find returns a word's place in the list, -1 for none.
func (x *index) find(word []byte) int {
	if len(word) == 0 {
		return -1
	}
	k := hashOf(word) >> x.shift
	for k < uint64(len(x.slots)) {
		n := int(x.slots[k]) - 1
		if n < 0 || x.words[n] == string(word) {
			return n
		}
		k = (k + 1) & uint64(len(x.slots)-1)
	}
	return -1
}

// words is a list of words.
type words = *index

func wordSet(lists ...[]string) words { return indexOf(slices.Concat(lists...)) }

func (x *index) has(word []byte) bool { return x.find(word) >= 0 }

// dictionary is a list of words of which something is known.
type dictionary[V any] struct {
	index
	values []V
}

func dictionaryOf[V any](of map[string]V) *dictionary[V] {
	d := &dictionary[V]{index: *indexOf(slices.Collect(maps.Keys(of)))}
	for _, word := range d.words {
		d.values = append(d.values, of[word])
	}
	return d
}

// of returns what is known of a word, the zero value for one that is not listed.
func (d *dictionary[V]) of(word []byte) (value V) {
	if n := d.find(word); n >= 0 {
		value = d.values[n]
	}
	return value
}
