package detect

import "bytes"

// lexer is what a walk over the bytes of a text knows.
type lexer struct {
	*lexed
	b        []byte
	lines    lineBreaks
	closes   int  // the last "*/"
	measured bool // closes is known
}

// signKinds are the kinds of signs that stand alone.
var signKinds = func() (kinds [256]tokenKind) {
	for c := range kinds {
		kinds[c] = tokOther
	}
	for _, c := range []byte("+-*/%^&|!") {
		kinds[c] = tokArith
	}
	kinds['('], kinds[')'], kinds[','], kinds['.'], kinds[';'], kinds['@'] = tokOpen, tokClose, tokComma, tokDot, tokSemi, tokAt
	return kinds
}()

// sign reads what stands at the sign at i: a token with its kind and its end, or nothing, kind 0, which parts the tokens around it as a
// blank does or not. The lexer goes on at next.
func (x *lexer) sign(toks []token, i int, glue bool) (kind tokenKind, end, next int, parts bool) {
	b := x.b
	c, after := b[i], at(b, i+1)
	switch c {
	case '-', '@', '<', '#':
		if n := jsonOperator(b, i); n > 0 {
			return tokOp, i + n, i + n, false
		}
	}
	switch c {
	case '/':
		if after == '*' {
			return x.comment(toks, i, glue)
		}
	case '*':
		if after == '/' {
			x.strayEnd = x.strayEnd || !x.version
			return 0, 0, i + 2, true
		}
	case '-':
		if after == '-' {
			return x.dashes(i)
		}
	case '#':
		return x.hash(toks, i)
	case '\\':
		if isQuote(after) { // an escape that a conversion of the character set may undo
			return 0, 0, i + 1, false
		}
	case ':':
		if after == ':' {
			if end = wordEnd(b, i+2); sqlTypes.has(b[i+2 : end]) {
				if hasPrefixAt(b, end, " precision") {
					end += len(" precision")
				}
				x.casts = end == len(b)
				return 0, 0, end, false
			}
		}
		if after == '=' {
			return x.operator(i)
		}
	case '?':
		if n := len(toks); n > 0 && toks[n-1].kind == tokQuote && asksForKey(b, i) {
			return tokOp, i + 1, i + 1 + boolInt(after == '&' || after == '|'), false
		}
	case '|', '&':
		if after == c {
			x.logics++
			return tokLogic, i + 2, i + 2, false
		}
	case '!':
		if after == '=' {
			return x.operator(i)
		}
	case '=', '<', '>', '~':
		return x.operator(i)
	}
	return signKinds[c], i + 1, i + 1, false
}

// operator reads a comparison at i.
func (x *lexer) operator(i int) (kind tokenKind, end, next int, parts bool) {
	j := i + 1
	for c := at(x.b, j); j-i < 3 && (c == '=' || c == '<' || c == '>'); c = at(x.b, j) {
		j++
	}
	return tokOp, j, j, false
}

// comment reads a comment of the form /* */ at i.
func (x *lexer) comment(toks []token, i int, glue bool) (kind tokenKind, end, next int, parts bool) {
	b, j := x.b, i+2
	if at(b, j) == '!' || at(b, j) == 'm' && at(b, j+1) == '!' {
		x.version = true
		for j < len(b) && (b[j] == '!' || b[j] == 'm' || isDigit(b[j])) {
			j++
		}
		step(j - i)
		return 0, 0, j, true
	}
	if !x.measured {
		x.closes, x.measured = bytes.LastIndex(b, []byte("*/")), true
	}
	if x.closes < j { // no comment closes after this point
		return tokComment, j, j, false
	}
	j += bytes.Index(b[j:], []byte("*/"))
	step(j - i)
	x.inline++
	if glue && len(toks) > 0 && b[i+2] != '/' && standsForBlank(b, i, j) {
		x.tight++
	}
	if n := len(toks); n > 0 && toks[n-1].kind == tokWord && int(toks[n-1].e) == i && isLetter(at(b, j+2)) && joinsKeyword(b, &toks[n-1], j+2) {
		x.version = true
		x.keywords++
	}
	return 0, 0, j + 2, true
}

// dashes reads a comment of two hyphens or more at i. One that ends with its line is none of the text's end.
func (x *lexer) dashes(i int) (kind tokenKind, end, next int, parts bool) {
	if j := quotedFlag(x.b, i); j > 0 {
		return 0, 0, j, true
	}
	if x.singles+x.doubles == 0 {
		if j := longFlag(x.b, i); j > 0 {
			return 0, 0, j, true
		}
	}
	j := i
	for at(x.b, j) == '-' {
		j++
	}
	if k := x.lines.after(j); k > 0 {
		return 0, 0, k, true
	}
	return tokComment, j, j, false
}

