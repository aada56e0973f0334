package detect

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// wild stands in normalised text for something that some decoders turn into a character and others do not: an escape that means
// nothing, a malformed UTF-8 sequence, a private-use character written as %uXXXX.
const wild = 0x01

// maxRounds is how often percent decoding is repeated; a text still encoded after that is judged as it stands.
const maxRounds = 4

// normalise percent-decodes raw to a fixed point, folds look-alikes and overlong UTF-8 to ASCII, and lowers ASCII letters.
// With plus, '+' is a space, as in queries and forms. The result lives in the scan's buffer until the next call. No step makes a text
// longer, so each is done in place. It counts the UTF-8 sequences that were longer than their character needs, where that is one that filters
// look for.
func (s *scan) normalise(raw string, plus bool) (b []byte, overlong int) {
	b = append(s.buf[:0], raw...)
	s.buf = b
	step(3 * len(b))
	if plus {
		for i, c := range b {
			if c == '+' {
				b[i] = ' '
			}
		}
	}
	first := bytes.IndexByte(b, '%')
	for round := 0; round < maxRounds && first >= 0; round++ {
		step(len(b))
		var changed bool
		if b, changed = percentDecode(b, first); !changed {
			break
		}
		first = bytes.IndexByte(b, '%')
	}
	if first >= 0 && len(b) >= minPercents {
		if percents := bytes.Count(b, []byte{'%'}); percents >= minPercents && 5*percents >= 2*len(b) {
			b = dropPercents(b)
		}
	}
	return fold(b)
}

// minPercents is how many percent signs a text must hold for them to be taken for noise: "%S%E%L%E%C%T" is "SELECT" to servers that
// drop a percent sign which begins no escape.
const minPercents = 6

// dropPercents removes the percent signs of b, in place.
func dropPercents(b []byte) []byte {
	out := b[:0]
	for _, c := range b {
		if c != '%' {
			out = append(out, c)
		}
	}
	step(len(b))
	return out
}

// percentDecode decodes every %XX and %uXXXX from i on once, in place.
func percentDecode(b []byte, i int) ([]byte, bool) {
	changed := false
	n := i // what is decoded
	for ; i < len(b); i++ {
		c := b[i]
		if c != '%' || i+2 >= len(b) {
			b[n] = c
			n++
			continue
		}
		if hi, ok := hexValue(b[i+1]); ok {
			if lo, ok := hexValue(b[i+2]); ok {
				b[n] = hi<<4 | lo
				n++
				i += 2
				changed = true
				continue
			}
		}
		if b[i+1]|0x20 == 'u' && i+5 < len(b) {
			if r, ok := hexRune(b[i+2 : i+6]); ok {
				switch {
				case r == 0xEFC8 || r == 0xF025: // backslashes in code pages of old
					r = '\\'
				case r >= 0xE000 && r <= 0xF8FF || r >= 0xD800 && r <= 0xDFFF:
					r = wild
				}
				n += utf8.EncodeRune(b[n:], r)
				i += 5
				changed = true
				continue
			}
		}
		if b[i+1] == '%' && i+7 < len(b) && b[i+4] == '%' && b[i+5] == '%' {
			// Each nibble encoded by itself, %%32%%65 for %2e.
			if hi, ok := hexDigit(b[i+2 : i+4]); ok {
				if lo, ok := hexDigit(b[i+6 : i+8]); ok {
					b[n], b[n+1], b[n+2] = '%', hi, lo
					n += 3
					i += 7
					changed = true
					continue
				}
			}
		}
		b[n] = c
		n++
	}
	return b[:n], changed
}

// hexDigit decodes two hexadecimal digits that stand for a third.
func hexDigit(b []byte) (byte, bool) {
	r, ok := hexRune(b)
	if !ok {
		return 0, false
	}
	_, ok = hexValue(byte(r))
	return byte(r), ok
}

func hexRune(b []byte) (rune, bool) {
	var r rune
	for _, c := range b {
		v, ok := hexValue(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

// fold makes b lower case, with look-alike characters as ASCII and malformed sequences as wild, in place, and counts the overlong ones.
func fold(b []byte) (folded []byte, overlongs int) {
	i := lowerASCII(b)
	n := i // what is folded
	for i < len(b) {
		c := b[i]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				c |= 0x20
			}
			b[n] = c
			n++
			i++
			continue
		}
		if r, size := utf8.DecodeRune(b[i:]); size > 1 {
			switch f := lookAlike(r); f {
			case 0:
				n += copy(b[n:], b[i:i+size])
			case dropped:
			case ellipsis:
				n += copy(b[n:], "...")
			case leader:
				n += copy(b[n:], "..")
			default:
				b[n] = f
				n++
			}
			i += size
			continue
		}
		f, size := overlong(b[i:])
		switch {
		case size == 0: // a byte of an older character set, where 0xA0 is a blank
			if f, size = c, 1; c == 0xA0 {
				f = ' '
			}
		case f != wild && (size > 2 || b[i+1]&0xC0 == 0x80):
			overlongs++
		}
		b[n] = f
		n++
		i += size
	}
	return b[:n], overlongs
}

// lowerASCII makes b lower case up to the first byte that is none of ASCII, and returns that byte's position. It looks at eight bytes at a
// time; the sums do not carry from one to the next.
func lowerASCII(b []byte) int {
	const ones, upper = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if x&upper != 0 {
			break
		}
		capital := (x + (0x80-'A')*ones) &^ (x + (0x80-'Z'-1)*ones) & upper
		binary.LittleEndian.PutUint64(b[i:], x|capital>>2)
	}
	for ; i < len(b) && b[i] < utf8.RuneSelf; i++ {
		if b[i]-'A' < 26 {
			b[i] |= 0x20
		}
	}
	return i
}

