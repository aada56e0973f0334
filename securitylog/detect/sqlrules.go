package detect

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
	case tokDot:
		return q.tok(i+1).kind == tokNumber && !q.prose
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
			if j == i {
				for q.tok(j+1).kind == tokClose && j-i < 3 { // distinct(name)
					j++
				}
			}
			switch next := q.tok(j + 1); {
			case next.kw == kwFrom:
				return !q.prose && (q.tok(j+2).kind == tokWord || q.tok(j+2).kind == tokOpen)
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
	if q.prose && !q.single && !q.double || q.enclosed(i) {
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
	if string(q.word(i+1)) == "boolean" && string(q.word(i+2)) == "mode" && q.single {
		return "sqli-clause" // the end of MySQL's match ... against
	}
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
		if after := q.tok(i + 3); i == 0 && after.kind == tokWord && after.kw == kwNone && !q.tail {
			return "" // order by 5 pm
		}
		if next.kind == tokNumber && (left || q.tail || i == 0) || (left || i == 0) && q.tail && next.kind != 0 || left && next.kind == tokWord && q.tok(i+3).kind == tokOpen {
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
		if q.tok(i+1).kw == kwOutfile && (q.tok(i+2).kind == tokQuote && q.tok(i+2).c != '`' || q.tok(i+2).kind == tokOpen && !q.prose || q.tok(i+2).kind == tokWord && q.tok(i+3).kind == tokOpen || left || q.tail) {
			return "sqli-clause"
		}
	}
	return ""
}

// atFunction judges the call of a function that waits or leaks. In talk about code such calls stand among words; in an attack they
// follow a break-out, an operator, a keyword, or nothing.
func (q *sqlText) atFunction(i int) string {
	if q.inBackticks(i) {
		return ""
	}
	t := &q.toks[i]
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
		if w := q.word(i); len(w) > 3 && (string(w[:3]) == "xp_" || string(w[:3]) == "sp_") && !q.enclosed(i) && (prev.kw == kwExec || prev.kind == tokDot || !q.prose && !q.amidWords(i)) {
			return rule
		}
		return ""
	}
	arg := q.tok(i + 2)
	if arg.kind == tokClose && t.kw == kwTime {
		return ""
	}
	if q.drawsShape(i) {
		return ""
	}
	if string(q.word(i-1)) == "in" && !q.left(i) && arg.kind == tokWord {
		return "" // options in openrowset(bulk)
	}
	if i == 0 && !next.glue && !q.tail && (len(q.toks) <= 4 || q.tok(i+3).kind == tokWord || q.tok(i+3).kind == tokClose && string(q.word(i)) == "benchmark") {
		return "" // benchmark (2024), sleep (8 hours)
	}
	if string(q.word(i)) == "sleep" && prev.kind == tokDot || !next.glue && !q.single && !q.double && !q.numeric(i) && i > 0 && prev.kw == kwNone && (prev.kind == tokWord || prev.kind == tokArith) {
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

// drawsShape reports whether a shape is written at i by its coordinates, or by other shapes: POLYGON((0 0,1 1,1 0,0 0)). An error that
// leaks needs a query there.
func (q *sqlText) drawsShape(i int) bool {
	if !isShape(q.word(i)) {
		return false
	}
	k := i + 1
	for q.tok(k).kind == tokOpen && k-i < maxOperand {
		k++
	}
	step(k - i)
	return q.tok(k).kind == tokNumber || q.tok(k).c == '-' || isShape(q.word(k))
}

func isShape(word []byte) bool {
	switch string(word) {
	case "polygon", "multipoint", "multilinestring", "multipolygon", "linestring", "geometrycollection":
		return true
	}
	return false
}

// amidWords reports whether the word at i stands among words of talk, before and behind it or at the beginning of several.
func (q *sqlText) amidWords(i int) bool {
	plain := func(k int) bool { t := q.tok(k); return t.kind == tokWord && !q.left(i) }
	return i > 0 && plain(i-1) || i == 0 && plain(1) && plain(2)
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
	if ends := next.kind == tokDot && !q.tok(i+2).glue; !ends && (prev.kw == kwFrom || next.kind == tokDot && q.keywords > 1) || q.left(i) { // a sentence's end is no name's dot
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
		prev := q.tok(i - 1)
		if q.left(i) || prev.kw == kwSelect || !q.prose && prev.kind != tokDot && (prev.kind != tokWord || prev.kw != kwNone) {
			return "sqli-schema"
		}
	}
	return ""
}

func (q *sqlText) atOpen(i int) string {
	if q.tok(i+1).kw != kwSelect || q.prose && !q.single && !q.double {
		return ""
	}
	if !q.selects(i+2) && !(q.tail && (q.single || q.double) && q.tok(i+2).kind == tokWord && q.tok(i+3).kind == tokClose) {
		return ""
	}
	prev := q.tok(i - 1)
	if i == 0 || prev.kind == tokOp || prev.kind == tokArith || prev.kind == tokLogic || prev.kw == kwBool || prev.kw == kwCompare || prev.kw == kwCase || prev.kind == tokComma || prev.kind == tokOpen || prev.kind == tokQuote || prev.kw == kwNot || prev.kw == kwFrom || prev.kw == kwFunction || prev.kw == kwBy || prev.kw == kwSelect || prev.kw == kwAll || prev.kind == tokNumber || q.left(i) {
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
	t := &q.toks[i]
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
			if q.amidLetters(i, j+1) {
				return ""
			}
			if i == 0 && j+2 >= len(q.toks) || next.kind == tokOp && next.c == '=' && (i == 0 && len(q.toks) < 12 || t.glue && i > 0 && !q.enclosedSign(i)) || (i > 0 || next.kind == tokLogic) && t.glue && next.glue && after.glue {
				return "sqli-concat"
			}
		case after.kind == tokOpen && next.kind == tokLogic:
			return "sqli-concat"
		case (after.kw == kwFunction || after.kw == kwTime || after.kw == kwDanger || after.kw == kwCase) && q.tok(j+2).kind == tokOpen && (next.kind == tokLogic || next.c == '+' || next.c == '-' || next.c == '*' || next.c == '='):
			return "sqli-concat"
		}
	case tokWord:
		if q.quoted(j) {
			return ""
		}
		if next.kw == kwWaitfor || (next.kw == kwDeclare || next.kw == kwShutdown || next.kw == kwExec) && !q.prose && q.statement(j, false) {
			return "sqli-stacked"
		}
	}
	return ""
}

// quoted reports whether the word at i stands alone in quotes, amid others: the 'exec' call.
func (q *sqlText) quoted(i int) bool {
	opening, closing := q.tok(i-1), q.tok(i+1)
	return opening.kind == tokQuote && closing.kind == tokQuote && opening.c == closing.c && q.tok(i).glue && closing.glue && !q.tok(i+2).glue
}

// amidLetters reports whether the quotes at i and j stand right behind and right before letters that are none of ASCII: languages that
// write no blanks quote so.
func (q *sqlText) amidLetters(i, j int) bool {
	return at(q.b, int(q.toks[i].s)-1) >= 0x80 && at(q.b, int(q.tok(j).e)) >= 0x80
}

// ends reports whether the comment at i hides the end: little or nothing stands behind it.
func (q *sqlText) ends(i int) bool {
	if q.toks[i].c == '#' {
		return i >= q.lastOther
	}
	rest := len(q.toks) - 1 - i
	return rest <= 2 || rest <= 6 && !q.prose
}
