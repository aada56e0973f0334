package detect

import "strings"

// whole judges a text as one statement, from its first token on.
func (q *sqlText) whole() string {
	if q.prose {
		return ""
	}
	i := 0
	for q.tok(i).kind == tokSemi || q.tok(i).kind == tokOpen || q.tok(i).kind == tokComment && i < 2 || q.tok(i).kind == tokQuote && i < 2 {
		step(1)
		i++
	}
	if q.statement(i, true) {
		return "sqli-statement"
	}
	if q.sameLiterals() || q.weighsComparison() {
		return "sqli-tautology"
	}
	if q.decides(i) {
		return "sqli-boolean"
	}
	if q.quotedOperator() {
		return "sqli-concat"
	}
	return ""
}

// decides recognises at i a choice that a database makes: case 1 when 2 then 3 end. What it chooses from are literals: words are talk.
func (q *sqlText) decides(i int) bool {
	if string(q.word(i)) != "case" {
		return false
	}
	if i++; string(q.word(i)) != "when" {
		i, _, _ = q.operand(i)
	}
	if string(q.word(i)) != "when" {
		return false
	}
	i, _, _ = q.operand(i + 1)
	if string(q.word(i)) != "then" {
		return false
	}
	_, literal, ok := q.operand(i + 1)
	return ok && literal
}

// quotedOperator recognises an operator between two quotes, alone or with a word on each side: 'like', a '=' b. The quotes end one string
// and begin another.
func (q *sqlText) quotedOperator() bool {
	i, n := 0, len(q.toks)
	if n < 3 || n > 6 {
		return false
	}
	outer := q.toks[0].kind == tokWord && q.toks[0].kw == kwNone || q.toks[0].kind == tokNumber
	if outer {
		i, n = 1, n-1
		if k := q.tok(n).kind; k != tokWord && k != tokNumber {
			return false
		}
	}
	if q.tok(i).kind != tokQuote || q.tok(i).c != '\'' || q.tok(n-1).kind != tokQuote || q.tok(n-1).c != '\'' {
		return false
	}
	for k := i + 1; k < n-1; k++ {
		t := &q.toks[k]
		if t.kw != kwCompare && t.kw != kwNot && !(outer && (t.kw == kwBool || t.kind == tokOp || t.kind == tokArith)) {
			return false
		}
	}
	return n-1 > i+1
}

// sameLiterals reports whether the text is nothing but a literal compared with itself: 1=1, 'a'='a', 7 like 7.
func (q *sqlText) sameLiterals() bool {
	if kind := q.tok(0).kind; kind != tokNumber && kind != tokQuote {
		return false
	}
	end, both, ok := q.comparison(0)
	if !ok || !both || end != len(q.toks) {
		return false
	}
	k, _ := q.wordCompare(0, end)
	if k <= 0 || k+1 >= end {
		return false
	}
	switch sign := &q.toks[k]; {
	case sign.kind == tokOp && q.toks[0].c == '\'' && q.toks[k+1].c == '\'':
		return sign.c != '-' // an arrow compares nothing
	case sign.kind == tokOp && (sign.c == '=' || string(q.b[sign.s:sign.e]) == "<=>"):
	case string(q.word(k)) == "like", string(q.word(k)) == "rlike", string(q.word(k)) == "regexp":
	default:
		return false
	}
	return string(q.b[q.toks[0].s:q.toks[k-1].e]) == string(q.b[q.toks[k+1].s:q.toks[end-1].e])
}

// weighsComparison recognises a comparison of two numbers that another is multiplied with: (3=4)*7.
func (q *sqlText) weighsComparison() bool {
	return len(q.toks) == 7 && q.toks[0].kind == tokOpen && q.toks[1].kind == tokNumber && q.toks[2].kind == tokOp && q.toks[3].kind == tokNumber &&
		q.toks[4].kind == tokClose && q.toks[5].kind == tokArith && q.toks[6].kind == tokNumber
}

// quotesPart reports whether the string that begins at token i closes, with a word of talk behind it: execute "x" every day.
func (q *sqlText) quotesPart(i int) bool {
	for k := i + 1; k < len(q.toks) && k-i <= maxColumns; k++ {
		step(1)
		if q.toks[k].kind == tokQuote && q.toks[k].c == q.toks[i].c {
			after := q.tok(k + 1)
			return after.kind == tokWord && !after.glue && (after.kw == kwNone || after.kw == kwCompare || after.kw == kwWhere)
		}
	}
	return false
}

