package detect

// atBool judges a logical connective: what it joins, and whether the text before it was left.
func (q *sqlText) atBool(i int) string {
	sign := q.toks[i].kind == tokLogic
	left := q.left(i)
	if open := q.tok(i - 1); i > 2 && open.kind == tokQuote && !open.glue && q.toks[i-2].kind == tokWord && q.tok(i+1).kind == tokQuote && q.tok(i+1).c != open.c && !q.tok(i+1).glue {
		return "" // talk of signs: ' and "
	}
	if next := q.tok(i + 1); next.c == '`' && q.tok(i-1).c == '\'' && q.tok(i-1).kind == tokQuote && q.tok(i-3).c == '`' && q.tok(i+3).c == '\'' && !q.toks[i].glue {
		return "" // names in quotes as manuals have them: `a' or `b'
	}
	end, both, ok := q.comparison(i + 1)
	if !both && (q.single || q.double) && q.inCode(i) {
		return ""
	}
	if ok {
		_, worded := q.wordCompare(i+1, end)
		switch {
		case left && q.padded(i):
			return ""
		case both && (left || !sign && !worded && !q.twoWords(i)):
			return "sqli-tautology"
		case q.enclosed(i):
			return ""
		case left && worded && !q.single && !q.double && !q.tail && !q.numeric(i):
		case left && (!q.prose || !worded && (q.single || q.double || q.closed || q.tail)):
			return "sqli-tautology"
		case i == 0 && !q.prose && (q.odd || !worded && q.tok(1).kw == kwFunction && q.tok(2).kind == tokOpen):
			return "sqli-tautology" // what follows goes on in a string that was left open
		case q.tail && !q.prose, i == 0 && (both || !worded && !q.prose && (len(q.toks) <= 12 || q.keywords >= 2)):
			return "sqli-tautology"
		case i == 0 && !q.prose && q.spellsNext(end), !q.prose && q.keywords >= 2 && q.plain == 0 && q.toks[0].kw == kwFunction && q.tok(1).kind == tokOpen:
			return "sqli-tautology"
		}
	}
	if sign && i == 0 && !q.prose && q.tok(1).kind == tokOpen && q.nests(2) {
		return "sqli-boolean"
	}
	if !left && !(i == 0 && (q.tail || !sign)) || q.enclosed(i) {
		return ""
	}
	quoted := q.single || q.double
	next := q.tok(i + 1)
	if i == 1 && q.odd && q.toks[0].kind == tokQuote && !q.prose && (sign || !q.toks[1].glue) && next.kind != 0 && len(q.toks) <= 8 {
		return "sqli-boolean" // ' or word: nothing stands before the quote that it could close
	}
	for k := i + 1; (next.kind == tokOpen || next.kw == kwNot) && k-i < maxOperand; k++ {
		step(1)
		next = q.tok(k + 1)
	}
	j, literal, ok := q.operand(i + 1)
	end2 := q.tok(j)
	switch {
	case i == 0 && !q.prose && (q.odd && next.kind == tokQuote && len(q.toks) <= 8 || string(q.word(i+2)) == "exists" && q.tok(i+1).kind == tokOpen):
		return "sqli-boolean"
	case i == 0 && end2.kind == tokOp && j == len(q.toks)-1 && literal && string(q.word(i)) == "xor":
		return "sqli-boolean"
	case quoted && next.kind == tokQuote && q.openQuote(next.c) && (!q.prose || len(q.toks) < 8):
		if q.decade(i + 1) {
			return "" // the '80s or '90s
		}
		// ' or 'x, ' and ''='
		if next.c == '"' && i >= 4 && q.toks[i-1].c == '"' && q.toks[i-2].kw == kwNone && q.toks[i-3].kind == tokWord && q.toks[i-3].kw == kwNone && q.tok(i+2).kw == kwNone {
			return "" // "one thing" and "another"
		}
		if q.toks[i-1].kind == tokQuote || q.tok(i-1).kind == tokClose || !q.prose {
			return "sqli-boolean"
		}
	case !ok:
		if quoted && next.kind == 0 && i > 0 && q.toks[i-1].kind == tokQuote && i <= 3 {
			return "sqli-boolean"
		}
	case (end2.kw == kwOrder || end2.kw == kwLimit || end2.kw == kwUnion || end2.kw == kwWhere) && literal && !q.prose:
		return "sqli-boolean"
	case end2.kind == tokOp && j == len(q.toks)-1 && literal && quoted:
		return "sqli-boolean"
	case end2.kind == tokComment && (quoted || q.closed || literal || next.kw != kwNone):
		return "sqli-boolean"
	case (quoted || q.closed) && literal && (j >= len(q.toks) || end2.kind == tokSemi) && q.adjacent(i):
		return "sqli-boolean"
	case (next.kw == kwTime || next.kw == kwDanger) && q.callsAfter(i+1):
		return "sqli-function"
	case next.kw == kwCase && !q.prose && (quoted || q.closed || q.numeric(i)) && len(q.toks) > i+3:
		return "sqli-boolean"
	case next.kw == kwNull && j >= len(q.toks) && q.numeric(i):
		return "sqli-boolean"
	case quoted && q.adjacent(i) && next.kind == tokWord && q.tok(j).kind == tokOp && !q.prose:
		return "sqli-boolean"
	case sign && (quoted || q.numeric(i)) && (next.kind == tokOpen || next.kind == tokWord && q.tok(i+2).kind == tokOpen):
		return "sqli-boolean"
	case quoted && q.adjacent(i) && ok && (j >= len(q.toks) || end2.kind == tokSemi && j == len(q.toks)-1) && j-i > 2 && !q.prose:
		return "sqli-boolean"
	}
	return ""
}

