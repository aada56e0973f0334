package detect

import "bytes"

// The sqli rules read a text as SQL tokens and ask for structure: words alone are talk.
//
//	sqli-union       union and select, with a column list or a break-out
//	sqli-tautology   a comparison joined by or/and that leaves a string, or of two literals
//	sqli-boolean     a condition joined by or/and to a left string, without a comparison
//	sqli-comment     a quote that is left and a comment that hides the rest
//	sqli-stacked     a second statement
//	sqli-time        functions and statements that wait
//	sqli-function    functions that leak through errors, read files or run commands
//	sqli-subquery    a select in brackets where a value was expected
//	sqli-schema      system tables and server variables
//	sqli-clause      order by, group by, having, limit, into, procedure after a break-out
//	sqli-concat      a left string joined to another
//	sqli-statement   a whole statement as a value
//	sqli-obfuscated  keywords taken apart by comments, characters spelled by number
//	sqli-cast        a call or a literal cast to another type so that the error shows it
//	sqli-probe       quotes and brackets of a scanner that waits for an error
//	sqli-grammar     a fingerprint of libinjection, with evidence beside it
func (s *scan) sqli(t *text, markup bool) {
	const signs = markQuote | markParen | markSemi | markPipe | markAmp | markHash | markEquals | markDash | markStar | markAt | markSlash
	b := valueOf(t)
	if len(b) < 3 || t.known.Has(SQLi) && t.known.Has(CmdI) {
		return
	}
	q := s.lexValue(t, b)
	if t.marks&signs == 0 && q.keywords == 0 && !q.casts {
		return
	}
	t.shell = q.shellJoins() || batchControl(b, skipBlank(b, 0))
	if t.known.Has(SQLi) {
		return
	}
	if t.marks&markQuote != 0 && probes(b) {
		s.report(t.place, SQLi, "sqli-probe")
		return
	}
	rule := q.judge()
	if rule == "" && q.keywords > 0 && plusBlanks(b) {
		s.squeezed = append(s.squeezed[:0], b...)
		for i, c := range s.squeezed {
			if c == '+' {
				s.squeezed[i] = ' '
			}
		}
		q = s.lexValue(t, s.squeezed)
		rule = q.judge()
	}
	if rule == "" && !markup && s.grammar(q, b) {
		rule = "sqli-grammar"
	}
	if rule != "" {
		s.report(t.place, SQLi, rule)
	}
}

// valueOf returns the text as it would stand in a statement: without the blanks before it, those that were encoded twice and so are
// still a plus sign included, and of a path without the leading slash.
func valueOf(t *text) []byte {
	b, i := t.b, 0
	if t.where == InPath {
		for at(b, i) == '/' {
			i++
		}
	} else {
		for c := at(b, i); c == '+' || c == ' '; c = at(b, i) {
			i++
		}
	}
	return b[i:]
}

// plusBlanks reports whether plus signs stand for the blanks of a text: there are several of them, and no blank.
func plusBlanks(b []byte) bool {
	step(2 * len(b))
	return bytes.Count(b, []byte{'+'}) >= 2 && bytes.IndexByte(b, ' ') < 0
}

// lexValue reads a value as SQL. What it returns is good until the next call.
func (s *scan) lexValue(t *text, b []byte) *sqlText {
	s.sql = sqlText{lexed: lexed{toks: s.toks[:0]}, b: b, prose: t.prose, inPath: t.where == InPath}
	lexSQL(&s.sql.lexed, b)
	s.toks = s.sql.toks
	step(3 * len(b))
	return &s.sql
}

// sqlText is a lexed text with the state of a walk over it.
type sqlText struct {
	lexed
	b      []byte
	prose  bool
	inPath bool

	// What the tokens before the current one have left open.
	single, double, back bool // an odd number of that quote
	depth                int  // open brackets
	closed               bool // a bracket closed that was not opened
	tail                 bool // the text ends in a comment
	odd                  bool // a quote of the whole text is left open
	lastOther            int  // the last token that is neither a comment nor a quote right behind another token
}

// tok returns a token, or one of no kind beyond the ends of the text.
func (q *sqlText) tok(i int) *token {
	if i < 0 || i >= len(q.toks) {
		return &noToken
	}
	return &q.toks[i]
}

var noToken token

func (q *sqlText) word(i int) []byte {
	if t := q.tok(i); t.kind == tokWord {
		return q.b[t.s:t.e]
	}
	return nil
}

// left reports whether the tokens before i leave what the text was put into: an odd quote, a closing bracket too many, or a number or
// nothing at all before an SQL keyword.
func (q *sqlText) left(i int) bool {
	return q.single || q.double || q.closed || q.numeric(i)
}

// numeric reports whether only a number, a sign or brackets stand before i, as in "1 and".
func (q *sqlText) numeric(i int) bool {
	if i == 0 || i > 6 {
		return false
	}
	number := false
	for k := range q.toks[:i] {
		switch t := &q.toks[k]; t.kind {
		case tokNumber:
			number = true
		case tokArith, tokOpen, tokClose, tokDot, tokAt:
		case tokWord:
			if t.kw != kwNull {
				return false
			}
			number = true
		default:
			return false
		}
	}
	return number
}

