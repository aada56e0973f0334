package detect

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
	kind  tokenKind
	kw    keyword
	c     byte // first byte
	glue  bool // no space before it
	s, e  int32
	close int32 // of an opening bracket: the token that closes it, 0 for none
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
	singles  int  // single quotes
	doubles  int  // double quotes
	logics   int  // signs of tokLogic
	keywords int  // words that mean something to SQL, connectives aside
	plain    int  // words that mean nothing to SQL
}

// sqlByte is what a byte means to the lexer.
type sqlByte uint8

const (
	sqlSign   sqlByte = iota // a token with its neighbours, a comment, or nothing (sqlsigns.go)
	sqlSole                  // a token by itself, whatever stands beside it
	sqlBlank                 // parts tokens
	sqlDigit                 // begins a number
	sqlLetter                // begins a word
	sqlQuote                 // a quotation mark
)

var sqlBytes = func() (bytes [256]sqlByte) {
	for c := range bytes {
		switch b := byte(c); {
		case isBlank(b):
			bytes[c] = sqlBlank
		case isDigit(b):
			bytes[c] = sqlDigit
		case isWordByte(b), b >= 0x80:
			bytes[c] = sqlLetter
		case isQuote(b):
			bytes[c] = sqlQuote
		}
	}
	for _, c := range []byte("(),.;+%^{}[]$") {
		bytes[c] = sqlSole
	}
	return bytes
}()

// lexSQL splits a lower-case text into tokens, and notes what it sees in an empty lexed. Closed comments separate; the inside of a version
// comment is read as SQL.
func lexSQL(into *lexed, b []byte) {
	x := lexer{lexed: into, b: b, lines: lineBreaks{b: b}}
	toks := x.toks
	glue := true
	open := int32(-1) // the innermost bracket that is open; each holds the one around it, until it is closed
	for i := 0; i < len(b) && len(toks) < maxTokens; {
		c := b[i]
		kind, kw := signKinds[c], kwNone
		end, next := i+1, i+1 // of the token, and where to go on
		switch sqlBytes[c] {
		case sqlBlank:
			glue = false
			i++
			continue
		case sqlLetter:
			kind, end = tokWord, sqlWordEnd(b, i)
			next = end
			switch kw = keywords.of(b[i:end]); kw {
			case kwNone:
				x.plain++
			case kwCast, kwBool:
			default:
				x.keywords++
			}
		case sqlDigit:
			kind, end = tokNumber, numberEnd(b, i)
			next = end
			if n := emptyExponent(b, end); n > 0 {
				x.version = true
				next += n
			}
		case sqlQuote:
			if c == '\'' && (apostrophe(b, i) || possessive(b, i)) {
				i++
				continue
			}
			kind = tokQuote
			x.singles += boolInt(c == '\'')
			x.doubles += boolInt(c == '"')
		case sqlSign:
			var parts bool
			if kind, end, next, parts = x.sign(toks, i, glue); kind == 0 {
				glue = glue && !parts
				i = next
				continue
			}
		}
		n := len(toks)
		if n < cap(toks) {
			toks = toks[:n+1]
		} else {
			toks = append(toks, token{})
		}
		t := &toks[n] // filled in place: a copy would wait for each of its fields
		t.kind, t.kw, t.c, t.glue, t.s, t.e, t.close = kind, kw, c, glue, int32(i), int32(end), 0
		switch kind {
		case tokOpen:
			t.close, open = open, int32(n)
		case tokClose:
			if open >= 0 {
				open, toks[open].close = toks[open].close, int32(n)
			}
		}
		glue = true
		i = next
	}
	for open >= 0 {
		open, toks[open].close = toks[open].close, 0
	}
	x.toks = toks
	if isJSON(b) {
		x.forgetStrings()
	}
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
