package detect

import (
	"bytes"
	"net/url"
	"strings"
)

// The nosqli rules look for MongoDB's operators where a value was expected, and for JavaScript meant for its server.
//
//	nosqli-operator  a query operator as a key: [$ne], {"$gt": ""}
//	nosqli-where     $where with an expression
//	nosqli-script    statements that leave a string of server-side JavaScript
func (s *scan) nosqli(t *text, sql bool) {
	if t.known.Has(NoSQLi) {
		return
	}
	b := t.b
	if t.marks&markDollar != 0 || t.marks&markAmp != 0 && bytes.Contains(b, []byte("&exists")) {
		step(len(b))
		if rule := mongoOperator(b, t.prose); rule != "" {
			s.report(t.place, NoSQLi, rule)
			return
		}
	}
	if t.signs.has(signSemiSleep) && !t.prose && longSleep(b[bytes.Index(b, []byte(";sleep("))+len(";sleep("):]) {
		s.report(t.place, NoSQLi, "nosqli-script")
		return
	}
	if t.marks&(markParen|markEquals|markSemi|markPipe|markAmp) == 0 || sql && !bytes.Contains(b, []byte("==")) { // SQL compares with one sign
		return
	}
	step(len(b))
	if serverScript(b, t) {
		s.report(t.place, NoSQLi, "nosqli-script")
	}
}

// longSleep reports whether a call's argument is in milliseconds, as MongoDB's sleep takes it; databases of SQL count seconds.
func longSleep(b []byte) bool {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n >= 4 && at(b, n) == ')'
}

var mongoOperators = wordSet([]string{"ne", "eq", "gt", "gte", "lt", "lte", "in", "nin", "not", "nor", "or", "and", "exists", "regex", "where", "type", "mod", "all", "size", "elemmatch", "expr", "text", "jsonschema", "comment", "options", "func", "function", "accumulator", "lookup"})

// operatorKey returns the rule for a key of JSON that is an operator: {"pin": {"$ne": ""}}.
func operatorKey(key string) string {
	switch {
	case key == "$where":
		return "nosqli-where"
	case key == "&exists", key != "$comment" && len(key) > 2 && len(key) <= maxWord && key[0] == '$' && mongoOperators.has([]byte(key[1:])): // JSON Schema has comments
		return "nosqli-operator"
	}
	return ""
}

// filters reports whether a parameter asks for what is equal to a value, or on one side of a number or a date, as some frameworks have it:
// age[$gte]=18. Nobody gets around a check with that: it takes a comparison that anything passes, with nothing or with a word.
func filters(name, value string) bool {
	if !strings.Contains(name, "$") && !strings.Contains(name, "%24") || len(name) > maxNameLen {
		return false
	}
	name, err := url.QueryUnescape(name)
	if err != nil {
		return false
	}
	var operator string
	for rest := name; ; {
		field, after, more := strings.Cut(rest, "[")
		field = strings.TrimSuffix(field, "]")
		switch {
		case operator != "" && operator != "$or" && operator != "$and":
			return false // nothing follows a comparison
		case strings.HasPrefix(field, "$"):
			operator = field
		case field != "" && !plainName(field):
			return false
		default:
			operator = ""
		}
		if rest = after; !more {
			break
		}
	}
	switch operator {
	case "$eq":
		return plainName(value) || value != "" && quietText(value, 0, true)
	case "$gt", "$gte", "$lt", "$lte":
		return numeral(value)
	}
	return false
}

// numeral reports whether a value is a number, a date or a time.
func numeral(value string) bool {
	digits := 0
	for i := range len(value) {
		switch c := value[i]; {
		case isDigit(c):
			digits++
		case i == 0 && c != '-', strings.IndexByte("-+.:TZ%eE", c) < 0:
			return false
		}
	}
	step(len(value))
	return digits > 0
}

// mongoOperator finds "$name" in the position of a key: in brackets, or in quotes or bare before a colon.
func mongoOperator(b []byte, prose bool) string {
	for i := 0; i+2 < len(b); i++ {
		if b[i] != '$' && !(b[i] == '&' && hasPrefixAt(b, i+1, "exists")) {
			continue
		}
		end := wordEnd(b, i+1)
		if !mongoOperators.has(b[i+1 : end]) {
			continue
		}
		step(end - i)
		before := at(b, i-1)
		after := skipBlank(b, end)
		if before == '[' && at(b, after) == ']' {
			return "nosqli-operator"
		}
		if isQuote(at(b, after)) {
			after = skipBlank(b, after+1)
		}
		if at(b, after) == ':' && !prose {
			if string(b[i+1:end]) == "where" {
				return "nosqli-where"
			}
			return "nosqli-operator"
		}
		i = end - 1
	}
	return ""
}

// serverScript recognises what is written to leave a string in MongoDB's $where, mapReduce or $function.
func serverScript(b []byte, t *text) bool {
	v := trimBlank(b)
	switch {
	case t.signs.has(signMongoThis) && bytes.ContainsAny(b, "'\"") && bytes.Contains(b, []byte("this.")):
		return true
	case t.marks&markPipe != 0 && bytes.HasPrefix(v, []byte("||")) && bytes.Contains(v, []byte("==")):
		return true
	case t.signs.has(signMongoDB) && (bytes.HasPrefix(v, []byte("db.")) || hasAnyIn(v[:min(len(v), 24)], "; db.", ";db.")):
		return true
	case t.signs.has(signDate) && t.signs.has(signLoop):
		return true
	case t.prose, t.marks&markSemi == 0:
		return false
	}
	i := bytes.IndexByte(b, ';')
	if i < 0 || i > 24 {
		return false
	}
	rest := b[skipBlank(b, i+1):]
	return hasAnyAt(rest, 0, "return ", "return(", "return'", "sleep(", "it=new", "var ", "while(") && (i == 0 || isQuote(at(b, i-1)) || isDigit(at(b, i-1)) || at(b, i-1) == ')' || at(b, i-1) == '}')
}

func hasAnyIn(b []byte, parts ...string) bool {
	step(len(parts) * len(b))
	for _, p := range parts {
		if bytes.Contains(b, []byte(p)) {
			return true
		}
	}
	return false
}
