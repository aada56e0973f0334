package detect

import "bytes"

// browserCode reports whether the text calls a browser's functions from where a string was left or from its start.
func browserCode(b []byte, t *text) bool {
	if !t.prose && t.signs.has(signLetterless) {
		return true // script written without letters
	}
	left := false // a quote, bracket or semicolon that ends what the text was put into
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case isQuote(c):
			if next := at(b, skipSpaces(b, i+1)); !(isLetter(at(b, i-1)) && isLetter(at(b, i+1))) && (next == ';' || next == '-' || next == '+' || next == ')' ||
				next == '}' || next == ',' || next == '/' || next == '*' || next == '^' || next == '|' || next == '&' || next == '?' || next == '%' || next == '<' || next == '=' || next == '>' || next == '!' || next == '\\') {
				left = true
			}
		case isLetter(c):
			j := wordEnd(b, i)
			w := b[i:j]
			if i > 0 && b[i-1] == '=' && !t.prose && (string(w) == "alert" || string(w) == "prompt" || string(w) == "confirm") && at(b, j) == '(' && at(b, j+1) != ')' {
				return true
			}
			starts := i == 0 || blankBefore(b, i) || bytes.IndexByte([]byte(";-+}(,/={*!~?:"), b[i-1]) >= 0 && (i < 8 || left)
			if (left || starts && !t.prose) && callsBrowser(b, w, i, j, left) {
				return true
			}
			i = j - 1
		}
	}
	return false
}

// blankBefore reports whether only a few blanks or an opening bracket stand before i.
func blankBefore(b []byte, i int) bool {
	return i <= 16 && len(bytes.Trim(b[:i], " \t\r\n(")) == 0
}

func skipSpaces(b []byte, i int) int {
	start := i
	for i < len(b) && b[i] == ' ' {
		i++
	}
	step(1 + i - start)
	return i
}

func callsBrowser(b, w []byte, i, j int, left bool) bool {
	step(16)
	k := j
	for k < len(b) && (isBlank(b[k]) || b[k] == '?') && k-j < 8 {
		k++
	}
	if k > j && at(b, k) == '.' && at(b, k+1) == '(' { // f?.()
		k++
	}
	next := at(b, k)
	call := next == '(' || next == '`' || next == '.' && (hasPrefixAt(b, k+1, "call") || hasPrefixAt(b, k+1, "apply") || hasPrefixAt(b, k+1, "bind"))
	switch string(w) {
	case "alert", "prompt", "confirm":
		if !call {
			return at(b, i-1) == '(' && next == ')' && (left || at(b, k+1) == '(') || at(b, i-1) == '=' && left
		}
		// Called with something: talk about alert() leaves the brackets empty.
		return left || next == '`' || at(b, k+1) != ')'
	case "eval":
		if next != '(' || shellArgument(b[k+1:min(len(b), k+64)]) {
			return false // what a shell would run is cmdi's
		}
		return left || at(b, k+1) != ')' && at(b, i-1) != '.'
	case "settimeout", "setinterval", "execscript", "atob", "unescape", "decodeuricomponent":
		return call && (left || isQuote(at(b, k+1)) || bytes.Contains(b[k:min(len(b), k+64)], []byte("location")) || bytes.Contains(b[k:min(len(b), k+64)], []byte("fromcharcode")) ||
			bytes.Contains(b[k:min(len(b), k+64)], []byte("name")) || bytes.Contains(b[k:min(len(b), k+64)], []byte("atob")))
	case "document":
		return next == '.' && (hasAnyAt(b, k+1, "cookie", "domain", "write", "body", "location", "forms", "getelement", "createelement", "queryselector", "documentelement", "url", "referrer", "vulnerable", "title", "domcontent", "defaultview")) ||
			next == '['
	case "window", "self", "top", "parent", "globalthis", "frames":
		return left && next == '[' && (isQuote(at(b, k+1)) || at(b, k+1) == '/') || next == '.' && hasAnyAt(b, k+1, "location", "open(", "name", "onerror", "alert", "eval", "document", "print(") ||
			next == '[' && isQuote(at(b, k+1)) && i == 0
	case "location":
		return (left || i == 0) && (next == '=' && at(b, k+1) != '=' || next == '.' && hasAnyAt(b, k+1, "href", "hash", "replace", "assign", "search"))
	case "string":
		return next == '.' && hasPrefixAt(b, k+1, "fromcharcode")
	case "constructor":
		return next == '.' && hasPrefixAt(b, k+1, "constructor") || next == '(' && left
	case "fetch", "import", "xmlhttprequest", "function", "promise", "proxy", "reflect":
		return left && call && bytes.ContainsAny(b[k:min(len(b), k+96)], "'\"`/{") && at(b, i-1) != '.' && at(b, i-1) != ' '
	case "innerhtml", "outerhtml", "onerror":
		return (left || next == '=') && next == '=' && at(b, k+1) != '='
	}
	return false
}

func hasAnyAt(b []byte, i int, prefixes ...string) bool {
	step(len(prefixes))
	for _, p := range prefixes {
		if hasPrefixAt(b, i, p) {
			return true
		}
	}
	return false
}
