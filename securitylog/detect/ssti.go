package detect

// The ssti rules look into the delimiters of template and expression languages: {{ }}, ${ }, #{ }, *{ }, @{ }, <% %>, {% %}, @( ).
// A name alone between them is a template in honest use, and agents' prompts are full of those; an attack computes, calls or reaches
// for the runtime.
//
//	ssti-arithmetic  a sum that shows whether the template is evaluated: {{7*7}}
//	ssti-object      a way from a value to classes, globals or configuration
//	ssti-call        functions of the template engine or the runtime
//	ssti-directive   a directive outside of delimiters: #set($x=...), T(java.lang.Runtime)
func (s *scan) ssti(t *text) {
	if t.known.Has(SSTI) {
		return
	}
	b := t.b
	step(2 * len(b))
	const asp, thymeleaf = markAngle | markPercent, markBracket | markDollar
	if t.marks&markBrace != 0 || t.marks&asp == asp || t.marks&thymeleaf == thymeleaf || t.marks&(markAt|markParen) == markAt|markParen || t.marks&markHash != 0 && t.marks&(markAngle|markBracket) != 0 {
		var body template
		for i := 0; i+1 < len(b); i++ {
			if !templateSigns[b[i]] {
				continue
			}
			if n := opensTemplate(b, i); n > 0 {
				if body.end < i+n { // what opens inside a template ends with it, so that a text is read once
					body = readTemplate(t, i+n)
				}
				if rule := body.judge(t, i, i+n); rule != "" {
					s.report(t.place, SSTI, rule)
					return
				}
				i += n - 1
			}
		}
	}
	if t.marks&(markParen|markDot|markHash|markPipe) != 0 && directive(t) {
		s.report(t.place, SSTI, "ssti-directive")
	}
}

// templateSigns are the bytes that a delimiter begins with.
var templateSigns = byteSet("{$#*@~%<[")

// opensTemplate returns the length of the delimiter at i, 0 for none.
func opensTemplate(b []byte, i int) int {
	switch b[i] {
	case '{':
		switch at(b, i+1) {
		case '{', '%', '#', '@', '=':
			return 2
		case '$':
			return 1
		}
		if hasPrefixAt(b, i, "{$smarty.") || hasPrefixAt(b, i, "{php}") || hasPrefixAt(b, i, "{system(") || hasPrefixAt(b, i, "{if ") {
			return 1
		}
	case '$', '#', '*', '@', '~', '%':
		if at(b, i+1) == '{' {
			return 2
		}
		if b[i] == '@' && at(b, i+1) == '(' || b[i] == '$' && at(b, i+1) == '{' {
			return 2
		}
	case '<':
		if at(b, i+1) == '%' {
			return 2
		}
		if hasPrefixAt(b, i, "<#assign") || hasPrefixAt(b, i, "<#list") {
			return 1
		}
	case '[':
		if hasPrefixAt(b, i, "[[${") || hasPrefixAt(b, i, "[#") && isLetter(at(b, i+2)) {
			return 2
		}
	}
	return 0
}

// maxTemplate and maxSum bound how far a template is read.
const (
	maxTemplate = 384
	maxSum      = 48
)

// templateEnd returns the end of what stands between a delimiter and the next closing one, within bounds.
func templateEnd(b []byte, i int) int {
	limit := min(len(b), i+maxTemplate)
	step(limit - i)
	for k := i; k < limit; k++ {
		if b[k] == '}' || b[k] == '%' && (at(b, k+1) == '}' || at(b, k+1) == '>') {
			return k
		}
	}
	return limit
}

// template is what stands between a delimiter and the next closing one: where it ends, and where the last of what tells of an attack
// does, 0 for none.
type template struct {
	end        int
	walk, call int // signs
	use        int // a bracket, a pipe or an equals sign: the expression calls, pipes or assigns
	digit      int
	noise      int // a control character: an image or an archive, and no template
}

func readTemplate(t *text, start int) template {
	m := template{end: templateEnd(t.b, start)}
	m.walk, m.call = lastSigns(t.at, start, m.end)
	step(m.end - start)
	for k, c := range t.b[start:m.end] {
		switch {
		case c == '(' || c == '|' || c == '=':
			m.use = start + k + 1
		case isDigit(c):
			m.digit = start + k + 1
		case c < ' ' && c > wild && !isSpace(c):
			m.noise = start + k + 1
		}
	}
	return m
}

// lastSigns returns where the last signs of templates end within a part of the text.
func lastSigns(matches []match, from, to int) (walk, call int) {
	for k := firstMatch(matches, from); k < len(matches) && int(matches[k].end) <= to; k++ {
		step(1)
		switch matches[k].sign {
		case signTemplateWalk:
			walk = int(matches[k].end)
		case signTemplateCall:
			call = int(matches[k].end)
		}
	}
	return walk, call
}

// judge judges the part of a template whose delimiter is at i and that begins at start.
func (m template) judge(t *text, i, start int) string {
	body := t.b[start:m.end]
	step(2 * maxSum)
	if m.digit > start && arithmetic(body[:min(len(body), maxSum)]) {
		return "ssti-arithmetic"
	}
	if t.b[i] == '{' && describes(body) || m.noise > start {
		return ""
	}
	if m.walk > start {
		return "ssti-object"
	}
	if m.call > start && (t.b[i] == '<' || at(t.b, i+1) == '%' || m.use > start) {
		return "ssti-call"
	}
	if t.b[i] == '{' && len(body) < 2*maxSum {
		switch string(trimBlank(body)) {
		case "config", "self", "settings", "debug", "_self", "dump(app)", "_context", "php", "constructor":
			return "ssti-object"
		}
	}
	return ""
}

// describes reports whether what stands between two braces is an object of JavaScript, as components of pages are given: {{ label: "x" }}.
// No template engine reads that.
func describes(body []byte) bool {
	i := skipBlank(body, 0)
	end := wordEnd(body, i)
	return end > i && at(body, end) == ':' && isBlank(at(body, end+1)) && isQuote(at(body, skipBlank(body, end+1)))
}

// arithmetic reports whether body, quotes and brackets aside, is a sum of numbers.
func arithmetic(body []byte) bool {
	digits, operator, after := false, false, false
	for k, c := range body {
		switch {
		case isDigit(c):
			digits = true
			after = after || operator
		case (c == '*' || c == '+' || c == '-' || c == '/' || c == '^') && digits && k > 0:
			operator = true
		case c == ' ' || c == '\'' || c == '"' || c == '(' || c == ')' || c == '=' || c == '@' || c == '$' || c == '{' || c == '.' || c == '%' || c == '[' || c == '#' || c == ',' || c == '_':
		default:
			return false
		}
	}
	return after
}

// directive recognises what template and expression languages understand outside of delimiters.
func directive(t *text) bool {
	return t.signs.has(signDirective) || !t.prose && t.signs.has(signDirectiveTalk)
}