// overlong reads a UTF-8 sequence that is longer than its character needs, as decoders without checks do: six bits of each byte
// after the first, whatever its upper two bits say. It returns the character, when that is one with a meaning in paths, markup or
// code, else wild, and the sequence's length; 0 when there is no such sequence.
func overlong(b []byte) (byte, int) {
	if len(b) < 2 {
		return 0, 0
	}
	var n int
	switch lead := b[0]; {
	case lead == 0xC0 || lead == 0xC1:
		v := lead&0x1F<<6 | b[1]&0x3F
		if v == '.' || v == '/' || v == '\\' || b[1]&0xC0 == 0x80 && structural(v) {
			return v, 2
		}
		if b[1] == '\\' { // a decoder that sets bits takes the second byte as it is
			return b[1], 2
		}
		switch c := b[1]; {
		case c >= utf8.RuneSelf:
			return wild, 2
		case c == '%' && len(b) >= 4 && isWordByte(b[2]) && isWordByte(b[3]):
			return wild, 4 // a second byte that is no hexadecimal number
		case isWordByte(c) || c <= ' ':
			return 0, 0
		}
		return wild, 2
	case lead == 0xE0 && b[1] >= 0x80 && b[1] < 0xA0:
		n = 3
	case lead == 0xF0 && b[1] >= 0x80 && b[1] < 0x90:
		n = 4
	case lead == 0xF8 && b[1] >= 0x80 && b[1] < 0x88:
		n = 5
	case lead == 0xFC && b[1] >= 0x80 && b[1] < 0x84:
		n = 6
	}
	if n == 0 || len(b) < n {
		return 0, 0
	}
	v := 0
	for _, c := range b[1:n] {
		if c&0xC0 != 0x80 {
			return 0, 0
		}
		v = v<<6 | int(c&0x3F)
	}
	if v < utf8.RuneSelf && structural(byte(v)) {
		return byte(v), n
	}
	return wild, n
}

// structural reports whether c is punctuation that paths, markup, queries or shells give a meaning to.
func structural(c byte) bool {
	switch c {
	case '.', '/', '\\', '<', '>', '\'', '"', '`', '(', ')', ';', ':', '=', '%', '&', '|', '$', '{', '}', ' ', 0, '\r', '\n':
		return true
	}
	return false
}

// dropped is what lookAlike returns for characters that have no width, ellipsis for those that stand for three dots, leader for two.
const (
	dropped  = 0xFF
	ellipsis = 0xFE
	leader   = 0xFD
)

// lookAlike returns the ASCII character that best-fit conversions make of r, dropped for invisible ones, or 0.
func lookAlike(r rune) byte {
	if r < 0xA0 {
		return 0
	}
	if r >= 0xFF01 && r <= 0xFF5E {
		c := byte(r - 0xFF01 + '!')
		if c-'A' < 26 {
			c |= 0x20
		}
		return c
	}
	switch r {
	case 0x00A0, 0x1680, 0x3000, 0x202F, 0x205F, 0x2028, 0x2029:
		return ' '
	case 0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF:
		return dropped
	case 0x2018, 0x2019, 0x201A, 0x201B, 0x02B9, 0x02BC, 0x02C8, 0x2032, 0x00B4:
		return '\''
	case 0x201C, 0x201D, 0x201E, 0x02BA, 0x2033:
		return '"'
	case 0x2044, 0x2215, 0x29F8:
		return '/'
	case 0x2216, 0x29F5, 0x29F9, 0xFE68:
		return '\\'
	case 0x2024, 0xFE52:
		return '.'
	case 0x2026, 0xFE19:
		return ellipsis
	case 0x2025, 0xFE30:
		return leader
	case 0x3C00: // a bracket in UTF-16 or UTF-32 whose bytes are read in the wrong order
		return '<'
	case 0x3E00:
		return '>'
	case 0x2039, 0xFE64:
		return '<'
	case 0x203A, 0xFE65:
		return '>'
	case 0x0131:
		return 'i'
	case 0x017F:
		return 's'
	case 0x212A:
		return 'k'
	}
	if r >= 0x2000 && r <= 0x200A {
		return ' '
	}
	return 0
}
