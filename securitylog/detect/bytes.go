package detect

import "bytes"

func isLetter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
func isSpace(c byte) bool    { return c == ' ' || c >= '\t' && c <= '\r' }
func isQuote(c byte) bool    { return c == '\'' || c == '"' || c == '`' }

// isBlank is isSpace and the control characters that parsers of markup and paths skip.
func isBlank(c byte) bool { return c <= ' ' }

func hexValue(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// skipBlank returns the first position from i on that is not blank.
func skipBlank(b []byte, i int) int {
	start := i
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	step(1 + i - start)
	return i
}

// wordEnd returns the end of the run of letters, digits and underscores that starts at i.
func wordEnd(b []byte, i int) int {
	start := i
	for i < len(b) && isWordByte(b[i]) {
		i++
	}
	step(1 + i - start)
	return i
}

// indexFrom returns the position of the first c from i on, or the length of b.
func indexFrom(b []byte, i int, c byte) int {
	if i < len(b) {
		if n := bytes.IndexByte(b[i:], c); n >= 0 {
			return i + n
		}
	}
	return len(b)
}

func hasPrefixAt(b []byte, i int, prefix string) bool {
	return i >= 0 && len(b)-i >= len(prefix) && string(b[i:i+len(prefix)]) == prefix
}

func at(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return 0
	}
	return b[i]
}

// byteSet is a table of the bytes of a string.
func byteSet(bytes string) (set [256]bool) {
	for i := range len(bytes) {
		set[bytes[i]] = true
	}
	return set
}

func trimBlank(b []byte) []byte {
	i := skipBlank(b, 0)
	j := len(b)
	for j > i && isBlank(b[j-1]) {
		j--
	}
	step(len(b) - j)
	return b[i:j]
}
