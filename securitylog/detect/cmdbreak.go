package detect

import (
	"bytes"
	"slices"
)

// breaksIn reports whether a line break has put the command at i, whose name ends at j, behind nothing or one word, and nothing but its
// arguments follows: the value of a form has no lines.
func breaksIn(b []byte, i, j int, kind commandKind, arg argKind) bool {
	if len(b)-j > maxHead {
		return false
	}
	head := trimBlank(b[:i])
	if len(head) > 24 || bytes.ContainsAny(head, " \n") || bytes.IndexByte(b[j:], '\n') >= 0 || kind == cmdArg {
		return false
	}
	if kind != cmdWord {
		return arg != argPlain || len(head) == 0 || operand(b, skipSpaces(b, j))
	}
	return arg == argPlain && operand(b, skipSpaces(b, j)) || len(head) == 0 && arg == argEnd
}

// leavesQuote reports whether a text is nothing but quotes, or commas and brackets behind those, and blanks: ' `date` #
func leavesQuote(head []byte) bool {
	return len(bytes.TrimLeft(head, "'\"), ")) == 0 && bytes.ContainsAny(head, "'\",")
}

// leftQuote reports whether a quote is closed before a separator: ' ; date #
func leftQuote(head []byte) bool {
	head = bytes.TrimRight(head, " ;|&")
	return len(head) > 0 && isQuote(head[len(head)-1])
}

// listed reports whether the word that ends at j, alone on its line behind a break, is one of a list rather than a command: the fields of a
// query in GraphQL, names one below the other. Of commands behind a break that have no arguments, one follows one value.
func (t *text) listed(b []byte, place, j int) bool {
	switch at(b, skipSpaces(b, j)) {
	case 0, '\r', '\n', '}', ']', ',':
	default:
		return false
	}
	head := place
	for head > 0 && isBlank(b[head-1]) {
		head--
	}
	step(place - head)
	switch at(b, head-1) {
	case '{', '[', ',', '(':
		if head < place && bytes.IndexByte(b[head:place], '\n') >= 0 {
			return true
		}
	}
	if t.lines == 0 {
		t.lines = lines(b)
	}
	return t.lines > 2
}

// lines counts the lines that hold a word, up to three.
func lines(b []byte) (n int) {
	for len(b) > 0 && n < 3 {
		end := indexFrom(b, 0, '\n')
		if slices.ContainsFunc(b[:end], isWordByte) {
			n++
		}
		step(end)
		b = b[min(len(b), end+1):]
	}
	return n
}
