package detect

import "bytes"

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

// leftQuote reports whether a quote is closed before a separator: ' ; date #
func leftQuote(head []byte) bool {
	head = bytes.TrimRight(head, " ;|&")
	return len(head) > 0 && isQuote(head[len(head)-1])
}
