package detect

import "slices"

// Where tells the part of the request in which something was found.
type Where uint8

// The parts of a request.
const (
	InPath Where = iota
	InQuery
	InUserAgent
	InReferer
	InHeader
	InBody
)

var whereNames = [...]string{"path", "query", "user_agent", "referer", "header", "body"}

// String returns the name of the part: "path", "query", "user_agent", "referer", "header" or "body".
func (w Where) String() string {
	if int(w) >= len(whereNames) {
		return "unknown"
	}
	return whereNames[w]
}

// Finding is one recognised pattern. It never holds any of the payload.
type Finding struct {
	Class Class
	// Rule is the stable identifier of the rule, such as "sqli-union".
	Rule  string
	Where Where
	// Name is the query parameter, header or body field, when it is a plain name of at most 64 characters; otherwise, since
	// names can be attacks themselves, it is empty.
	Name string
}

// Findings are the recognised patterns of one request, at most one of a class for each place, most telling class first.
// Nil means that nothing was found.
type Findings []Finding

// Classes returns the set of classes found.
func (f Findings) Classes() Set {
	var s Set
	for i := range f {
		s |= 1 << f[i].Class
	}
	return s
}

// Names returns the short names of the classes found, each once, in order.
func (f Findings) Names() []string {
	names := make([]string, 0, len(f))
	for i := range f {
		if n := f[i].Class.String(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Without returns the findings whose class is not in the set, leaving f as it was.
func (f Findings) Without(ignored Set) Findings {
	if f.Classes()&ignored == 0 {
		return f
	}
	var kept Findings
	for _, x := range f {
		if !ignored.Has(x.Class) {
			kept = append(kept, x)
		}
	}
	return kept
}

const maxNameLen = 64

// plainName reports whether a parameter or field name can be repeated in a log: letters, digits and the punctuation of ordinary names.
func plainName(name string) bool {
	if len(name) == 0 || len(name) > maxNameLen {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !isWordByte(c) && c != '-' && c != '.' && c != '[' && c != ']' {
			return false
		}
	}
	return true
}
