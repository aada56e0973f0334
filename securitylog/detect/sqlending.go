package detect

// ending judges a text that opens a quote and ends in a comment, or is a number before one, whatever stands between.
func (q *sqlText) ending() string {
	n := len(q.toks)
	if q.prose || n < 2 {
		return ""
	}
	if q.cutsStatement() {
		return "sqli-stacked"
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
	last := q.tok(len(q.toks) - 1)
	for _, t := range q.toks[1:] {
		if t.kind == tokDot || !t.glue && t.kind == tokWord && t.kw == kwNone { // amount.avg()::int is a list of columns
			return false
		}
	}
	return last.kind == tokClose && q.tok(0).kind == tokWord || last.kw == kwFunction || last.kw == kwSchema || string(q.word(len(q.toks)-1)) == "password"
}
