package detect

import "bytes"

// ending judges a text that opens a quote and ends in a comment, or is a number before one, whatever stands between.
func (q *sqlText) ending() string {
	n := len(q.toks)
	if q.prose || n < 2 {
		return ""
	}
	if q.cutsStatement() || q.keywords > 0 && bytes.HasSuffix(q.b, []byte(";\x00")) {
		return "sqli-stacked"
	}
	if q.leavesBrackets() {
		return "sqli-probe"
	}
	if q.joinsNumbers() || q.odd && q.toks[n-1].kind == tokQuote && q.toks[n-2].kind == tokLogic {
		return "sqli-concat"
	}
	if n == 2 && q.toks[0].kind == tokOp && q.toks[1].kind == tokComment {
		return "sqli-comment"
	}
	if n == 3 && q.toks[0].kind == tokNumber && q.toks[1].kind == tokComment && q.toks[2].kind == tokArith {
		return "sqli-comment"
	}
	if q.toks[n-1].kind != tokComment || q.toks[n-1].c == '#' {
		return ""
	}
	if q.strayEnd && n <= 16 {
		return "sqli-comment"
	}
	if first := q.toks[0].kind; n == 2 && first == tokNumber || n == 3 && first == tokAt {
		return "sqli-comment"
	}
	if (q.single != q.double) && n <= 16 {
		for i, t := range q.toks {
			if t.kind == tokQuote {
				if (t.glue || i == 0) && !q.measures(i) && !(i+3 == n && q.toks[i+1].kind == tokNumber && (i == 0 || q.toks[i-1].c == '/')) {
					return "sqli-comment"
				}
				break
			}
		}
	}
	return ""
}

// cutsStatement reports whether the text is one word with a quote that ends it and a semicolon that ends the statement: bob';
func (q *sqlText) cutsStatement() bool {
	n := len(q.toks)
	if n < 3 || n > 12 || q.toks[n-1].kind != tokSemi || q.toks[n-2].kind != tokQuote || q.single == q.double || q.back {
		return false
	}
	for _, t := range q.toks[1 : n-1] {
		if !t.glue || t.kind == tokSemi {
			return false
		}
	}
	return q.toks[0].kind == tokWord || q.toks[0].kind == tokNumber
}

// castsResult reports whether what a cast at the end applies to is a call, a string or what only a server knows, without a blank before it.
func (q *sqlText) castsResult() bool {
	if len(q.toks) == 0 { // ::int alone
		return false
	}
	last := q.tok(len(q.toks) - 1)
	if n := len(q.toks); last.kind == tokClose && q.tok(n-2).kind == tokOpen && aggregates(q.word(n-3)) { // a column of PostgREST: count()::text
		return false
	}
	for _, t := range q.toks[1:] {
		if t.kind == tokDot || !t.glue && t.kind == tokWord && t.kw == kwNone { // amount.avg()::int is a list of columns
			return false
		}
	}
	return last.kind == tokClose && q.tok(0).kind == tokWord || last.kw == kwFunction || last.kw == kwSchema || string(q.word(len(q.toks)-1)) == "password"
}

// aggregates reports whether a function of SQL sums up the rows of a query.
func aggregates(name []byte) bool {
	switch string(name) {
	case "count", "sum", "avg", "min", "max":
		return true
	}
	return false
}

// leavesBrackets reports whether the text is a number and a quote, with closing brackets behind it that nothing has opened: 7'))
func (q *sqlText) leavesBrackets() bool {
	n, i := len(q.toks), 1
	if q.toks[0].kind != tokNumber {
		return false
	}
	if q.toks[1].c == '%' {
		i++
	}
	if q.tok(i).kind != tokQuote || !q.tok(i).glue || n == i+1 || q.tok(i).c == '"' && n == i+2 {
		return false
	}
	for _, t := range q.toks[i+1:] {
		if t.kind != tokClose {
			return false
		}
	}
	return true
}

// joinsNumbers reports whether the text is nothing but two numbers, or one, joined by the sign that joins strings: 3||7, ||7.
func (q *sqlText) joinsNumbers() bool {
	n := len(q.toks)
	if n > 3 || q.toks[n-1].kind != tokNumber || q.toks[n-2].kind != tokLogic || q.toks[n-2].c != '|' || !q.toks[n-1].glue {
		return false
	}
	return n == 2 || q.toks[0].kind == tokNumber && q.toks[1].glue
}
