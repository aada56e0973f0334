package detect

import "github.com/corazawaf/libinjection-go"

// grammar asks libinjection, where quotes, brackets or comments stand beside words of SQL, and believes it where there is a break-out.
func (s *scan) grammar(q *sqlText, b []byte) bool {
	if q.prose || len(q.toks) < 3 || len(q.toks) > 256 || len(q.b) > s.budget {
		return false
	}
	split, joined := q.split(), q.joined()
	if q.keywords == 0 && !q.tail && !joined && !split {
		return false
	}
	odd := q.single || q.double || q.closed || split
	if !odd && !(q.tail && (q.keywords > 0 || joined || q.plain <= 3)) {
		return false
	}
	if startsCommand(b) || !q.evidence(odd, joined, split) { // the dearest question last
		return false
	}
	s.budget -= len(q.b) + libinjectionCall
	step(8 * len(q.b))
	hit, _ := libinjection.IsSQLi(string(q.b))
	return hit
}

// evidence reports whether the text holds what a fingerprint of libinjection needs beside it to be believed.
func (q *sqlText) evidence(odd, joined, split bool) bool {
	step(len(q.toks))
	for i := range q.toks {
		switch t := &q.toks[i]; {
		case t.kind == tokComment && i > 0 && i >= len(q.toks)-3 && (odd || joined || q.calculates(i)) && !q.names(i) && !(q.inPath && hasPrefixAt(q.b, int(t.s), "/*/")): // a segment of a path
			return true
		case (t.kind == tokOp || t.kw == kwCompare) && odd && (joined || split), t.kind == tokArith && split && !(q.inPath && t.c == '/') && len(q.toks) < 24:
			return true
		case t.kw == kwSelect, t.kw == kwTime, t.kw == kwDanger, t.kw == kwSchema, t.kw == kwCase:
			return true
		case t.kw == kwFunction && q.tok(i+1).kind == tokOpen && odd:
			return true
		}
	}
	return false
}

// names reports whether what stands before the comment at i is an identifier of random letters, in one piece, that ends in hyphens.
func (q *sqlText) names(i int) bool {
	if q.single || q.double || i < 2 {
		return false
	}
	for _, t := range q.toks[1 : i+1] {
		if !t.glue {
			return false
		}
	}
	last := &q.toks[i-1]
	return last.kind == tokWord && last.kw == kwNone && last.e-last.s >= 8
}

// calculates reports whether the tokens before i hold nothing but values, brackets and signs, and at least one sign.
func (q *sqlText) calculates(i int) bool {
	signs := 0
	for k := range q.toks[:i] {
		switch q.toks[k].kind {
		case tokArith, tokOp, tokOpen:
			signs++
		case tokNumber, tokQuote, tokClose, tokAt, tokWord, tokDot:
		default:
			return false
		}
	}
	return signs > 0 && i > 2
}

// joined reports whether the text holds a logical connective.
func (q *sqlText) joined() bool {
	for i := range q.toks {
		if t := &q.toks[i]; t.kw == kwBool || t.kind == tokLogic {
			return true
		}
	}
	return false
}

// split reports whether the text leaves a string and enters another: x' ... 'y.
func (q *sqlText) split() bool {
	first, last := -1, -1
	for i := range q.toks {
		if q.toks[i].kind == tokQuote {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	before := q.tok(first - 1)
	end := first + 2
	for q.tok(end).kind == tokWord && end-first <= maxName {
		end++
	}
	value := before.kind == tokOp && q.tok(first-2).kind == tokWord && q.tok(end).kind == tokQuote // name="like", name="O'Neil"
	if first >= 0 && q.amidLetters(first, first+2) || before.kind == tokOpen || before.kind == tokComma || value || q.measures(first) && q.measures(last) {
		return false
	}
	return first > 0 && last > first+1 && q.toks[first].glue && q.toks[first].c == q.toks[last].c && !q.single && !q.double &&
		(last == len(q.toks)-1 || q.toks[last+1].glue)
}

// measures reports whether the quotation mark at i is the sign for inches: a number stands before it.
func (q *sqlText) measures(i int) bool {
	t := q.tok(i)
	return t.c == '"' && t.glue && t.s > 0 && isDigit(q.b[t.s-1]) && (q.plain >= 3 || q.tok(i+1).kind != tokComment && q.tok(i+1).kind != tokWord)
}
