package detect

// isJSON reports whether the text has the form of an object or a list in JSON, as filters of search engines have.
func isJSON(b []byte) bool {
	if b = trimBlank(b); len(b) < 4 || !(b[0] == '{' && b[len(b)-1] == '}') && !(b[0] == '[' && b[len(b)-1] == ']') {
		return false
	}
	next := at(b, skipBlank(b, 1))
	return next == '"' || next == '{' || next == '['
}

// maxName is how many words a string of JSON that is a name may have.
const maxName = 4

// forgetStrings takes those words for none of SQL's that make up a whole string of JSON: {"$or": [{"order by": "a"}]}.
func (x *lexed) forgetStrings() {
	step(len(x.toks))
	for i := 0; i < len(x.toks); i++ {
		if x.toks[i].c != '"' {
			continue
		}
		first := i + 1
		if first < len(x.toks) && x.toks[first].c == '$' {
			first++
		}
		end := first
		for end < len(x.toks) && end-first < maxName && x.toks[end].kind == tokWord {
			end++
		}
		if end > first && end < len(x.toks) && x.toks[end].c == '"' {
			x.forget(x.toks[first:end])
		}
		for i++; i < len(x.toks) && x.toks[i].c != '"'; { // on to where the string ends
			i++
		}
	}
}

func (x *lexed) forget(words []token) {
	for i := range words {
		t := &words[i]
		switch t.kw {
		case kwNone:
			continue
		case kwCast, kwBool:
		default:
			x.keywords--
		}
		t.kw = kwNone
		x.plain++
	}
}
