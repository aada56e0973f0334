package events

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Keys of which only the hash is known stand nowhere in the clear, so they
// cannot be searched for. But what could be one can be hashed, and the hash be
// looked up.

// recognizers are those who know hashes of secrets.
var recognizers struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*recognizer]
}

type recognizer struct {
	knows func(sum [sha256.Size]byte) bool
}

// Recognize has Redact ask knows whether a text is a secret, by the text's
// SHA-256, until forget is called. knows has to be fast and safe for concurrent
// use.
func Recognize(knows func(sum [sha256.Size]byte) bool) (forget func()) {
	r := &recognizer{knows}
	change := func(to func([]*recognizer) []*recognizer) {
		recognizers.mu.Lock()
		defer recognizers.mu.Unlock()
		var all []*recognizer
		if old := recognizers.all.Load(); old != nil {
			all = slices.Clone(*old)
		}
		all = to(all)
		recognizers.all.Store(&all)
	}
	change(func(all []*recognizer) []*recognizer { return append(all, r) })
	return func() {
		change(func(all []*recognizer) []*recognizer {
			return slices.DeleteFunc(all, func(other *recognizer) bool { return other == r })
		})
	}
}

// Bounds of a secret that is looked for by its hash. What is shorter is no key.
const (
	minRecognized = 16
	maxRecognized = 256
)

// recognizing reports whether text can hold a secret that is known by its hash:
// it has a stretch of the characters of keys that is long enough, and mixed.
func recognizing(text string) bool {
	if all := recognizers.all.Load(); all == nil || len(*all) == 0 {
		return false
	}
	for from, end := range stretches(text) {
		if mixed(text[from:end]) {
			return true
		}
	}
	return false
}

// stretches visits the parts of text that consist of the characters of keys
// (those of base64, hex and UUIDs) and are long enough.
func stretches(text string) func(yield func(from, end int) bool) {
	return func(yield func(from, end int) bool) {
		from := 0
		for i := 0; i <= len(text); i++ {
			if i < len(text) && (alphanumeric(text[i]) || joins(text[i])) {
				continue
			}
			if i-from >= minRecognized && !yield(from, i) {
				return
			}
			from = i + 1
		}
	}
}

// joins reports whether c can stand in a key and between a key and what is
// around it, as the slash does.
func joins(c byte) bool { return strings.IndexByte("+/=_-.~:", c) >= 0 }

// mixed reports whether text has a digit, or letters of both cases: of 32 random
// bytes in base64, one in some 1,500 has no digit. Plain words and paths have
// neither.
func mixed(text string) bool {
	var upper, lower bool
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			return true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		}
	}
	return upper && lower
}

// recognized adds the secrets that are known by their hash. A key begins and
// ends where a stretch does, or beside one of its joints. The likelier places
// come first, those that leave less of the stretch out; how many are tried
// grows with the text and no faster.
func (v *view) recognized(found *spans) {
	if !recognizing(v.text) {
		return
	}
	all := *recognizers.all.Load()
	tries := 24 + len(v.text)/8
	steps := 8 * tries // with those that are no try, being too long
	for from, end := range stretches(v.text) {
		starts, ends := joints(v.text[from:end])
		for out := 0; out < len(starts)+len(ends)-1; out++ {
			for i := max(0, out-len(ends)+1); i <= min(out, len(starts)-1); i++ {
				if steps--; steps < 0 {
					return
				}
				first, last := from+starts[i], from+ends[out-i]
				if last-first < minRecognized || last-first > maxRecognized || !mixed(v.text[first:last]) {
					continue
				}
				if tries--; tries < 0 {
					return
				}
				sum := sha256.Sum256([]byte(v.text[first:last]))
				if slices.ContainsFunc(all, func(r *recognizer) bool { return r.knows(sum) }) {
					v.add(found, first, last)
				}
			}
		}
	}
}

// joints are the places where a key can begin and end in a stretch, from its
// outside to its inside.
func joints(stretch string) (starts, ends []int) {
	for i := range len(stretch) {
		if i == 0 || joins(stretch[i-1]) {
			starts = append(starts, i)
		}
	}
	for i := len(stretch); i > 0; i-- {
		if i == len(stretch) || joins(stretch[i]) {
			ends = append(ends, i)
		}
	}
	return starts, ends
}