// namesObject reports whether a word says what is created or dropped. Some of those words are functions too.
func namesObject(t *token, word []byte) bool {
	return t.kw == kwObject || string(word) == "user" || string(word) == "database" || string(word) == "schema"
}

// maxColumns is how many tokens the list of columns of an insert may take.
const maxColumns = 40

// statement reports whether an SQL statement starts at token i. With strict, when nothing but the statement speaks for an attack, a
// select must go on to a condition, a call or an end.
func (q *sqlText) statement(i int, strict bool) bool {
	t, next := q.tok(i), q.tok(i+1)
	switch t.kw {
	case kwSelect:
		return q.selectStatement(i+1, strict)
	case kwInsert:
		switch string(q.word(i)) {
		case "insert", "merge", "replace":
			return next.kw == kwInto && q.tok(i+2).kind == tokWord && q.followed(i+3, maxColumns, func(t *token) bool { return t.kw == kwValues && t.kind == tokWord || t.kw == kwSelect || t.kw == kwSet })
		case "load":
			w := string(q.word(i + 1))
			return (w == "data" || w == "xml") && (q.tok(i+2).kw == kwOutfile || q.tok(i+3).kw == kwOutfile)
		case "copy":
			if q.tok(i+2).kw == kwFrom && q.tok(i+3).kind == tokQuote {
				return true
			}
			return q.followed(i+1, 6, func(t *token) bool {
				return t.kw == kwFrom || string(q.b[t.s:t.e]) == "to" || string(q.b[t.s:t.e]) == "program"
			}) && !strict
		}
	case kwUpdate:
		return next.kind == tokWord && q.followed(i+2, 4, func(t *token) bool { return t.kw == kwSet }) && q.followed(i+3, 8, func(t *token) bool { return t.kind == tokOp })
	case kwDelete:
		if w := string(q.word(i + 1)); w == "quick" || w == "low_priority" || w == "ignore" {
			i++
		}
		return q.tok(i+1).kw == kwFrom && q.tok(i+2).kind == tokWord && (!strict || q.tok(i+3).kw == kwWhere && len(q.toks) > i+5 || q.tok(i+3).kind == tokSemi || q.tok(i+3).kind == tokComment)
	case kwDrop:
		if q.tok(i+1).kw == kwBool && string(q.word(i+2)) == "replace" { // create or replace
			i += 2
			next = q.tok(i + 1)
		}
		if w := string(q.word(i)); (w == "grant" || w == "revoke") && next.kind == tokWord {
			return (!strict || q.tail) && q.followed(i+2, 4, func(t *token) bool { w := string(q.b[t.s:t.e]); return w == "to" || w == "on" || w == "from" })
		}
		if !namesObject(next, q.word(i+1)) {
			return q.tail && next.kind == tokWord && len(q.toks)-i <= 4 && string(q.word(i)) != "comment"
		}
		end := q.tok(i + 3).kind
		return q.tok(i+2).kind == tokWord && (string(q.word(i+3)) == "identified" && q.tok(i+4).kw == kwBy || end == 0 && string(q.word(i)) != "comment" && (!strict || q.tok(i+2).kw == kwNone && string(q.word(i)) == "drop") || end == tokSemi || end == tokComment || end == tokOpen ||
			!strict || q.followed(i+3, 8, func(t *token) bool {
			return t.kind == tokSemi || t.kind == tokComment || t.kind == tokOpen || string(q.b[t.s:t.e]) == "identified" || t.kind == tokOp || string(q.b[t.s:t.e]) == "to" && q.tok(i).c == 'b'
		}))
	case kwExec:
		switch {
		case next.kind == tokOpen:
			if q.tok(i+2).kind == tokQuote && commandKindOf(q.word(i+3)) != 0 {
				return false // a command for a shell
			}
			if path := q.tok(i + 3); q.tok(i+2).kind == tokQuote && path.kind == tokArith && path.c == '/' {
				return false // a program by its path
			}
			return !strict || q.tok(i+2).kind == tokAt || q.tok(i+2).kw != kwNone || q.tok(i+2).kind == tokQuote && q.followed(i+3, 8, func(t *token) bool { return t.kind == tokArith })
		case strict && next.kind == tokQuote && q.quotesPart(i+1):
			return false
		case next.kind == tokAt, next.kind == tokQuote && !q.quoted(i) && (next.c != '`' || string(q.word(i)) != "call"):
			return true
		case next.kind == tokWord:
			w := string(q.word(i + 1))
			return strings.HasPrefix(w, "xp_") || strings.HasPrefix(w, "sp_") || next.kw == kwDanger || next.kw == kwSchema || next.kw == kwExec || next.kw == kwTime || q.tok(i+2).kind == tokDot && next.kw != kwNone || q.tok(i+2).kind == tokDot && !strict
		}
	case kwDeclare:
		return next.kind == tokAt || string(q.word(i)) == "begin" && (next.kw == kwDeclare || next.kw == kwTime || next.kw == kwDanger) || string(q.word(i)) == "declare" && q.followed(i+2, 4, func(t *token) bool { return string(q.b[t.s:t.e]) == "varchar" || string(q.b[t.s:t.e]) == "cursor" })
	case kwWaitfor:
		return next.kw == kwDelay
	case kwCast:
		if w := string(q.word(i)); strict || w != "desc" {
			return false
		}
		return next.kind == tokWord && (q.odd || q.tail) && (q.tok(i+2).kind == tokSemi || q.tok(i+2).kind == tokComment)
	case kwShutdown:
		return !strict && (next.kind == 0 || next.kind == tokComment || next.kind == tokSemi || next.kw == kwCast)
	case kwSet:
		return next.kind == tokAt
	case kwTime, kwDanger:
		return next.kind == tokOpen && !strict || next.kind == tokDot && q.tok(i+3).kind == tokOpen
	case kwCase:
		if w := string(q.word(i)); w == "if" && !strict {
			_, both, ok := q.comparison(i + 1)
			return ok && (both || q.single || q.double)
		}
	}
	return false
}

