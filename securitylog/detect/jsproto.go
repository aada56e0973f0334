package detect

import (
	"bytes"
	"strings"
)

// prototype judges the name of a parameter, which frameworks of JavaScript make objects of: a[b]=c is {a: {b: c}}. One that leads to the
// prototype changes every object of the program.
func (s *scan) prototype(p place, name string) {
	if !strings.Contains(name, "proto") {
		return
	}
	b, _ := s.normalise(name, true)
	step(4 * len(b))
	if leadsToPrototype(b) {
		s.report(p, JS, "js-prototype")
	}
}

func leadsToPrototype(name []byte) bool {
	if i := bytes.Index(name, []byte("__proto__")); i >= 0 {
		after := at(name, i+len("__proto__"))
		return after == '[' || after == '.' || after == ']'
	}
	return hasAnyIn(name, "constructor[prototype]", "constructor.prototype", "constructor][prototype]")
}

// setsPrototype reports whether a text of JSON has the prototype as a key.
func setsPrototype(b []byte) bool {
	const key = `"__proto__"`
	i := bytes.Index(b, []byte(key))
	step(len(b))
	return i >= 0 && at(b, skipBlank(b, i+len(key))) == ':'
}
