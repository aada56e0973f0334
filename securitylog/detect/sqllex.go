package detect

import "bytes"

// tokenKind is the kind of one SQL token.
type tokenKind uint8

const (
	tokWord tokenKind = iota + 1
	tokNumber
	tokQuote   // one quotation mark; strings are told apart by the rules, since an attack closes what it did not open
	tokOp      // = < > <> != <=> ~ :=
	tokLogic   // || && written as signs
	tokArith   // + - * / % ^ & |
	tokOpen    // (
	tokClose   // )
	tokComma   // ,
	tokDot     // .
	tokSemi    // ;
	tokComment // -- # or an open /*
	tokAt      // @ @@
	tokOther
)

type token struct {
	kind tokenKind
	kw   keyword
	c    byte // first byte
	s, e int32
	glue bool // no space before it
}

// maxTokens bounds the list of one text; what lies behind is not judged as SQL.
const maxTokens = 8192

// lexed is what the lexer notes of a text beside its tokens.
type lexed struct {
	toks     []token
	version  bool // a MySQL version comment: /*!50000
	inline   int  // closed comments between tokens
	casts    bool // the text ends in a cast of PostgreSQL: ::int
	strayEnd bool // a comment closes that was not opened
	tight    int  // closed comments that stand for the blank between two tokens
	keywords int  // words that mean something to SQL, connectives aside
	plain    int  // words that mean nothing to SQL
}

