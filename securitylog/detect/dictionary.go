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
	slots []uint16 // a word's place in the list, plus one; 0 for none
	shift uint
	words []string
	ends  []uint64 // of each word, as endsOf has them
}

func indexOf(list []string) *index {
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	size := bits.Len(uint(4*len(list) + 1))
	x := &index{slots: make([]uint16, 1<<size), shift: uint(64 - size), words: list}
	for n, word := range list {
		ends := endsOf([]byte(word))
		x.ends = append(x.ends, ends)
		k := x.slot(ends, len(word))
		for x.slots[k] != 0 {
			k = (k + 1) & uint64(len(x.slots)-1)
		}
		x.slots[k] = uint16(n + 1)
	}
	return x
}

// endsOf returns the first four bytes of a word and its last four, or all of a shorter one: up to eight bytes nothing else is in it.
func endsOf(b []byte) uint64 {
	if n := len(b); n >= 4 {
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	} else {
		return uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
}

// slot returns where a word is looked for first.
func (x *index) slot(ends uint64, n int) uint64 {
	return (ends ^ uint64(n)<<58) * 0x9E3779B97F4A7C15 >> x.shift
}

// find returns a word's place in the list, -1 for none.
func (x *index) find(word []byte) int {
	if len(word) == 0 {
		return -1
	}
	ends := endsOf(word)
	k := x.slot(ends, len(word))
	for k < uint64(len(x.slots)) {
		n := int(x.slots[k]) - 1
		if n < 0 || x.ends[n] == ends && len(x.words[n]) == len(word) && (len(word) <= 8 || x.words[n] == string(word)) {
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
