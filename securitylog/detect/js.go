package detect

import "bytes"

// The js rules look for addresses that run.
//
//	js-scheme     javascript:, vbscript: and their kin, followed by code
//	xss-scheme    the same within other text
//	js-data       data: with a type that a browser runs
//	js-prototype  the prototype of JavaScript's objects, reached through a parameter's name or a key (jsproto.go)
func (s *scan) scripts(t *text) {
	if t.marks&markColon == 0 || t.known.Has(JS) && t.known.Has(XSS) {
		return
	}
	b := t.b
	step(len(b))
	if t.signs.has(signProto) && t.marks&markBrace != 0 && !t.prose && setsPrototype(b) {
		s.report(t.place, JS, "js-prototype")
		return
	}
	for i := indexFrom(b, 0, ':'); i < len(b); i = indexFrom(b, i+1, ':') {
		switch scheme := schemeBefore(b, i); {
		case scheme == "":
		case scheme == "data":
			if runnableData(b[i+1 : min(len(b), i+1+128)]) {
				s.report(t.place, JS, "js-data")
				return
			}
		case doesNothing(b, i+1), spokenOf(b, i-len(scheme)-1, i+1), t.prose && namesLanguage(b, i-len(scheme), i+1):
		case codeFollows(b, i+1, t.prose):
			s.report(t.place, JS, "js-scheme")
			if i > len(scheme)+2 && !t.prose { // amid other text, for a page to make a link of
				s.report(t.place, XSS, "xss-scheme")
			}
			return
		}
	}
}

var runningSchemes = []string{"javascript", "vbscript", "livescript", "data"}

// schemeBefore returns the scheme that ends before the colon at i. Control characters within a scheme are skipped, as browsers do.
func schemeBefore(b []byte, i int) string {
	step(12)
	var name [12]byte
	n := len(name)
	blank := 0
	for k := i - 1; k >= 0 && n > 0 && blank < 12; k-- {
		c := b[k]
		if c == '\t' || c == '\n' || c == '\r' || c == 0 || c == wild || c == 0x0B {
			blank++
			continue
		}
		if n == len(name) {
			if c == ' ' {
				blank++
				continue
			}
			if c != 't' && c != 'a' { // no scheme that runs ends so
				return ""
			}
		}
		n--
		name[n] = c
		if !isLetter(c) {
			n++
			break
		}
	}
	for _, scheme := range runningSchemes {
		if len(name)-n >= len(scheme) && string(name[len(name)-len(scheme):]) == scheme {
			if k := len(name) - len(scheme); k > n && isLetter(name[k-1]) && scheme != "javascript" {
				return ""
			}
			return scheme
		}
	}
	return ""
}

// spokenOf reports whether the quotes at open and close hold nothing but a scheme that a sentence names: `javascript:`.
func spokenOf(b []byte, open, close int) bool {
	if !isQuote(at(b, open)) || at(b, close) != b[open] {
		return false
	}
	switch at(b, close+1) {
	case 0, ' ', '.', ',', ')', ']':
		return bytes.IndexByte(b[max(0, open-maxHead):open], ' ') >= 0
	}
	return false
}

// doesNothing reports whether what follows a script scheme is what pages write into links that lead nowhere, to their end: javascript:;
// javascript:void(0).
func doesNothing(b []byte, i int) bool {
	i = skipBlank(b, i)
	start := i
	for _, nothing := range []string{"void(0)", "void 0", "void(null)"} {
		if hasPrefixAt(b, i, nothing) {
			i += len(nothing)
			break
		}
	}
	if at(b, i) == ';' {
		i++
	}
	if i == start {
		return false
	}
	if isQuote(at(b, i)) || at(b, i) == '\\' && isQuote(at(b, i+1)) {
		return true
	}
	return skipBlank(b, i) == len(b)
}

// namesLanguage reports whether the word from i on, amid talk, is the language's name, with code of it behind the colon: a blank stands on
// each side, and an address does not begin within a sentence.
func namesLanguage(b []byte, i, end int) bool {
	return i > 0 && isBlank(at(b, i-1)) && isBlank(at(b, end)) && end < len(b)
}

// codeFollows reports whether what follows a script scheme is code rather than the rest of a sentence.
func codeFollows(b []byte, i int, prose bool) bool {
	if i >= len(b) {
		return false
	}
	if b[i] == '<' && at(b, i+1) == '/' {
		return false // <h3>In JavaScript:</h3>
	}
	if b[i] != ' ' && !prose {
		return true
	}
	j := skipBlank(b, i)
	end := min(len(b), j+160)
	for k := j; k < end; k++ {
		step(1)
		switch b[k] {
		case '(', '`', '=', '[', '\\', '&', '%', '<':
			return !prose || !hasAnyAt(b, k, "<http", "[http")
		case '/':
			if (at(b, k+1) == '/' || at(b, k+1) == '*') && at(b, k-1) != ':' {
				return true
			}
		case ' ':
			return false
		}
	}
	return false
}

// runnableData reports whether a data URL's type is one that a browser runs as a page or a script, or hides behind base64 without one.
func runnableData(v []byte) bool {
	v = v[skipBlank(v, 0):]
	comma := bytes.IndexByte(v, ',')
	if comma < 0 {
		comma = len(v)
	}
	kind := v[:min(comma, 32)]
	step(len(kind))
	if bytes.IndexByte(kind, '/') > 0 && hasAnyIn(kind, "html", "svg", "xml", "script", "xsl") {
		return true
	}
	if len(kind) == 0 || string(kind) == ";base64" {
		rest := v[min(len(v), comma+1):]
		return len(kind) > 0 && bytes.HasPrefix(rest, []byte("ph")) || bytes.ContainsAny(rest, "(<")
	}
	return false
}
