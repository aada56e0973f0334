package detect

import "bytes"

// The xxe rules look for document types that define or fetch entities, and for whole documents where a value was expected.
//
//	xxe-entity    the declaration of an entity, an element or its attributes
//	xxe-doctype   a document type with an external subset or a body
//	xxe-include   XInclude, or a style sheet that reads files
//	xxe-document  an XML document, or a section of character data that hides markup from filters
func (s *scan) xxe(t *text) {
	if t.marks&markAngle == 0 {
		return
	}
	b := t.b
	step(len(b))
	switch {
	case t.signs.has(signEntity) && (!t.prose || declares(b)):
		s.report(t.place, XXE, "xxe-entity")
	case doctype(b):
		s.report(t.place, XXE, "xxe-doctype")
	case t.signs.has(signInclude), t.signs.has(signSheet) && t.signs.has(signSheetReads):
		s.report(t.place, XXE, "xxe-include")
	case !t.prose && (t.signs.has(signDocument) || document(b)):
		s.report(t.place, XXE, "xxe-document")
	}
}

// declares reports whether a declaration goes on behind its keyword: a sentence names the keyword alone.
func declares(b []byte) bool {
	_, rest, _ := bytes.Cut(b, []byte("<!e"))
	rest = rest[wordEnd(rest, 0):]
	return len(rest) > 0 && isBlank(rest[0])
}

// document reports whether the text begins as an XML document does, a quote before it aside.
func document(b []byte) bool {
	i := skipBlank(b, 0)
	for i < len(b) && i < 4 && (isQuote(b[i]) || b[i] == '>') {
		i++
	}
	return hasPrefixAt(b, i, "<?xml") && isBlank(at(b, i+len("<?xml"))) && bytes.Contains(b[i:min(len(b), i+maxHead)], []byte("version"))
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
