package detect

import "bytes"

// The xss rules follow what a browser makes of a text: a tag opens, an attribute is left, a handler or an address runs code.
//
//	xss-script     a script tag
//	xss-handler    an event handler with a value, in a tag or after a quote that leaves an attribute
//	xss-element    an element that loads or runs something, with its attributes
//	xss-attribute  an attribute whose value is a script: src=javascript:, srcdoc=, style=expression(
//	xss-breakout   a quote and a bracket that close a tag, followed by another
//	xss-markup     a value that is markup from its first tag on
//	xss-probe      quotes and brackets alone, to see what comes back
//	xss-charset    a script tag in UTF-7, or with the high bit set on its brackets
//	xss-code       a browser's own functions called from a text that leaves a string
func (s *scan) xss(t *text) {
	if t.known.Has(XSS) {
		return
	}
	b := t.b
	step(2 * len(b))
	if t.signs.has(signUTF7) && t.signs.has(signUTF7Close) {
		s.report(t.place, XSS, "xss-charset")
		return
	}
	tagged := false
	if t.marks&markAngle != 0 {
		rule, tag := openTags(b, t.prose)
		if rule != "" {
			s.report(t.place, XSS, rule)
			return
		}
		tagged = tag
	}
	if !t.prose && (t.signs.has(signBinding) || t.signs.has(signSelector) && t.marks&markColon != 0) {
		s.report(t.place, XSS, "xss-attribute")
		return
	}
	if t.marks&markEquals != 0 {
		if rule := attributes(b, tagged, t); rule != "" {
			s.report(t.place, XSS, rule)
			return
		}
	}
	if t.marks&(markParen|markTick|markEquals|markBracket|markStar) != 0 && browserCode(b, t) {
		s.report(t.place, XSS, "xss-code")
		return
	}
	if t.prose {
		return
	}
	if t.marks&markAngle != 0 {
		if rule := markupValue(b); rule != "" {
			s.report(t.place, XSS, rule)
			return
		}
	}
	if t.marks&markQuote != 0 && quotesAndBrackets(b) {
		s.report(t.place, XSS, "xss-probe")
	}
}

// openTags reads every tag that opens. It reports a rule, or that there was a tag at all.
func openTags(b []byte, prose bool) (string, bool) {
	tagged := false
	for i := indexFrom(b, 0, '<'); i < len(b); i = indexFrom(b, i+1, '<') {
		j := i + 1
		for j < len(b) && (b[j] == '/' || b[j] == '!' || b[j] == '?' || b[j] == '%' || b[j] == '<' || b[j] == wild || b[j] < ' ') && j-i < 8 {
			j++
		}
		spaced := at(b, j) == ' '
		if spaced {
			j = skipBlank(b, j)
		}
		var held [maxWord]byte
		name, end := tagName(held[:0], b, j)
		j = end
		if len(name) == 0 || !isLetter(name[0]) {
			continue
		}
		if k := bytes.LastIndexByte(name, ':'); k >= 0 && (string(name[:k]) == "svg" || isElement(name[k+1:])) {
			if name = name[k+1:]; !isElement(name) { // a namespace prefix
				name = []byte("svg")
			}
		}
		if spaced {
			if string(name) == "script" && (at(b, j) != ' ' || !prose && at(b, skipBlank(b, j)) == '>') {
				return "xss-script", true
			}
			i = j - 1
			continue
		}
		step(j - i)
		if string(name) == "xml" && b[i+1] == '?' || mentioned(b, i, j, name, prose) {
			tagged = tagged || !prose
			i = j - 1
			continue
		}
		if bytes.HasPrefix(name, []byte("scr")) && (bytes.HasPrefix(name, []byte("script")) || bytes.HasSuffix(name, []byte("ipt")) && bytes.Contains(name, []byte("script")) || len(name) == 3 && at(b, j) < ' ' && j < len(b)) {
			return "xss-script", true
		}
		kind := elements.of(name)
		if kind != 0 && !tagged && opensAttributeBreak(b, i) {
			return "xss-breakout", true
		}
		if string(name) == "style" && b[i+1] != '/' && bytes.IndexByte(b[j:min(len(b), j+256)], '{') >= 0 && !prose {
			return "xss-element", true
		}
		if kind == elementRuns && startsAttributes(b, j, prose) {
			return "xss-element", true
		}
		if kind == elementLoads && b[i+1] != '/' && bytes.IndexByte(b[j:min(len(b), j+128)], '=') >= 0 && !(prose && shownForm(b, j, name)) {
			return "xss-element", true
		}
		tagged = true
		i = j - 1
	}
	return "", tagged
}

// shownForm reports whether the tag whose name ends at j is a form or a button that talk shows: it has no attribute that says where the form
// is sent.
func shownForm(b []byte, j int, name []byte) bool {
	if string(name) != "form" && string(name) != "button" {
		return false
	}
	window := b[j:min(len(b), j+128)]
	if end := bytes.IndexByte(window, '>'); end >= 0 {
		window = window[:end]
	}
	return !bytes.Contains(window, []byte("action"))
}

