package detect

import "bytes"

// The xxe rules look for document types that define or fetch entities, for documents that fetch others, and for whole documents where a
// value was expected.
//
//	xxe-entity    the declaration of an entity, a notation, an element or its attributes
//	xxe-doctype   a document type with an external subset or a body
//	xxe-include   XInclude, a schema or a style sheet that is fetched, or a style sheet that reads files
//	xxe-document  an XML document, or a section of character data that hides markup from filters
func (s *scan) xxe(t *text) {
	if t.known.Has(XXE) {
		return
	}
	if t.signs.has(signUTF7Declares) {
		s.report(t.place, XXE, "xxe-entity")
		return
	}
	if t.marks&markAngle == 0 {
		return
	}
	b := t.b
	step(2 * len(b))
	switch {
	case t.signs.has(signEntity) && (declares(b) || !t.prose && at(b, skipBlank(b, 0)) == '<'):
		s.report(t.place, XXE, "xxe-entity")
	case t.signs.has(signDoctype) && doctype(b):
		s.report(t.place, XXE, "xxe-doctype")
	case t.signs.has(signInclude) && (!t.prose || t.marks&markQuote != 0), t.signs.has(signSheet) && t.signs.has(signSheetReads):
		s.report(t.place, XXE, "xxe-include")
	case !t.prose && (t.signs.has(signDocument) && hidesMarkup(b) || document(b)):
		s.report(t.place, XXE, "xxe-document")
	}
}

// declares reports whether a declaration stands in the text: its keyword, a name, and what that is. A sentence names the keyword alone.
func declares(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("<!"))
		if i < 0 {
			return false
		}
		b = b[i+len("<!"):]
		k := wordEnd(b, 0)
		if !isBlank(at(b, k)) {
			continue
		}
		if k = skipBlank(b, k); at(b, k) == '%' {
			k = skipBlank(b, k+1)
		}
		end := nameEnd(b, k)
		value := skipBlank(b, end)
		if end > k && (isQuote(at(b, value)) || at(b, value) == '(' || hasAnyAt(b, value, "system", "public", "cdata", "any>", "empty>") && at(b, end) != 0) {
			return true
		}
	}
}

// hidesMarkup reports whether a section of character data ends, or has markup beside it: a sentence names its beginning alone.
func hidesMarkup(b []byte) bool {
	return bytes.Contains(b, []byte("]]")) || bytes.Count(b, []byte{'<'}) > 1
}

// document reports whether the text begins as an XML document does, a quote before it aside.
func document(b []byte) bool {
	i := skipBlank(b, 0)
	for i < len(b) && i < 4 && (isQuote(b[i]) || b[i] == '>') {
		i++
	}
	return hasPrefixAt(b, i, "<?xml") && isBlank(at(b, i+len("<?xml"))) && bytes.Contains(b[i:min(len(b), i+maxHead)], []byte("version"))
}

// doctype reports whether a document type has a body, or a subset that is fetched. Those of HTML name where theirs is too, and nobody
// fetches it.
func doctype(b []byte) bool {
	_, rest, ok := bytes.Cut(b, []byte("<!doctype"))
	if !ok {
		return false
	}
	head, _, _ := bytes.Cut(rest, []byte{'>'})
	if bytes.IndexByte(head, '[') >= 0 {
		return true
	}
	i := skipBlank(head, 0)
	html := hasPrefixAt(head, i, "html")
	for i < len(head) && !isBlank(head[i]) {
		i++
	}
	i = skipBlank(head, i)
	end := wordEnd(head, i)
	id := head[skipBlank(head, end):]
	if !isQuote(at(id, 0)) && !hasAnyAt(id, 0, "http:", "https:", "ftp:", "file:") {
		return false
	}
	switch string(head[i:end]) {
	case "system":
		return !hasPrefixAt(id, 1, "about:")
	case "public":
		return !html || !hasAnyAt(id, 1, "-//w3c//", "-//ietf//", "-//wapforum//")
	}
	return false
}
