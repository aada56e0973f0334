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
			return len(q.toks), literal, true
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
	depth := 0
	for j := i; j < len(q.toks) && j-i < maxCall; j++ {
		step(1)
		switch q.toks[j].kind {
		case tokOpen:
			depth++
		case tokClose:
			if depth--; depth == 0 {
				return j + 1
			}
		}
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
				if q.tok(i+1).kw != kwNone {
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

func (q *sqlText) atBool(i int) string {
	sign := q.toks[i].kind == tokLogic
	left := q.left(i)
	end, both, ok := q.comparison(i + 1)
	if ok {
		_, worded := q.wordCompare(i+1, end)
		switch {
		case both && (left || !sign && !worded && !q.twoWords(i)):
			return "sqli-tautology"
		case q.enclosed(i):
			return ""
		case left && worded && !q.single && !q.double && !q.tail && !q.numeric(i):
		case left && (!q.prose || !worded && (q.single || q.double || q.closed || q.tail)):
			return "sqli-tautology"
		case q.tail && !q.prose, i == 0 && (both || !q.prose && len(q.toks) <= 12):
			return "sqli-tautology"
		}
	}
	if !left && !(i == 0 && (q.tail || !sign)) || q.enclosed(i) {
		return ""
	}
	quoted := q.single || q.double
	next := q.tok(i + 1)
	for k := i + 1; (next.kind == tokOpen || next.kw == kwNot) && k-i < maxOperand; k++ {
		step(1)
		next = q.tok(k + 1)
	}
	j, literal, ok := q.operand(i + 1)
	end2 := q.tok(j)
	switch {
	case quoted && next.kind == tokQuote && q.openQuote(next.c) && (!q.prose || len(q.toks) < 8):
		// ' or 'x, ' and ''='
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
	case next.kw == kwSelect && q.tok(i+1).kind == tokOpen && q.selects(i+2):
		return "sqli-subquery"
	case next.kw == kwNull && j >= len(q.toks) && q.numeric(i):
		return "sqli-boolean"
	case quoted && q.adjacent(i) && next.kind == tokWord && q.tok(j).kind == tokOp && !q.prose:
		return "sqli-boolean"
	case sign && (quoted || q.numeric(i)) && (next.kind == tokOpen || next.kind == tokWord && q.tok(i+2).kind == tokOpen):
		return "sqli-boolean"
	case quoted && q.adjacent(i) && ok && j >= len(q.toks) && j-i > 2 && !q.prose:
		return "sqli-boolean"
	}
	return ""
}

// enclosed reports whether the word at i stands in a pair of quotes with at most three others, as talk about SQL puts it: "order by".
func (q *sqlText) enclosed(i int) bool {
	open := i - 1
	for k := 0; k < 3 && q.tok(open).kind == tokWord; k++ {
		open--
	}
	if q.tok(open).kind != tokQuote || open > 0 && q.tok(open).glue {
		return false
	}
	j := i + 1
	for k := 0; k < 3 && q.tok(j).kind == tokWord; k++ {
		j++
	}
	end := q.tok(j)
	if end.kind != tokQuote || end.c != q.tok(open).c || !end.glue {
		return false
	}
	next := q.tok(j + 1)
	return next.kind == 0 || !next.glue || next.kind == tokOther || next.kind == tokComma
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

func (q *sqlText) atUnion(i int) string {
	j := i + 1
	for k := 0; k < 6; k++ {
		if t := q.tok(j); t.kw == kwAll || t.kind == tokOpen || t.kind == tokQuote && t.c == '`' || t.kind == tokComment || t.kind == tokArith || t.kind == tokOther {
			j++
		}
	}
	t := q.tok(j)
	if t.kind == 0 && q.inline > 0 && q.numeric(i) {
		return "sqli-obfuscated"
	}
	if t.kind == tokNumber && q.numeric(i) && (q.tail || q.tok(j+1).kind == tokComma) {
		return "sqli-union"
	}
	if t.kw != kwSelect && !(t.kw == kwValues && q.tok(j+1).kind == tokOpen) {
		return ""
	}
	left := q.left(i) || q.tail || i == 0 && q.tok(j+1).kind == 0
	if q.selects(j+1) || left && (!q.prose || q.single || q.double) && !q.enclosed(i) {
		return "sqli-union"
	}
	return ""
}

// selects reports whether a column list starts at token i: a number, a string, null, *, a variable, a call, or names with a comma or
// from between them.
func (q *sqlText) selects(i int) bool {
	for from := i; (q.tok(i).kw == kwAll || q.tok(i).kind == tokOpen) && i-from < maxOperand; i++ {
		step(1)
	}
	t := q.tok(i)
	switch t.kind {
	case tokNumber:
		return q.tok(i+1).kind != tokWord || q.tok(i+1).kw != kwNone || !q.prose
	case tokQuote:
		return !q.prose || q.single || q.double
	case tokAt:
		return true
	case tokArith:
		return t.c == '*' && (q.tok(i+1).kw == kwFrom && !q.prose || q.tok(i+1).kind == 0 && q.left(i)) || t.c == '-' || t.c == '+'
	case tokWord:
		switch {
		case t.kw == kwNull:
			return true
		case q.tok(i+1).kind == tokOpen:
			return !q.prose || q.tok(i+2).kind != tokClose
		case t.kw == kwCase && q.tok(i+1).kw == kwCase:
			return true
		case t.kw == kwSchema:
			return !q.prose
		}
		for j := i; j < i+12; j += 2 {
			if q.tok(j).kind != tokWord {
				return false
			}
			for q.tok(j+1).kind == tokDot && q.tok(j+2).kind == tokWord && j-i < maxOperand {
				j += 2
			}
			step(1)
			switch next := q.tok(j + 1); {
			case next.kw == kwFrom:
				return !q.prose && q.tok(j+2).kind == tokWord
			case next.kind == tokComma, next.kind == tokLogic, next.kind == tokArith && next.c == '+':
				if j > i && next.kind == tokComma && !q.prose {
					return true
				}
			default:
				return next.kind == tokComment
			}
		}
	}
	return false
}

func (q *sqlText) atWhere(i int) string {
	if q.prose && !q.single && !q.double {
		return ""
	}
	end, both, ok := q.comparison(i + 1)
	if !ok {
		return ""
	}
	_, worded := q.wordCompare(i+1, end)
	if both && !worded && (q.left(i) || i == 0 || q.tail || q.tok(end).kw == kwBool || string(q.word(i)) == "having") || both && (q.single || q.double || q.closed) {
		return "sqli-tautology"
	}
	if (q.single || q.double || q.closed) && q.tail && !q.prose {
		return "sqli-tautology"
	}
	return ""
}

// atCompare recognises a comparison put right behind a left string: ' like 'x, ' between 1 and 2, ' is null--.
func (q *sqlText) atCompare(i int) string {
	if q.prose || q.enclosed(i) || !q.adjacent(i) || !(q.single || q.double || q.closed || q.numeric(i)) {
		return ""
	}
	next := q.tok(i + 1)
	if next.kw == kwNot || next.kw == kwCompare {
		next = q.tok(i + 2)
	}
	switch {
	case next.kind == tokNumber && (q.single || q.double) && q.tok(i+2).kind == tokOp:
		return "sqli-tautology"
	case next.kind == tokQuote && (q.single || q.double), next.kind == tokOpen && (q.single || q.double || q.closed):
		return "sqli-tautology"
	case q.tail && (q.single || q.double || q.closed):
		return "sqli-tautology"
	case next.kind == tokOpen && q.tok(i+2).kw == kwSelect:
		return "sqli-subquery"
	}
	return ""
}

func (q *sqlText) atClause(i int) string {
	if q.enclosed(i) {
		return ""
	}
	left := q.left(i) && (!q.prose || q.tail)
	switch w := string(q.word(i)); w {
	case "order", "group":
		if q.tok(i+1).kw != kwBy {
			return ""
		}
		next := q.tok(i + 2)
		if next.kind == tokNumber && (left || q.tail || i == 0) || (left || i == 0) && q.tail && next.kind != 0 {
			return "sqli-clause"
		}
		if (q.single || q.double || q.closed) && !q.prose && next.kind != 0 {
			return "sqli-clause"
		}
	case "limit", "offset", "fetch":
		if next := q.tok(i + 1); next.kind == tokNumber && (q.tail && (left || i == 0) || q.single && q.tail || q.tok(i+2).kw == kwInto || q.tok(i+2).kw == kwUnion || q.tok(i+2).kw == kwLimit && string(q.word(i+2)) == "procedure") {
			return "sqli-clause"
		}
	case "procedure":
		if n := string(q.word(i + 1)); (n == "analyse" || n == "analyze") && (q.tok(i+2).kind == tokOpen || left) {
			return "sqli-clause"
		}
	case "into":
		if q.tok(i+1).kw == kwOutfile && (q.tok(i+2).kind == tokQuote || left || q.tail) {
			return "sqli-clause"
		}
	}
	return ""
}

// atFunction judges the call of a function that waits or leaks. In talk about code such calls stand among words; in an attack they
// follow a break-out, an operator, a keyword, or nothing.
func (q *sqlText) atFunction(i int) string {
	t := q.toks[i]
	rule := "sqli-function"
	if t.kw == kwTime {
		rule = "sqli-time"
	}
	prev, next := q.tok(i-1), q.tok(i+1)
	if next.kind == tokDot && q.tok(i+2).kind == tokWord && t.kw == kwDanger && (q.tok(i+3).kind == tokOpen || !q.prose) {
		return rule
	}
	if next.kind == tokDot && q.tok(i+2).kind == tokWord && t.kw == kwTime && q.tok(i+3).kind == tokOpen {
		return rule
	}
	if next.kind != tokOpen {
		// Stored procedures are called by name alone.
		if w := q.word(i); len(w) > 3 && (string(w[:3]) == "xp_" || string(w[:3]) == "sp_") && (!q.prose || prev.kw == kwExec || prev.kind == tokDot) {
			return rule
		}
		return ""
	}
	arg := q.tok(i + 2)
	if arg.kind == tokClose && t.kw == kwTime {
		return ""
	}
	if string(q.word(i)) == "sleep" && prev.kind == tokDot || !next.glue && !q.single && !q.double && !q.numeric(i) && i > 0 && prev.kw == kwNone {
		return ""
	}
	switch {
	case i == 0 && !q.prose, q.left(i), q.tail && !q.prose:
		return rule
	case prev.kind == tokLogic || prev.kind == tokOp || prev.kind == tokArith || prev.kind == tokOpen && !q.prose || prev.kind == tokComma && !q.prose || prev.kind == tokSemi || prev.kind == tokQuote || prev.kind == tokNumber:
		return rule
	case prev.kw == kwSelect || prev.kw == kwBy || prev.kw == kwBool || prev.kw == kwCompare || prev.kw == kwCase || prev.kw == kwNot || prev.kw == kwAll || prev.kw == kwUnion:
		return rule
	}
	return ""
}

func (q *sqlText) atSchema(i int) string {
	if q.prose && !q.single && !q.double {
		return ""
	}
	w := string(q.word(i))
	prev, next := q.tok(i-1), q.tok(i+1)
	switch w {
	case "table_name", "column_name", "table_schema", "schema_name", "column_names", "dual", "user_name", "db_name", "global_name", "schemata":
		if prev.kw == kwFrom && w == "dual" && q.left(i) {
			return "sqli-schema"
		}
		return ""
	case "master", "dbo":
		if next.kind == tokDot && (q.tok(i+2).kind == tokDot || q.tok(i+3).kind == tokDot) {
			return "sqli-schema"
		}
		return ""
	}
	if prev.kw == kwFrom || next.kind == tokDot && q.keywords > 1 || q.left(i) {
		return "sqli-schema"
	}
	return ""
}

// atVariable judges server variables: @@version and its kin. Two signs do not occur in addresses or mentions.
func (q *sqlText) atVariable(i int) string {
	if next := q.tok(i + 1); next.kind != tokAt || !next.glue || q.tok(i+2).kind != tokWord || !q.tok(i+2).glue {
		return ""
	}
	switch string(q.word(i + 2)) {
	case "version", "hostname", "datadir", "basedir", "servername", "global", "session", "spid", "version_compile_os", "tmpdir", "identity", "microsoftversion", "max_connections", "innodb_version", "secure_file_priv", "language", "rowcount", "pack_received", "connections":
		if !q.prose || q.left(i) || q.tok(i-1).kw == kwSelect {
			return "sqli-schema"
		}
	}
	return ""
}

func (q *sqlText) atOpen(i int) string {
	if q.tok(i+1).kw != kwSelect || q.prose && !q.single && !q.double {
		return ""
	}
	if !q.selects(i + 2) {
		return ""
	}
	prev := q.tok(i - 1)
	if i == 0 || prev.kind == tokOp || prev.kind == tokArith || prev.kind == tokLogic || prev.kw == kwBool || prev.kw == kwCompare || prev.kw == kwCase || prev.kind == tokComma || prev.kind == tokOpen || prev.kind == tokQuote || prev.kw == kwNot || prev.kw == kwFrom || prev.kw == kwFunction || prev.kw == kwBy || prev.kw == kwSelect || prev.kind == tokNumber || q.left(i) {
		return "sqli-subquery"
	}
	return ""
}

// atSemi judges what follows a semicolon as a statement.
func (q *sqlText) atSemi(i int) string {
	if q.prose && !(q.single || q.double || q.closed) {
		return ""
	}
	if q.statement(i+1, false) {
		return "sqli-stacked"
	}
	return ""
}

// atQuote judges what a quote that was just read leaves: a comment to the end, or a string joined to another.
func (q *sqlText) atQuote(i int) string {
	t := q.toks[i]
	if !q.openQuote(t.c) || t.c == '`' {
		return ""
	}
	j := i + 1
	for (q.tok(j).kind == tokClose || q.tok(j).kind == tokSemi) && j-i < maxOperand {
		j++
	}
	step(j - i)
	next := q.tok(j)
	switch next.kind {
	case tokComment:
		if (t.glue || q.toks[0].kind == tokQuote) && q.ends(j) {
			return "sqli-comment"
		}
		if q.tok(j-1).kind == tokSemi && q.tail && !q.prose {
			return "sqli-stacked"
		}
	case tokLogic, tokArith, tokOp:
		after := q.tok(j + 1)
		if next.kind == tokArith && (next.c == '|' || next.c == '!' || next.c == '/') || q.prose || j != i+1 && next.kind != tokLogic {
			return ""
		}
		switch {
		case after.kind == tokQuote && after.c == t.c && (next.kind == tokLogic || next.kind == tokOp || j+1 >= len(q.toks)-1 || next.c == '+'):
			// x'||'y, '=', '-'; but "a" & "b" quotes things
			if i == 0 && j+2 >= len(q.toks) || next.kind == tokOp && next.c == '=' && (i == 0 && len(q.toks) < 12 || t.glue && i > 0 && !q.enclosedSign(i)) || (i > 0 || next.kind == tokLogic) && t.glue && next.glue && after.glue {
				return "sqli-concat"
			}
		case after.kind == tokOpen && q.tok(j+2).kw == kwSelect:
			return "sqli-subquery"
		case after.kind == tokOpen && next.kind == tokLogic:
			return "sqli-concat"
		case (after.kw == kwFunction || after.kw == kwTime || after.kw == kwDanger || after.kw == kwCase) && q.tok(j+2).kind == tokOpen && (next.kind == tokLogic || next.c == '+' || next.c == '-' || next.c == '*' || next.c == '='):
			return "sqli-concat"
		}
	case tokWord:
		if next.kw == kwWaitfor || (next.kw == kwDeclare || next.kw == kwShutdown || next.kw == kwExec) && !q.prose && q.statement(j, false) {
			return "sqli-stacked"
		}
	}
	return ""
}

// ends reports whether the comment at i hides the end: little or nothing stands behind it.
func (q *sqlText) ends(i int) bool {
	rest := q.toks[i+1:]
	step(len(rest))
	if q.toks[i].c == '#' {
		for _, t := range rest {
			if t.kind != tokComment && t.kind != tokQuote || !t.glue && t.kind == tokQuote {
				return false
			}
		}
		return true
	}
	return len(rest) <= 2 || len(rest) <= 6 && !q.prose
}
