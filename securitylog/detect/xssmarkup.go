package detect

import "bytes"

// markupValue recognises a value that is markup from its first tag on, with at most what leaves an attribute before it, and that loads,
// links, or changes the page around it: <a href=...>, <h1>, </title>. A sentence that speaks of a tag does not begin with one; text
// that is only formatted, <span class=...>, is let be.
func markupValue(b []byte) string {
	i := 0
	for i < len(b) && i < maxLead && leadsToTag(b[i]) {
		i++
	}
	step(i)
	if at(b, i) != '<' {
		return ""
	}
	closing := at(b, i+1) == '/'
	start := i + 1
	if closing {
		start++
	}
	end := start
	for end < len(b) && end-start < maxWord && isWordByte(b[end]) {
		end++
	}
	name := b[start:end]
	switch {
	case elements.of(name) == 0:
		return ""
	case closing:
		if rawText.has(name) && end < len(b) && at(b, end) != '-' {
			return "xss-breakout"
		}
		return ""
	case at(b, end) == '>':
		if sections.has(name) {
			return "xss-markup"
		}
		return ""
	case !isBlank(at(b, end)) && at(b, end) != '/' || end == len(b):
		return ""
	}
	head := b[end:min(len(b), end+maxAttribute)]
	step(len(head))
	if close := bytes.IndexByte(head, '>'); close >= 0 {
		head = head[:close]
	}
	if bytes.IndexByte(head, '=') > 1 && hasAnyIn(head, "src", "href", "background", "action", "poster", "style") {
		return "xss-markup"
	}
	return ""
}

// maxLead is how much may stand before the first tag of a value, maxAttribute how far the first attribute's name is looked for.
const (
	maxLead      = 16
	maxAttribute = 96
)

// leadsToTag reports whether c may stand before the first tag: blanks, and what ends an attribute, a string or a tag.
func leadsToTag(c byte) bool {
	switch c {
	case '>', '/', ')', '}', ']', ';', '\\', '-', '*':
		return true
	}
	return isBlank(c) || isQuote(c)
}

var (
	// rawText are elements within which markup means nothing until they are closed.
	rawText = wordSet([]string{"title", "textarea", "style", "script", "xmp", "noscript", "noembed", "noframes", "iframe", "plaintext", "template", "svg", "math", "select", "option"})
	// sections are elements that change a page by being there, without an attribute.
	sections = wordSet([]string{"marquee", "plaintext", "xmp", "blink", "listing", "h1", "h2", "h3", "body", "html", "head", "form", "table", "title", "style", "textarea", "noscript", "frameset", "button", "input", "isindex", "keygen"})
)

// quotesAndBrackets recognises a value that holds nothing but quotes and what ends a tag or an attribute, as a scanner sends it to see
// what comes back: '">
func quotesAndBrackets(b []byte) bool {
	if len(b) < minValue || len(b) > maxLead {
		return false
	}
	quote, leaves := false, false
	for i, c := range b {
		switch {
		case c == '\'' || c == '"':
			quote = true
		case c == '>':
			leaves = leaves || i > 0 && isQuote(b[i-1])
		case c == '<' || c == '/' || c == '\\':
		default:
			return false
		}
	}
	return quote && leaves
}

// bracketAlone reports whether a text is nothing but the bracket that opens a tag, written by its number, as a scanner sends it to see
// whether it comes back as one: &#x3c; and its kin.
func bracketAlone(written, decoded []byte) bool {
	return string(trimBlank(decoded)) == "<" && (hasPrefixAt(written, 0, "&#") || written[0] == '\\')
}