// decade reports whether the quote at i abbreviates a decade: '90s.
func (q *sqlText) decade(i int) bool {
	t := q.tok(i)
	year := int(t.e)
	return t.kind == tokQuote && t.c == '\'' && isDigit(at(q.b, year)) && hasPrefixAt(q.b, year+1, "0s") && !isWordByte(at(q.b, year+3))
}

// spellsNext reports whether the operand that ends before token i is a character spelled by its number: char(37).
func (q *sqlText) spellsNext(i int) bool {
	for k := i - 1; k > 0 && k > i-8; k-- {
		switch string(q.word(k)) {
		case "char", "chr", "nchar", "ascii", "hex", "unhex":
			return q.tok(k+1).kind == tokOpen
		}
	}
	return false
}

// nests reports whether a function of SQL is called at token i with another in its arguments.
func (q *sqlText) nests(i int) bool {
	calls := 0
	for k := i; k < len(q.toks) && k < i+maxOperand; k++ {
		step(1)
		if t := &q.toks[k]; (t.kw == kwFunction || t.kw == kwCase || t.kw == kwDanger || t.kw == kwTime) && q.tok(k+1).kind == tokOpen {
			calls++
		} else if k == i {
			return false
		}
	}
	return calls >= 2
}

// shellJoins reports whether && or || stands before a command of a shell and its argument, as in "&& sleep 5" and "|| ping -c 3": behind
// a name SQL has an operator, a bracket or the end.
func (q *sqlText) shellJoins() bool {
	if q.logics == 0 {
		return false
	}
	for i := range q.toks {
		if q.toks[i].kind != tokLogic {
			continue
		}
		if tick := q.tok(i + 1); tick.kind == tokQuote && tick.c == '`' { // || `ping -c 3 h`
			i++
		}
		kind := commandKindOf(q.word(i + 1))
		if kind == 0 {
			continue
		}
		arg := q.tok(i + 2)
		if arg.kind == 0 && kind == cmdSure {
			return true
		}
		if w := string(q.word(i + 2)); !arg.glue && (w == "http" || w == "https" || w == "ftp") {
			return true
		}
		if !arg.glue && (arg.kind == tokNumber || arg.kind == tokArith && arg.c == '-' && q.tok(i+3).glue && q.tok(i+3).kind == tokWord) {
			return true
		}
	}
	return false
}

// enclosed reports whether the word at i stands in a pair of quotes with at most three others, as talk about SQL puts it: "order by".
func (q *sqlText) enclosed(i int) bool {
	open := i - 1
	for k := 0; k < 3 && q.tok(open).kind == tokWord; k++ {
		open--
	}
	value := q.tok(open-1).kind == tokOp && q.tok(open-2).kind == tokWord                                         // name="like", as in an address that stands in a text
	if q.tok(open).kind != tokQuote || open > 0 && q.tok(open).glue && !value && q.tok(open-1).kind != tokComma { // or in a list: ,"in":
		return false
	}
	j := i + 1
	for k := 0; k < 3 && q.tok(j).kind == tokWord; k++ {
		j++
	}
	end := q.tok(j)
	if end.kind != tokQuote || end.c != q.tok(open).c {
		return false
	}
	next := q.tok(j + 1)
	if !end.glue {
		return !q.tok(open+1).glue && q.joins(open-1) && next.c == q.toks[open-1].c // << " and " << b
	}
	return value && next.kind == tokArith || next.kind == 0 || !next.glue || next.kind == tokOther || next.kind == tokComma
}