// tagName appends the name of a tag at j to dst and returns it and its end. Null bytes and other controls within it are left out, as
// some browsers do.
func tagName(dst, b []byte, j int) ([]byte, int) {
	end := j
	for end < len(b) && end-j < cap(dst) && tagBytes[b[end]] {
		end++
	}
	if c := at(b, end); end-j < cap(dst) && (end == len(b) || c >= '\t') { // as nearly all are
		return b[j:end], end
	}
	for ; j < len(b); j++ {
		switch c := b[j]; {
		case tagBytes[c]:
			if len(dst) < cap(dst) {
				dst = append(dst, c)
			}
		case (c == 0 || c == wild || c < '\t') && len(dst) > 0 && isLetter(at(b, j+1)):
		default:
			return dst, j
		}
	}
	return dst, j
}

// tagBytes are the bytes of tags' names.
var tagBytes = byteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:")

var blank = []byte{' '}

// mentioned reports whether the tag at i, whose name ends at j, is spoken of: it stands in backticks with words around those, or is a
// script tag without attributes amid words, and nothing of script or markup comes after it.
func mentioned(b []byte, i, j int, name []byte, prose bool) bool {
	ticked, script := at(b, i-1) == '`', string(name) == "script"
	if !ticked && !script {
		return false
	}
	step(256 + maxHead)
	rest := b[j:min(len(b), j+256)]
	spaced := func() bool {
		return bytes.Count(b[max(0, i-maxHead):i], blank)+bytes.Count(rest, blank) >= 3
	}
	close := bytes.IndexByte(rest, '>')
	switch {
	case ticked && at(rest, 0) == '`' && spaced(): // the beginning of a tag
		return true
	case close < 0:
		return false
	case ticked && script && close > 0 && at(rest, close+1) == '`' && !bytes.ContainsAny(rest[:close], "=/(<`"): // `<script async>`
		return spaced()
	case !script:
		return ticked && at(rest, close+1) == '`' && bytes.IndexByte(rest[:close], '<') < 0 && spaced()
	case close > 0 || !prose && !spaced():
		return false
	}
	rest = rest[1:]
	if ticked && at(rest, 0) == '`' {
		end := bytes.Index(rest, []byte("</script"))
		return end < 0 || !bytes.ContainsAny(rest[:end], "(=;<{[")
	}
	return !bytes.ContainsAny(bytes.TrimPrefix(rest, []byte("`")), "(=;<`{[")
}

const (
	elementPlain = iota + 1 // harmless without a handler
	elementLoads            // loads or redirects by an attribute
	elementRuns             // runs or embeds by being there
)

var elements = func() *dictionary[uint8] {
	m := map[string]uint8{}
	for _, n := range []string{"a", "b", "i", "u", "p", "br", "hr", "h1", "h2", "h3", "div", "span", "img", "image", "input", "button", "form", "table", "td", "tr", "th",
		"tbody", "ul", "li", "ol", "dl", "select", "option", "textarea", "title", "style", "video", "audio", "source", "track", "body", "html", "head", "details",
		"summary", "marquee", "keygen", "font", "center", "strong", "em", "label", "section", "article", "main", "nav", "header", "footer", "noscript", "noembed", "noframes",
		"plaintext", "xmp", "listing", "menu", "picture", "canvas", "dialog", "map", "area", "fieldset", "legend", "abbr", "blockquote", "pre", "code", "var", "mark", "q", "s",
		"template", "slot", "output", "meter", "progress", "address", "acronym", "big", "small", "tt", "xss", "blink", "custom", "iframe", "svg"} {
		m[n] = elementPlain
	}
	for _, n := range []string{"base", "meta", "link", "object", "frame", "frameset", "form", "button", "isindex", "xml", "portal", "bgsound", "param", "layer", "ilayer", "event-source", "import", "use", "animate", "set", "handler", "stylesheet", "vmlframe", "math", "textpath", "xml-stylesheet"} {
		m[n] = elementLoads
	}
	for _, n := range []string{"iframe", "embed", "applet", "svg", "foreignobject"} {
		m[n] = elementRuns
	}
	return dictionaryOf(m)
}()

func isElement(name []byte) bool { return string(name) == "script" || elements.of(name) != 0 }

// startsAttributes reports whether what follows a tag's name looks like markup in use rather than the name of a tag in a sentence.
func startsAttributes(b []byte, j int, prose bool) bool {
	c := at(b, j)
	if c == '/' || c != 0 && c < ' ' || j == len(b) && !prose {
		return true
	}
	if c == '>' {
		return !prose || at(b, j+1) == '<'
	}
	return bytes.IndexByte(b[j:min(len(b), j+64)], '=') >= 0
}