// hash reads a comment of MySQL at i; behind a letter the sign is part of a name or an address, before digits that of an issue.
func (x *lexer) hash(toks []token, i int) (kind tokenKind, end, next int, parts bool) {
	if x.singles+x.doubles == 0 && len(toks) > 0 {
		if j := issueNumber(x.b, i, &toks[len(toks)-1]); j > 0 {
			return 0, 0, j, true
		}
	}
	glued := i > 0 && isLetter(x.b[i-1])
	if n := len(toks); i > 0 && n > 0 && (!glued || toks[n-1].kw != kwNone) {
		if k := x.lines.after(i); k > 0 {
			x.inline++
			return 0, 0, k, true
		}
	}
	if glued && i+1 < len(x.b) {
		return tokOther, i + 1, i + 1, false
	}
	return tokComment, i + 1, i + 1, false
}

// standsForBlank reports whether the comment from i to its end at j has a value or a word right before it and right behind it, and no
// blank in it: union/**/select. A path with wildcards, a/*/b/*/c, is none.
func standsForBlank(b []byte, i, j int) bool {
	step(j - i)
	next := at(b, j+2)
	if !isWordByte(at(b, i-1)) && at(b, i-1) != ')' && !isQuote(at(b, i-1)) || !isWordByte(next) && next != '(' && next != '@' && !isQuote(next) {
		return false
	}
	return bytes.IndexByte(b[i:j], ' ') < 0 && b[j-1] != '/'
}

// quotedFlag returns the end of a command line's flag that stands at i in quotes of its own, as talk about programs puts it:
// "--follow"; 0 for anything else.
func quotedFlag(b []byte, i int) int {
	if i == 0 || !isQuote(b[i-1]) || i > 1 && !isBlank(b[i-2]) && b[i-2] != '(' && b[i-2] != '[' && b[i-2] != ',' || !isLetter(at(b, i+2)) {
		return 0
	}
	j := i + 2
	for j < len(b) && j-i < maxFlag && (isWordByte(b[j]) || b[j] == '-') {
		j++
	}
	step(j - i)
	if at(b, j) == '=' && at(b, j+1) == b[i-1] {
		j++
	}
	if at(b, j) != b[i-1] {
		return 0
	}
	return j
}

// longFlag returns the end of a command line's flag at i, behind a blank and without quotes: --force; 0 for anything else.
func longFlag(b []byte, i int) int {
	if i == 0 || !isBlank(b[i-1]) || !isLetter(at(b, i+2)) || !isLetter(at(b, i+3)) {
		return 0
	}
	j := i + 2
	for j < len(b) && j-i < maxFlag && (isWordByte(b[j]) || b[j] == '-' && isLetter(at(b, j+1))) {
		j++
	}
	step(j - i)
	return j
}

// issueNumber returns the end of a number behind the sign at i that names an issue, behind a word or a bracket: (see #12); 0 for anything
// else.
func issueNumber(b []byte, i int, before *token) int {
	if before.kind != tokOpen && !(before.kind == tokWord && before.kw == kwNone && isBlank(b[i-1])) || !isDigit(at(b, i+1)) {
		return 0
	}
	j := i + 1
	for j < len(b) && j-i < maxWord && isDigit(b[j]) {
		j++
	}
	step(j - i)
	if c := at(b, j); j < len(b) && c != ')' && c != ',' && c != '.' && c != ' ' {
		return 0
	}
	return j
}

// maxFlag is the length of the longest flag of a command line that is taken for one.
const maxFlag = 40

// joinsKeyword reports whether a word and what follows a comment at i make a keyword, as in "uni/**/on".
func joinsKeyword(b []byte, t *token, i int) bool {
	j := wordEnd(b, i)
	var joined [16]byte
	if int(t.e-t.s)+j-i > len(joined) {
		return false
	}
	n := copy(joined[:], b[t.s:t.e])
	n += copy(joined[n:], b[i:j])
	switch keywords.of(joined[:n]) {
	case kwUnion, kwSelect, kwInsert, kwDelete, kwUpdate, kwDrop, kwFrom, kwWhere, kwWaitfor:
		return t.kw == kwNone
	}
	return false
}