// inCode reports whether the token at i stands in a string that the text has opened, as code does, and closes: find("a = 1 and b < c"), or
// {filter: 'a and b < c'}. A string that was left is closed by its first quote.
func (q *sqlText) inCode(i int) bool {
	open := i - 1
	for open >= 0 && i-open < maxColumns && (q.toks[open].kind != tokQuote || !q.openQuote(q.toks[open].c)) {
		open--
	}
	step(i - open)
	if open < 1 || q.toks[open].kind != tokQuote {
		return false
	}
	switch before := q.tok(open - 1); {
	case before.kind == tokOpen, before.c == ':', before.kind == tokComma, before.c == '[', before.kind == tokOp && (before.c == '=' || before.c == ':') && q.tok(open-2).kind != 0:
	default:
		return false
	}
	if first := q.tok(open + 1); !first.glue || first.kind == tokQuote || first.kind == tokOp || first.kind == tokComment || first.kw == kwBool || first.kw == kwUnion {
		return false
	}
	for k := i + 1; k < len(q.toks) && k-i < maxColumns; k++ {
		step(1)
		if q.toks[k].kind == tokQuote && q.toks[k].c == q.toks[open].c {
			switch after := q.tok(k + 1); after.kind {
			case 0, tokClose, tokComma, tokSemi:
				return true
			default:
				return after.c == '}' || after.c == ']'
			}
		}
	}
	return false
}

// padded reports whether the word at i stands in quotes of its own with a blank on each side, joined to what is before and behind them.
func (q *sqlText) padded(i int) bool {
	return !q.toks[i].glue && q.tok(i+1).kind == tokQuote && q.enclosed(i)
}

// joins reports whether what stands at i puts strings together, as programs do.
func (q *sqlText) joins(i int) bool {
	t := q.tok(i)
	return t.c == '<' && t.e-t.s == 2 || t.c == '+' || t.c == ','
}

// inBackticks reports whether the name at i, and the brackets of a call that is given nothing or one name, stand in backticks, as talk
// about code puts it.
func (q *sqlText) inBackticks(i int) bool {
	if open := q.tok(i - 1); open.kind != tokQuote || open.c != '`' {
		return false
	}
	j := i + 1
	if q.tok(j).kind == tokOpen {
		j++
		if q.tok(j).kind == tokWord {
			j++
		}
		if q.tok(j).kind != tokClose {
			return false
		}
		j++
	}
	end := q.tok(j)
	return end.kind == tokQuote && end.c == '`' && (i > 1 || j+1 < len(q.toks))
}

// enclosedSign reports whether the quote at i opens a pair around a sign, as talk about operators puts it: "=".
func (q *sqlText) enclosedSign(i int) bool {
	next := q.tok(i + 3)
	return q.tok(i+2).glue && q.tok(i+2).kind == tokQuote && (next.kind == 0 || !next.glue || next.kind == tokComma || next.kind == tokClose) && q.tok(i-1).kind != tokWord && q.tok(i-1).kind != tokNumber
}

// adjacent reports whether a quote or closing bracket stands right before token i.
func (q *sqlText) adjacent(i int) bool {
	k := q.tok(i - 1).kind
	return k == tokQuote || k == tokClose || q.numeric(i)
}

// openQuote reports whether an odd number of that quote came before.
func (q *sqlText) openQuote(c byte) bool {
	switch c {
	case '\'':
		return q.single
	case '"':
		return q.double
	}
	return q.back
}

// wordCompare reports whether the comparison between tokens i and end is made by a word: "5 in 3" is more often talk than "5=3".
func (q *sqlText) wordCompare(i, end int) (int, bool) {
	for k := i; k < end && k < len(q.toks); k++ {
		step(1)
		switch {
		case q.toks[k].kind == tokOp:
			return k, false
		case q.toks[k].kw == kwCompare:
			return k, true
		}
	}
	return end, false
}

// twoWords reports whether the text before token i reads like talk: more than two plain words.
func (q *sqlText) twoWords(i int) bool {
	if !q.prose {
		return false
	}
	n := 0
	for k := max(0, i-6); k < i; k++ {
		if q.toks[k].kind == tokWord && q.toks[k].kw == kwNone {
			n++
		}
	}
	return n > 2
}

// callsAfter reports whether the token at i, or after brackets and a negation, is called.
func (q *sqlText) callsAfter(i int) bool {
	for k := i; k < i+4; k++ {
		if t := q.tok(k); t.kind == tokWord && t.kw != kwNot {
			return q.tok(k+1).kind == tokOpen || q.tok(k+1).kind == tokDot
		}
	}
	return false
}
