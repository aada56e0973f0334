package detect

// sqlTypes are the types that PostgreSQL casts to with two colons.
var sqlTypes = wordSet([]string{
	"int", "int2", "int4", "int8", "integer", "bigint", "smallint", "numeric", "decimal", "real", "float", "float4", "float8", "double", "money", "text", "varchar", "char", "bpchar", "bytea",
	"json", "jsonb", "xml", "uuid", "inet", "cidr", "bool", "boolean", "date", "time", "timestamp", "timestamptz", "interval", "oid", "regclass", "regtype", "regproc", "name",
})

// jsonOperator returns the length of an operator on JSON at i: -> ->> @> <@ #> #>> #-, 0 for none. Filters that know of none of them take
// the comparison that they make for text.
func jsonOperator(b []byte, i int) int {
	switch next := at(b, i+1); b[i] {
	case '-':
		if next == '>' {
			return 2 + boolInt(at(b, i+2) == '>')
		}
	case '@':
		if next == '>' {
			return 2
		}
	case '<':
		if next == '@' {
			return 2
		}
	case '#':
		if i > 0 && b[i-1] == ' ' && (next == '>' || next == '-' && at(b, i+2) == ' ') {
			return 2 + boolInt(next == '>' && at(b, i+2) == '>')
		}
	}
	return 0
}

// asksForKey reports whether the question mark at i, behind a string, is an operator on JSON: ? ?& ?| with a string or an array behind it.
func asksForKey(b []byte, i int) bool {
	next := i + 1
	if c := at(b, next); c == '&' || c == '|' {
		next++
	}
	next = skipBlank(b, next)
	return at(b, next) == '\'' || hasPrefixAt(b, next, "array[")
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// emptyExponent returns the length of an exponent without digits behind the number that ends at i, 0 for none. MySQL drops it, so that
// "1.e(ascii" is a call, and "1.e.t" a table.
func emptyExponent(b []byte, i int) int {
	switch {
	case hasPrefixAt(b, i, ".e("), hasPrefixAt(b, i, ".e.") && isLetter(at(b, i+3)) && at(b, i+4) != '.':
		return 2
	}
	return 0
}

// lineBreaks finds the end of lines in one pass, however often it is asked, as long as the positions rise.
type lineBreaks struct {
	b    []byte
	next int // the first line break at or behind the last position asked for, plus one
}

// maxLineComment bounds a comment that ends with its line; what is longer is a paragraph of text.
const maxLineComment = 256

// after returns the position after the line break that ends a comment at i, 0 when the comment runs to the end of the text.
func (l *lineBreaks) after(i int) int {
	if l.next <= i {
		k := i
		for k < len(l.b) && l.b[k] != '\n' {
			k++
		}
		step(1 + k - i)
		l.next = k + 1
	}
	if l.next > len(l.b) || l.next-i > maxLineComment {
		return 0
	}
	return l.next
}

// probes reports whether the text is a short value with a run of quotes, brackets, commas and dots behind it that no language closes, as
// a scanner appends it in order to see an error.
func probes(b []byte) bool {
	const least, most, head = 8, 32, 24
	i, depth, brackets, single, double := len(b), 0, 0, 0, 0
	broken := false
	for ; i > 0 && len(b)-i < most; i-- {
		switch b[i-1] {
		case '\'':
			single++
		case '"':
			double++
		case ')':
			brackets++
			depth++
		case '(':
			brackets++
			depth--
			broken = broken || depth < 0
		case ',', '.':
		default:
			return len(b)-i >= least && i <= head && wordEnd(b, 0) == i && brackets > 0 && single+double > 0 && (broken || depth != 0) && (single%2 == 1 || double%2 == 1)
		}
	}
	return false
}