// opensAttributeBreak reports whether the bracket at i follows a quote and a bracket: `">`, the end of an attribute and of its tag.
func opensAttributeBreak(b []byte, i int) bool {
	if at(b, i+1) == '/' || at(b, i+1) == '!' {
		return false
	}
	k := i - 1
	for k >= 0 && i-k < 16 && isBlank(b[k]) {
		k--
	}
	for k >= 1 && i-k < 16 && b[k] == '>' && b[k-1] == '>' { // a run of brackets closes one tag
		k--
	}
	step(i - k)
	if k < 1 || b[k] != '>' {
		return false
	}
	return isQuote(b[k-1]) || k >= 2 && isBlank(b[k-1]) && isQuote(b[k-2])
}

// attributes looks at every equals sign and at the name before it.
func attributes(b []byte, tagged bool, t *text) string {
	for i := indexFrom(b, 1, '='); i < len(b); i = indexFrom(b, i+1, '=') {
		end := i
		for end > 0 && (b[end-1] <= ' ' || b[end-1] == '/' && tagged || b[end-1] >= 0x80 && tagged) && i-end < 8 {
			end--
		}
		start := end
		for start > 0 && (isWordByte(b[start-1]) || b[start-1] == '-' || b[start-1] == ':') && end-start < 32 {
			start--
		}
		step(1 + i - start)
		name := b[start:end]
		if tagged && hasPrefixAt(b, i+1, "&{") {
			return "xss-attribute"
		}
		if len(name) < 2 {
			continue
		}
		if tagged && bytes.HasPrefix(name, []byte("xmlns")) {
			return "xss-attribute"
		}
		if k := bytes.LastIndexByte(name, ':'); k >= 0 {
			name, start = name[k+1:], start+k+1
		}
		if bytes.HasPrefix(name, []byte("on")) && len(name) > 4 && handlerRuns(b, start, i, name, tagged, t) {
			return "xss-handler"
		}
		value := b[i+1 : min(len(b), i+1+96)]
		if tagged && bindsScript(b, start, end) {
			return "xss-attribute"
		}
		if tagged && (runsScheme(value) || hasPrefixAt(value, 0, "&{")) {
			return "xss-attribute"
		}
		switch string(name) {
		case "srcdoc", "datasrc", "dataformatas", "formaction", "dirname", "xmlns", "xss":
			if tagged {
				return "xss-attribute"
			}
		case "src", "href", "action", "data", "background", "content", "url", "code":
			if leavesAttribute(b, start) && runsScheme(value) {
				return "xss-attribute"
			}
		case "style":
			if (tagged || !t.prose) && between(t.at, signStyle, i+1, i+1+512) {
				return "xss-attribute"
			}
		}
		// Names found by scanning back are bounded, so the loop stays linear.
	}
	if tagged && t.signs.has(signStyleTag) && t.signs.has(signStyle) {
		return "xss-attribute"
	}
	return ""
}

// bindsScript reports whether the attribute from start to end, the part after a colon alone, is one whose value a page's framework
// runs: @click=, v-on:click=, x-init=, ng-init=.
func bindsScript(b []byte, start, end int) bool {
	whole := start
	for whole > 0 && (isWordByte(b[whole-1]) || b[whole-1] == '-' || b[whole-1] == ':' || b[whole-1] == '@') && end-whole < 48 {
		whole--
	}
	step(end - whole)
	name := b[whole:end]
	if len(name) > 2 && name[0] == '@' && isLetter(name[1]) {
		return isBlank(at(b, whole-1)) || at(b, whole-1) == '/' || isQuote(at(b, whole-1))
	}
	switch at(name, 0) {
	case 'v', 'x', 'n', 'h', 'd':
	default:
		return false
	}
	return hasAnyAt(name, 0, "v-on:", "v-html", "v-bind:", "x-on:", "x-init", "x-data", "x-html", "ng-init", "ng-click", "ng-focus", "ng-mouse", "ng-include", "ng-bind-html", "hx-on", "data-bind")
}

// runsScheme reports whether an attribute's value starts, after quotes and blanks, with a script or data scheme.
func runsScheme(v []byte) bool {
	step(len(v))
	i := 0
	for i < len(v) && (isBlank(v[i]) || isQuote(v[i]) || v[i] == '(' || v[i] == ';' || v[i] == '\\' || isDigit(v[i]) || v[i] >= 0x80) {
		i++
	}
	if hasPrefixAt(v, i, "url=") {
		i += 4
		for i < len(v) && (isBlank(v[i]) || isQuote(v[i])) {
			i++
		}
	}
	var name [16]byte
	n := 0
	for ; i < len(v) && n < len(name); i++ {
		switch c := v[i]; {
		case c == ':':
			switch string(name[:n]) {
			case "javascript", "vbscript", "livescript", "data", "mocha", "jar", "mhtml":
				return true
			case "feed", "view-source":
				n = 0
				continue
			}
			return false
		case isBlank(c) || c == '\\' || c >= 0x80:
		default:
			name[n] = c
			n++
		}
	}
	return false
}

// leavesAttribute reports whether a name at i follows a quote, as it does when an attribute's value was closed by the text.
func leavesAttribute(b []byte, i int) bool {
	k := i - 1
	for k >= 0 && (isBlank(b[k]) || b[k] == '/') && i-k < 6 {
		k--
	}
	return k >= 0 && isQuote(b[k])
}
