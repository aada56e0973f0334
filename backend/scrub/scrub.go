// Package scrub is the engine that takes members out of a JSON text as it
// streams by. It keeps the names of the objects that are open, cut to a bound,
// and nothing else of the text.
package scrub

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// ErrDepth says that a text nests deeper than can be followed.
var ErrDepth = errors.New("the JSON text nests too deep")

const (
	maxDepth = 10_000
	maxName  = 256 // of a member, escapes included; a longer one is no match
)

// Reader reads a JSON text without the values of some members: each is
// replaced by {}. It follows the text's brackets and strings and does not judge
// it otherwise; several texts may follow each other.
type Reader struct {
	from io.Reader
	// parent and name are the last two names of the members to take out.
	parent, name string

	open    []level
	key     []byte // the string that was read last, quotes included
	inKey   bool   // a string is being read where a name may stand
	inText  bool   // within a string
	escaped bool
	value   bool // a colon has come: a value follows
	skip    int  // how deep the object is whose member is being taken out; 0: none
	out     []byte
	buf     []byte
	err     error
}

// level is one open bracket.
type level struct {
	object bool
	name   string // of the member whose value it is
	last   string // name of the member that is being read
}

// NewReader returns a reader of what from gives, without the values of members
// that are called name in the value of one that is called parent.
func NewReader(from io.Reader, parent, name string) *Reader {
	return &Reader{from: from, parent: parent, name: name}
}

// Read implements io.Reader. A text that nests too deep ends in ErrDepth.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.buf == nil {
			r.buf = make([]byte, 4<<10)
		}
		n, err := r.from.Read(r.buf)
		r.out = r.out[:0]
		for _, b := range r.buf[:n] {
			if wrong := r.take(b); wrong != nil {
				r.out, r.err = nil, wrong
				return 0, wrong
			}
		}
		r.err = err
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// take takes one byte and puts out what is left of it.
func (r *Reader) take(b byte) error {
	was := r.skip != 0
	if err := r.follow(b); err != nil {
		return err
	}
	if !was && r.skip == 0 {
		r.out = append(r.out, b)
		return nil
	}
	if was && r.skip == 0 {
		// The byte that ended the value: a comma or a bracket of the object
		// around it stays.
		r.out = append(r.out, "{}"...)
		r.out = append(r.out, b)
	} else if !was {
		r.out = append(r.out, b) // the colon
	}
	return nil
}

// follow follows the brackets, strings and names of the text.
func (r *Reader) follow(b byte) error {
	if r.inText {
		r.text(b)
		return nil
	}
	switch b {
	case '"':
		r.inText = true
		r.inKey = len(r.open) > 0 && r.open[len(r.open)-1].object && !r.value
		r.key = append(r.key[:0], b)
	case '{', '[':
		if len(r.open) == maxDepth {
			return ErrDepth
		}
		l := level{object: b == '{'}
		if len(r.open) > 0 {
			l.name = r.open[len(r.open)-1].last
		}
		r.open = append(r.open, l)
		r.value = false
	case '}', ']':
		if r.skip == len(r.open) {
			r.skip = 0 // the object around the skipped value ends
		}
		if len(r.open) > 0 {
			r.open = r.open[:len(r.open)-1]
		}
		r.value = false
	case ',':
		if r.skip == len(r.open) {
			r.skip = 0
		}
		r.value = false
	case ':':
		if n := len(r.open); n > 0 && r.open[n-1].object {
			r.value = true
			if r.skip == 0 && r.open[n-1].last == r.name && r.open[n-1].name == r.parent {
				r.skip = n
			}
		}
	}
	return nil
}

// text takes a byte of a string.
func (r *Reader) text(b byte) {
	if r.inKey && len(r.key) < maxName {
		r.key = append(r.key, b)
	}
	switch {
	case r.escaped:
		r.escaped = false
	case b == '\\':
		r.escaped = true
	case b == '"':
		r.inText = false
		if r.inKey {
			r.open[len(r.open)-1].last = nameOf(r.key)
		}
	}
}

// nameOf is what a string stands for, with or without escapes in it.
func nameOf(quoted []byte) string {
	if !strings.ContainsRune(string(quoted), '\\') {
		return strings.Trim(string(quoted), `"`)
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return ""
	}
	return name
}