// followed reports whether one of the n tokens from i on is wanted.
func (q *sqlText) followed(i, n int, wanted func(*token) bool) bool {
	for k := i; k < i+n && k < len(q.toks); k++ {
		step(1)
		if wanted(&q.toks[k]) {
			return true
		}
	}
	return false
}

// selectStatement judges what follows select.
func (q *sqlText) selectStatement(i int, strict bool) bool {
	if !strict {
		return q.selects(i) || q.tok(i).c == '*' && q.tok(i+1).kind == 0
	}
	if t := q.tok(i); (t.kw == kwFunction || t.kw == kwSchema) && q.tok(i+1).kind == tokSemi {
		return true
	}
	if q.tok(i).kw == kwFunction && asksServer(q.word(i)) && q.tok(i+1).kind == tokOpen && q.tok(i+2).kind == tokClose && (q.tok(i+3).kind == 0 || q.tok(i+3).kind == tokSemi) {
		return true
	}
	value := false // the list asks for a value, not for names alone
	for k := i; k < len(q.toks) && k < i+64; k++ {
		step(1)
		t := &q.toks[k]
		value = value || t.kind == tokAt || t.kind == tokNumber && q.tok(k-1).kind == tokComma
		switch {
		case string(q.word(k)) == "case" && q.tok(k+1).kw == kwCase:
			_, both, ok := q.comparison(k + 2)
			return ok && both
		case t.kw == kwFrom && q.tok(k+1).kind == tokWord:
			return q.fromClause(k+1) || value && q.tok(k+2).kw == kwWhere
		case (t.kw == kwTime || t.kw == kwDanger) && q.tok(k+1).kind == tokOpen:
			return true
		case t.kind == tokAt && q.tok(k+1).kind == tokAt:
			return true
		case t.kind == tokWord && t.kw == kwNone && q.tok(k+1).kind == tokWord && q.tok(k+1).kw == kwNone:
			return false
		}
	}
	return false
}

// fromClause judges what follows from: a system table, or a table with a condition, a limit or an end.
func (q *sqlText) fromClause(i int) bool {
	switch t, next := q.tok(i), q.tok(i+1).kind; {
	case t.kw == kwSchema, (t.kw == kwTime || t.kw == kwDanger) && next == tokOpen:
		return true
	case next == tokDot && (string(q.word(i)) == "sys" || string(q.word(i)) == "domain"):
		return true
	}
	for from := i; q.tok(i+1).kind == tokDot && q.tok(i+2).kind == tokWord && i-from < maxOperand; {
		i += 2
		if q.tok(i).kw == kwSchema {
			return true
		}
	}
	i++
	if q.tok(i).kw == kwCast && q.tok(i+1).kind == tokWord {
		i += 2
	}
	switch t := q.tok(i); {
	case t.kind == tokSemi, t.kind == tokComment:
		return true
	case t.kw == kwWhere:
		_, _, ok := q.comparison(i + 1)
		return ok
	case t.kw == kwLimit:
		return q.tok(i+1).kind == tokNumber
	case t.kw == kwUnion:
		return true
	}
	return false
}