// lexSQL splits a lower-case text into tokens. Closed comments separate; the inside of a version comment is read as SQL.
func lexSQL(toks []token, b []byte) lexed {
	var x lexed
	toks = toks[:0]
	glue := true
	emit := func(k tokenKind, s, e int) {
		toks = append(toks, token{kind: k, c: b[s], s: int32(s), e: int32(e), glue: glue})
		glue = true
	}
	lastStar := lastClose(b)
	lines := lineBreaks{b: b}
	for i := 0; i < len(b) && len(toks) < maxTokens; {
		c := b[i]
		if kind := soleSigns[c]; kind != 0 {
			emit(kind, i, i+1)
			i++
			continue
		}
		switch {
		case isBlank(c):
			glue = false
			i++
		case isDigit(c):
			j := numberEnd(b, i)
			emit(tokNumber, i, j)
			if n := emptyExponent(b, j); n > 0 {
				x.version = true
				j += n
			}
			i = j
		case isLetter(c) || c == '_' || c >= 0x80:
			j := sqlWordEnd(b, i)
			kw := keywords.of(b[i:j])
			switch kw {
			case kwNone:
				x.plain++
			case kwCast, kwBool:
			default:
				x.keywords++
			}
			emit(tokWord, i, j)
			toks[len(toks)-1].kw = kw
			i = j
		case c == '\'' || c == '"' || c == '`':
			if c == '\'' && (apostrophe(b, i) || possessive(b, i)) {
				i++
				continue
			}
			emit(tokQuote, i, i+1)
			i++
		case c == '/' && at(b, i+1) == '*':
			j := i + 2
			if at(b, j) == '!' || at(b, j) == 'm' && at(b, j+1) == '!' {
				x.version = true
				for j < len(b) && (b[j] == '!' || b[j] == 'm' || isDigit(b[j])) {
					j++
				}
				glue = false
				i = j
				continue
			}
			if lastStar < j { // no comment closes after this point
				emit(tokComment, i, j)
				i = j
				continue
			}
			for j+1 < len(b) && !(b[j] == '*' && b[j+1] == '/') {
				j++
			}
			step(j - i)
			x.inline++
			if glue && len(toks) > 0 && b[i+2] != '/' && standsForBlank(b, i, j) {
				x.tight++
			}
			glue = false
			if n := len(toks); n > 0 && toks[n-1].kind == tokWord && int(toks[n-1].e) == i && isLetter(at(b, j+2)) && joinsKeyword(b, toks[n-1], j+2) {
				x.version = true
				x.keywords++
			}
			i = j + 2
		case c == '\\' && isQuote(at(b, i+1)): // an escape that a conversion of the character set may undo
			i++
		case c == '*' && at(b, i+1) == '/':
			x.strayEnd = x.strayEnd || !x.version
			glue = false
			i += 2
		case c == ':' && at(b, i+1) == ':' && sqlTypes.has(b[i+2:wordEnd(b, i+2)]):
			i = wordEnd(b, i+2)
			if hasPrefixAt(b, i, " precision") {
				i += len(" precision")
			}
			x.casts = i == len(b)
		case c == '?' && len(toks) > 0 && toks[len(toks)-1].kind == tokQuote && asksForKey(b, i):
			emit(tokOp, i, i+1)
			i++
			if c := at(b, i); c == '&' || c == '|' {
				i++
			}
		case jsonOperator(b, i) > 0:
			n := jsonOperator(b, i)
			emit(tokOp, i, i+n)
			i += n
		case c == '-' && at(b, i+1) == '-':
			if j := quotedFlag(b, i); j > 0 {
				glue = false
				i = j
				continue
			}
			j := i
			for j < len(b) && b[j] == '-' {
				j++
			}
			if k := lines.after(j); k > 0 {
				glue = false
				i = k
				continue
			}
			emit(tokComment, i, j)
			i = j
		case c == '#' && i > 0 && len(toks) > 0 && (!isLetter(b[i-1]) || toks[len(toks)-1].kw != kwNone) && lines.after(i) > 0:
			x.inline++
			glue = false
			i = lines.after(i)
		case c == '#':
			if i > 0 && isLetter(b[i-1]) && !(i+1 == len(b)) {
				emit(tokOther, i, i+1)
			} else {
				emit(tokComment, i, i+1)
			}
			i++
		case (c == '|' || c == '&') && at(b, i+1) == c:
			emit(tokLogic, i, i+2)
			i += 2
		case c == '=' || c == '<' || c == '>' || c == '!' && at(b, i+1) == '=' || c == '~' || c == ':' && at(b, i+1) == '=':
			j := i + 1
			for j < len(b) && j-i < 3 && (b[j] == '=' || b[j] == '<' || b[j] == '>') {
				j++
			}
			emit(tokOp, i, j)
			i = j
		default:
			emit(signKinds[c], i, i+1)
			i++
		}
	}
	x.toks = toks
	if isJSON(b) {
		x.forgetStrings()
	}
	return x
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
	if i == 0 || !isQuote(b[i-1]) || i > 1 && !isBlank(b[i-2]) && b[i-2] != '(' && b[i-2] != '[' || !isLetter(at(b, i+2)) {
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

// maxFlag is the length of the longest flag of a command line that is taken for one.
const maxFlag = 40

// soleSigns are the signs that are a token by themselves, whatever stands beside them.
var soleSigns = func() (kinds [256]tokenKind) {
	for _, c := range []byte("(),.;+%^{}[]$") {
		kinds[c] = signKinds[c]
	}
	return kinds
}()

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

// lastClose returns the position of the last "*/", or -1.
func lastClose(b []byte) int {
	for i := len(b) - 2; i >= 0; i-- {
		if b[i] == '*' && b[i+1] == '/' {
			return i
		}
	}
	return -1
}

// numberEnd returns the end of the number at i. A word glued to a number, as in "1union", is not part of it.
func numberEnd(b []byte, i int) int {
	if b[i] == '0' && at(b, i+1) == 'x' {
		j := i + 2
		for j < len(b) {
			if _, ok := hexValue(b[j]); !ok {
				break
			}
			j++
		}
		return j
	}
	j := i
	for j < len(b) && (isDigit(b[j]) || b[j] == '.' && isDigit(at(b, j+1))) {
		j++
	}
	if at(b, j) == 'e' {
		k := j + 1
		if at(b, k) == '-' || at(b, k) == '+' {
			k++
		}
		if isDigit(at(b, k)) {
			for k < len(b) && isDigit(b[k]) {
				k++
			}
			return k
		}
	}
	return j
}

// apostrophe reports whether the single quote at i stands within a word, as in "don't", and is not followed by a word of SQL that an
// attack would put there.
func apostrophe(b []byte, i int) bool {
	if i == 0 || i+1 >= len(b) || !(isLetter(b[i-1]) || b[i-1] >= 0x80) || !(isLetter(b[i+1]) || b[i+1] >= 0x80) {
		return false
	}
	switch keywords.of(b[i+1 : wordEnd(b, i+1)]) {
	case kwBool, kwUnion, kwCompare, kwWhere, kwOrder, kwWaitfor, kwLimit, kwInto, kwSelect, kwDeclare, kwExec, kwShutdown, kwNot:
		return false
	}
	if hasPrefixAt(b, i+1, "collate") {
		return false
	}
	step(16)
	start := i
	for start > 0 && i-start < 16 && isLetter(b[start-1]) {
		start--
	}
	switch keywords.of(b[start:i]) {
	case kwBool, kwCompare, kwSelect:
		return false
	}
	return true
}

// possessive reports whether the single quote at i ends a plural, as in "users' names".
func possessive(b []byte, i int) bool {
	if i < 2 || b[i-1] != 's' || !isLetter(b[i-2]) || at(b, i+1) != ' ' || !isLetter(at(b, i+2)) {
		return false
	}
	return keywords.of(b[i+2:wordEnd(b, i+2)]) == kwNone
}

// sqlWordEnd returns the end of the word at i. A number that is glued to a keyword is none of it: "or1=1". The letters are read first and the
// rest of the word only if it is one word: of "or1or1or1" each keyword would else read on to the end.
func sqlWordEnd(b []byte, i int) int {
	j := i
	for j < len(b) && isLetter(b[j]) {
		j++
	}
	if j > i && isDigit(at(b, j)) {
		switch keywords.of(b[i:j]) {
		case kwBool, kwUnion, kwSelect, kwBy:
			step(j - i)
			return j
		}
	}
	for j < len(b) && (isWordByte(b[j]) || b[j] == '$' || b[j] >= 0x80) {
		j++
	}
	step(j - i)
	return j
}

// joinsKeyword reports whether a word and what follows a comment at i make a keyword, as in "uni/**/on".
func joinsKeyword(b []byte, t token, i int) bool {
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
