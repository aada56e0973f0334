package chain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Problem is a place where a trail is not what was written.
type Problem struct {
	// File is the file's name, where several were given one after the other.
	File string `json:"file,omitempty"`
	// Line is the number of the line in its file, from 1.
	Line int `json:"line"`
	// What says what is wrong.
	What string `json:"what"`
}

func (p Problem) String() string {
	if p.File == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.What)
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
}

// maxProblems bounds a report. A file that is no trail at all has a problem in each line.
const maxProblems = 100

// Verifier reads a trail from its beginning, in one file or in several that
// follow each other.
type Verifier struct {
	// Lines is how many lines were read.
	Lines int
	// Last is the head after the last line that could be read.
	Last Head
	// Problems are the first of what is wrong.
	Problems []Problem

	known map[uint64][]string // hashes of heads that must be met
}

// Expect has the verifier miss a line of that number and hash. Of two heads of
// one number and different hashes, one is missed in any case: a forged head
// beside the trail must not take the place of one that was kept elsewhere.
func (v *Verifier) Expect(h Head) {
	if v.known == nil {
		v.known = make(map[uint64][]string)
	}
	v.known[h.Seq] = append(v.known[h.Seq], h.Hash)
}

// Read verifies a file. The error is one of reading.
func (v *Verifier) Read(name string, r io.Reader) error {
	lines := bufio.NewReaderSize(r, maxLine)
	for number := 1; ; number++ {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil
		case errors.Is(err, io.EOF):
			v.complain(name, number, "the line is cut off: it has no end")
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			v.complain(name, number, fmt.Sprintf("it is longer than the %d bytes that a line may have: this is no audit trail, or not from here on", maxLine))
			return nil
		case err != nil:
			return err
		}
		v.line(name, number, text[:len(text)-1])
	}
}

func (v *Verifier) line(name string, number int, text []byte) {
	v.Lines++
	h, hash, whole, err := read(text)
	if err != nil {
		v.complain(name, number, "the line was changed: "+err.Error())
		return
	}
	prev, next := v.Last.Hash, v.Last.Seq+1
	if v.Last.Seq == 0 {
		prev = none
	}
	switch {
	case !whole:
		v.complain(name, number, fmt.Sprintf("the line was changed (entry %d): its hash is another", h.Seq))
	case h.Seq == next && h.Prev != prev:
		v.complain(name, number, fmt.Sprintf("entry %d does not follow from the line before, which was changed or replaced", h.Seq))
	case h.Seq == next+1:
		v.complain(name, number, fmt.Sprintf("entry %d is missing before this line", next))
	case h.Seq > next:
		v.complain(name, number, fmt.Sprintf("entries %d to %d are missing before this line", next, h.Seq-1))
	case h.Seq < next:
		v.complain(name, number, fmt.Sprintf("entry %d stands here a second time, or in a wrong place", h.Seq))
	}
	if slices.ContainsFunc(v.known[h.Seq], func(want string) bool { return want != hash }) {
		v.complain(name, number, fmt.Sprintf("entry %d is not the one that the head tells of: the trail was written anew", h.Seq))
	}
	delete(v.known, h.Seq)
	v.Last = Head{h.Seq, hash}
}

func (v *Verifier) complain(name string, number int, what string) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, Problem{name, number, what})
	}
}

// Finish says what only the end can tell: lines that were expected and did not
// come. name and number are where the trail ends.
func (v *Verifier) Finish(name string) {
	for seq := range v.known {
		if seq > v.Last.Seq {
			v.complain(name, v.Lines+1, fmt.Sprintf("the end is missing: the trail goes to entry %d, and its head tells of entry %d", v.Last.Seq, seq))
		} else if seq > 0 {
			v.complain(name, v.Lines, fmt.Sprintf("entry %d, which the head tells of, is missing", seq))
		}
	}
	v.known = nil
}