// judge walks over the tokens once and puts the rules that start at each.
func (q *sqlText) judge() string {
	n := len(q.toks)
	for k := n - 1; k >= max(0, n-4) && !q.tail; k-- {
		q.tail = q.toks[k].kind == tokComment
	}
	q.lastOther = n - 1
	for q.lastOther >= 0 && q.tok(q.lastOther).hides() {
		q.lastOther--
	}
	step(n - q.lastOther)
	q.odd = q.singles%2 == 1 || q.doubles%2 == 1 // the text leaves one open
	if rule := q.whole(); rule != "" {
		return rule
	}
	chars := 0
	for i := 0; i < n; i++ {
		t := &q.toks[i]
		var rule string
		switch t.kind {
		case tokWord:
			if t.kw != kwNone {
				rule = q.atWord(i, &chars)
			}
		case tokLogic:
			rule = q.atBool(i)
		case tokQuote:
			q.toggle(t.c)
			rule = q.atQuote(i)
		case tokOpen:
			q.depth++
			rule = q.atOpen(i)
		case tokClose:
			if q.depth > 0 {
				q.depth--
			} else {
				q.closed = true
			}
		case tokSemi:
			rule = q.atSemi(i)
		case tokAt:
			rule = q.atVariable(i)
		}
		if rule != "" {
			return rule
		}
	}
	if q.version && q.keywords > 0 || !q.prose && (q.inline >= 2 && q.keywords >= 2 || q.tight >= 2 && q.keywords > 0 || q.tight > 0 && q.keywords >= 2) {
		return "sqli-obfuscated"
	}
	if q.casts && !q.prose && q.castsResult() {
		return "sqli-cast"
	}
	if !q.prose && (chars >= 3 || chars == 2 && q.plain == 0) {
		return "sqli-obfuscated"
	}
	return q.ending()
}

// hides reports whether a token can stand behind a comment that hides the end.
func (t *token) hides() bool { return t.kind == tokComment || t.kind == tokQuote && t.glue }

// endsQuote reports whether token i is a quote that closes one that is open.
func (q *sqlText) endsQuote(i int) bool {
	t := q.tok(i)
	return t.kind == tokQuote && t.c != '`' && q.openQuote(t.c)
}

func (q *sqlText) toggle(c byte) {
	switch c {
	case '\'':
		q.single = !q.single
	case '"':
		q.double = !q.double
	default:
		q.back = !q.back
	}
}

func (q *sqlText) atWord(i int, chars *int) string {
	switch t := &q.toks[i]; t.kw {
	case kwBool:
		return q.atBool(i)
	case kwUnion:
		return q.atUnion(i)
	case kwWhere:
		return q.atWhere(i)
	case kwCompare:
		return q.atCompare(i)
	case kwOrder, kwLimit, kwInto:
		return q.atClause(i)
	case kwWaitfor:
		if next := q.tok(i + 1); next.kw == kwDelay && q.tok(i+2).c != '`' && (q.tok(i+2).kind == tokQuote || q.tok(i+2).kind == tokNumber || !q.prose) {
			return "sqli-time"
		}
	case kwTime, kwDanger:
		return q.atFunction(i)
	case kwSchema:
		return q.atSchema(i)
	case kwFunction:
		if q.tok(i+1).kind == tokOpen && spells(q.word(i)) && q.tok(i+3).kind == tokOpen && takesApart(q.word(i+2)) && !q.prose {
			return "sqli-function"
		}
		if q.tok(i+1).kind == tokOpen && q.tok(i+2).kind == tokClose && q.tok(i-1).kind == tokOpen && i >= 2 && asksServer(q.word(i)) && !q.prose {
			return "sqli-function"
		}
		if string(q.word(i)) == "concat" && q.tok(i+1).kind == tokOpen && q.hexadecimal(i+2) && !q.prose {
			return "sqli-function"
		}
		if w := q.word(i); (string(w) == "char" || string(w) == "chr" || string(w) == "nchar") && q.tok(i+1).kind == tokOpen && q.tok(i+2).kind == tokNumber {
			*chars++
		}
	case kwExec:
		if q.tok(i+1).kind == tokOpen && q.tok(i+2).kind == tokAt && q.tok(i+3).kind == tokWord && !q.prose && (q.tok(i-1).c != '-' || !q.toks[i].glue) {
			return "sqli-stacked"
		}
	case kwSelect:
		if q.endsQuote(i+1) || q.tok(i+2).kw == kwFrom && q.endsQuote(i+3) {
			return "" // words in quotes that end so
		}
		if q.left(i) && !q.prose && q.selects(i+1) && (q.single || q.double || q.tail) {
			return "sqli-subquery"
		}
	case kwCase:
		if string(q.word(i)) == "case" && q.tok(i+1).kw == kwCase && !q.prose && (q.left(i) || q.tok(i-1).kind == tokOpen || i == 0) {
			if _, _, ok := q.comparison(i + 2); ok {
				return "sqli-boolean"
			}
		}
		if w := q.word(i); (string(w) == "if" || string(w) == "iif" || string(w) == "elt") && q.tok(i+1).kind == tokOpen && !q.prose {
			if _, both, ok := q.comparison(i + 2); ok && both {
				return "sqli-boolean"
			}
		}
	}
	return ""
}

// hexadecimal reports whether token i is a number written as 0x...
func (q *sqlText) hexadecimal(i int) bool {
	t := q.tok(i)
	return t.kind == tokNumber && t.e-t.s > 2 && q.b[t.s+1] == 'x'
}

// spells and takesApart name the two functions of which blind injections are made: one turns a character into a number, the other
// takes a character out of a secret.
func spells(name []byte) bool {
	switch string(name) {
	case "ascii", "ord", "hex", "unhex", "bin", "unicode", "conv":
		return true
	}
	return false
}

func takesApart(name []byte) bool {
	switch string(name) {
	case "substring", "substr", "mid", "left", "right", "lower", "upper", "cast", "concat", "hex", "user", "database", "version":
		return true
	}
	return false
}

// asksServer reports whether a function without arguments tells about the server; as the argument of another, nothing else is meant.
func asksServer(name []byte) bool {
	switch string(name) {
	case "version", "user", "database", "current_user", "session_user", "system_user", "schema", "sqlite_version", "current_database", "current_schema", "getpgusername":
		return true
	}
	return false
}
