package jsonsyntax

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// check feeds a text in pieces of a size.
func check(text []byte, depth, size int) error {
	c := New(depth)
	for piece := range bytesIn(text, size) {
		if err := c.Write(piece); err != nil {
			return err
		}
	}
	return c.End()
}

func bytesIn(text []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(text) > size {
			if !yield(text[:size]) {
				return
			}
			text = text[size:]
		}
		yield(text)
	}
}

var texts = []string{
	``, ` `, `{}`, `[]`, `{"a":1}`, `[1,2]`, `{"a":{"b":[null,true,false]}}`, `"x"`, `0`, `-0`, `01`, `-`, `1.`, `1.5`, `1e5`, `1E+5`, `1e`, `1e+`,
	`.5`, `+1`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{a:1}`, `{'a':1}`, `[1 2]`, `{"a":1 "b":2}`, `[}`, `{]`, `]`, `[1]]`, `{} {}`,
	`tru`, `true`, `truex`, `nul`, `"\u12"`, `"\u12aF"`, `"\x"`, `"\n"`, "\"\n\"", `"`, `"\`, `{"a":1`, `[`, "[\t1 ,\r\n2 ]", `NaN`, `1 2`, `"a" "b"`, `[0.0e-1]`, "\x00",
	`{"a":1,"a":2}`, `/* */ {}`, `[1]x`, "\"\xff\"",
}

func TestAgainstTheStandardLibrary(t *testing.T) {
	for _, text := range texts {
		for _, size := range []int{1, 2, 1 << 20} {
			if got, want := check([]byte(text), 100, size) == nil, json.Valid([]byte(text)); got != want {
				t.Errorf("%q in pieces of %d: %v, want %v", text, size, got, want)
			}
		}
	}
}

func TestDepth(t *testing.T) {
	for depth := 1; depth < 70; depth++ {
		text := []byte(strings.Repeat(`[{"a":`, depth/2) + strings.Repeat("[", depth%2) + "1" + strings.Repeat("]", depth%2) + strings.Repeat("}]", depth/2))
		if err := check(text, depth, 3); err != nil {
			t.Errorf("%d brackets where %d may be: %v", depth, depth, err)
		}
		if deep := (*DepthError)(nil); !errors.As(check(text, depth-1, 3), &deep) {
			t.Errorf("%d brackets pass where %d may be", depth, depth-1)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	for text, want := range map[string]bool{"\xef\xbb\xbf{}": true, "\xef\xbb{}": false, "\xef\xbb\xbf": false, "\xef\xbb\xbf\xef\xbb\xbf{}": false, "{\xef\xbb\xbf}": false} {
		if got := check([]byte(text), 10, 1) == nil; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzChecker(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text), 1)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if bytes.HasPrefix(text, []byte(byteOrderMark)) {
			return // the standard library does not take it
		}
		if got, want := check(text, len(text)+1, size&15+1) == nil, json.Valid(text); got != want {
			t.Fatalf("%q: %v, the standard library says %v", text, got, want)
		}
	})
}
