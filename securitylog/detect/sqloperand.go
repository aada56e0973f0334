package detect

// maxOperand and maxCall bound how many tokens one operand and one call may take, so that each rule looks ahead a bounded way.
const (
	maxOperand = 24
	maxCall    = 80
)

// operand reads a value from token i on: a literal, a string with or without its quotes closed, a name, a call. It returns the token
// after it and whether it is a literal.
func (q *sqlText) operand(i int) (next int, literal, ok bool) {
	step(8)
	for steps := 0; steps < 8; steps++ {
		switch t := q.tok(i); {
		case t.kind == tokOpen, t.kind == tokArith && (t.c == '-' || t.c == '+' || t.c == '!'), t.kind == tokOp && t.c == '~', t.kw == kwNot, t.kw == kwAll && i > 0:
			i++
			continue
		}
		break
	}
	switch t := q.tok(i); t.kind {
	case tokNumber:
		i++
		if q.tok(i).kind == tokWord && q.tok(i).glue && q.tok(i).kw == kwNone && isLetter(q.tok(i).c) {
			i++ // "1st", "5a3f": a number as people write it
			return q.closes(i), false, true
		}
		return q.closes(i), true, true
	case tokQuote:
		literal := t.c != '`' // backticks quote names
		for j := i + 1; j < len(q.toks) && j-i < maxOperand; j++ {
			step(1)
			if q.toks[j].kind == tokQuote && q.toks[j].c == t.c {
				return q.closes(j + 1), literal, true
			}
		}
		if len(q.toks)-i <= 4 {
			return len(q.toks), literal, literal
		}
		return i + 1, literal, true
	case tokAt:
		for from := i; q.tok(i).kind == tokAt && i-from < maxOperand; i++ {
			step(1)
		}
		if q.tok(i).kind == tokWord {
			return q.closes(i + 1), false, true
		}
	case tokWord:
		if t.kw == kwBool {
			return i, false, false
		}
		literal := t.kw == kwNull
		i++
		for from := i; q.tok(i).kind == tokDot && q.tok(i+1).kind == tokWord && i-from < maxOperand; i += 2 {
			step(1)
		}
		if q.tok(i).kind == tokOpen {
			return q.closes(q.call(i)), false, true
		}
		if q.tok(i).kind == tokQuote && q.tok(i).glue && t.e-t.s == 1 { // n'x', x'41', b'1'
			return q.operand(i)
		}
		return q.closes(i), literal, true
	}
	return i, false, false
}

// call returns the token after the bracket that closes the one at i, or a bounded way ahead.
func (q *sqlText) call(i int) int {
	step(1)
	if end := int(q.toks[i].close); end > 0 && end-i < maxCall {
		return end + 1
	}
	return min(len(q.toks), i+maxCall)
}

// closes skips closing brackets and what casts or computes on after an operand.
func (q *sqlText) closes(i int) int {
	step(8)
	for steps := 0; steps < 8; steps++ {
		switch q.tok(i).kind {
		case tokClose:
			i++
			continue
		case tokArith:
			switch q.tok(i + 1).kind {
			case tokNumber:
				i += 2
				continue
			case tokWord:
				if kw := q.tok(i + 1).kw; kw != kwNone && kw != kwNull && kw != kwFunction {
					break
				}
				if i += 2; q.tok(i).kind == tokOpen {
					i = q.call(i)
				}
				continue
			}
		}
		break
	}
	return i
}

// compares returns the token after a comparison at i.
func (q *sqlText) compares(i int) (int, bool) {
	switch t := q.tok(i); {
	case t.kind == tokOp && t.c != ':' && t.c != '~':
		return i + 1, true
	case t.kw == kwNot && q.tok(i+1).kw == kwCompare:
		return i + 2, true
	case t.kw == kwCompare:
		return i + 1, true
	}
	return i, false
}

// comparison reads "operand comparison operand" from i on: where it ends, and whether both sides are literals or the same word.
func (q *sqlText) comparison(i int) (next int, both, ok bool) {
	j, l, ok := q.operand(i)
	if !ok {
		return i, false, false
	}
	k, ok := q.compares(j)
	if !ok {
		return i, false, false
	}
	end, r, ok := q.operand(k)
	if !ok {
		return i, false, false
	}
	same := string(q.word(j-1)) == string(q.word(k)) && q.word(k) != nil && q.tok(k+1).kind != tokOpen && q.tok(j-1).kw == kwNone && j-1 >= i
	return end, l && r || same, true
}
