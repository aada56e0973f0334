package detect

import "bytes"

// buildsNames reports whether a script puts a name together from strings, so that it stands nowhere in full, 'al'+'ert', or calls what it
// looks up so in a number, which has no elements: 0['ev'+x](y).
func buildsNames(t *text) bool {
	return t.marks&(markBracket|markParen) == markBracket|markParen && callsOnNumber(t.b) || t.marks&markQuote != 0 && joinsName(t.b)
}

// callsOnNumber looks for an element of a number, by a name that is put together, that is called.
func callsOnNumber(b []byte) bool {
	for i := indexFrom(b, 1, '['); i < len(b); i = indexFrom(b, i+1, '[') {
		if !isDigit(b[i-1]) {
			continue
		}
		k := i - 1
		for k > 0 && i-k < 8 && (isDigit(b[k-1]) || b[k-1] == '.' || b[k-1] == 'e' && isDigit(at(b, k-2))) {
			k--
		}
		if c := at(b, k-1); isWordByte(c) || c == '$' || c == '.' || c >= 0x80 {
			continue
		}
		window := b[i:min(len(b), i+maxBody)]
		step(2 * len(window))
		if end := bytes.Index(window, []byte("](")); end > 0 && !hasPrefixAt(window, end+2, "http") && bytes.ContainsAny(window[:end], "'\"`+") {
			return true
		}
	}
	return false
}

// maxJoined is how long a name may be that is put together.
const maxJoined = 24

// joinsName looks for strings with plus signs between them that spell the beginning of a name that runs or reads something.
func joinsName(b []byte) bool {
	for i := indexFrom(b, 1, '+'); i < len(b); i = indexFrom(b, i+1, '+') {
		start, end := stringBefore(b, i)
		if start < 0 {
			continue
		}
		var name [maxJoined]byte
		n := copy(name[:], b[start:end])
		joints := 0
		for at(b, i) == '+' && n < len(name) {
			from, to := stringBehind(b, i)
			if from < 0 {
				break
			}
			if to > from && n > 0 {
				joints++
			}
			n += copy(name[n:], b[from:to])
			i = skipSpaces(b, to+1)
		}
		step(len(name))
		if joints > 0 && spellsCode(name[:n], end-start) {
			return true
		}
	}
	return false
}

// spellsCode reports whether a name of those that scripts hide stands in a text, and goes on behind the first part of it.
func spellsCode(b []byte, first int) bool {
	for _, name := range []string{"eval", "alert", "javascr", "prompt", "confirm", "locatio", "docume", "cookie", "constructor", "settimeo", "unescape", "innerht", "function", "fromchar"} {
		if k := bytes.Index(b, []byte(name)); k >= 0 && k < first || k >= 0 && first == 0 {
			return k+len(name) > first
		}
	}
	return false
}

// stringBefore returns where the text of the string is that ends before the sign at i, -1 for none.
func stringBefore(b []byte, i int) (start, end int) {
	end = i - 1
	for end > 0 && b[end] == ' ' && i-end < 4 {
		end--
	}
	if !isQuote(b[end]) {
		return -1, -1
	}
	for start = end - 1; start >= 0 && end-start <= maxJoined; start-- {
		if b[start] == b[end] {
			step(end - start)
			return start + 1, end
		}
	}
	step(maxJoined)
	return -1, -1
}

// stringBehind returns where the text of the string is that begins behind the sign at i, -1 for none.
func stringBehind(b []byte, i int) (start, end int) {
	start = i + 1
	for start < len(b) && b[start] == ' ' && start-i < 4 {
		start++
	}
	if !isQuote(at(b, start)) {
		return -1, -1
	}
	window := b[start+1 : min(len(b), start+2+maxJoined)]
	step(len(window))
	n := bytes.IndexByte(window, b[start])
	if n < 0 {
		return -1, -1
	}
	return start + 1, start + 1 + n
}
