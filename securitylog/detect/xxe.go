package detect

import "bytes"

// The xxe rules look for document types that define or fetch entities.
//
//	xxe-entity    an entity declaration
//	xxe-doctype   a document type with an external subset or a body
//	xxe-include   XInclude, or a style sheet that reads files
func (s *scan) xxe(t *text) {
	if t.marks&markAngle == 0 {
		return
	}
	b := t.b
	step(len(b))
	switch {
	case t.signs.has(signEntity):
		s.report(t.place, XXE, "xxe-entity")
	case doctype(b):
		s.report(t.place, XXE, "xxe-doctype")
	case t.signs.has(signInclude), t.signs.has(signSheet) && t.signs.has(signSheetReads):
		s.report(t.place, XXE, "xxe-include")
	}
}

func doctype(b []byte) bool {
	_, rest, ok := bytes.Cut(b, []byte("<!doctype"))
	if !ok {
		return false
	}
	head, _, _ := bytes.Cut(rest, []byte{'>'})
	if bytes.Contains(head, []byte("html")) && bytes.IndexByte(head, '[') < 0 {
		return false
	}
	return bytes.IndexByte(head, '[') >= 0 || bytes.Contains(head, []byte(" system")) || bytes.Contains(head, []byte(" public"))
}
