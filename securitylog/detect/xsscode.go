package detect

import "bytes"

// browserCode reports whether the text calls a browser's functions from where a string was left or from its start.
func browserCode(b []byte, t *text) bool {
	if !t.prose && t.signs.has(signLetterless) {
		return true // script written without letters
	}
	if !t.prose && buildsNames(t) {
		return true
	}
	if !t.signs.has(signBrowser) {
		return false
	}
	markdown := t.marks&markTick != 0 && writesMarkdown(b, t.prose)
	left := false // a quote, bracket or semicolon that ends what the text was put into
	quotes := 0   // which of the quotes are open, where talk shows code with strings of its own
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case isQuote(c):
			if left || c == '`' && markdown || t.prose && blankBetween(b, i) {
				continue // a piece of code in a text, or a quote that opens amid words: nothing is left by it
			}
			if isLetter(at(b, i-1)) && isLetter(at(b, i+1)) {
				continue
			}
			quotes ^= int(c)
			left = afterString[at(b, skipSpaces(b, i+1))] && (!t.prose || quotes != 0)
		case isLetter(c):
			j := wordEnd(b, i)
			if w := b[i:j]; browserWords.has(w) && asksBrowser(b, w, i, j, left, t) {
				return true
			}
			i = j - 1
		}
	}
	return false
}

// browserWords are the words that the rules for a browser's code know. A text that holds none of them is not read for them.
var browserWords = wordSet([]string{"alert", "prompt", "confirm", "constructor", "eval", "navigation", "settimeout", "setinterval", "execscript", "atob", "unescape", "decodeuricomponent", "document", "window", "self", "top",
	"parent", "globalthis", "frames", "this", "location", "string", "fetch", "import", "xmlhttprequest", "function", "promise", "proxy", "reflect", "innerhtml", "outerhtml", "onerror"})

// beforeCode are the signs behind which a statement or an expression can begin.
var beforeCode = byteSet(";-+}(,/={*!~?:")

// afterString are the signs that go on with code behind a string.
var afterString = byteSet(";-+)},/*^|&?%<=>!\\")

// asksBrowser reports whether the word from i to j, one of browserWords, is used and not only spoken of.
func asksBrowser(b, w []byte, i, j int, left bool, t *text) bool {
	if i > 0 && b[i-1] == '=' && !t.prose && (string(w) == "alert" || string(w) == "prompt" || string(w) == "confirm") && at(b, j) == '(' && at(b, j+1) != ')' {
		return true
	}
	if !t.prose && (opensDialog(b, w, i, j) || buildsCode(t, w, i, j) || passesDialog(b, w, i, j) || interpolatesDialog(b, w, i, j)) {
		return true
	}
	starts := i == 0 || blankBefore(b, i) || (i < 8 || left) && beforeCode[b[i-1]]
	return (left || starts && !t.prose) && callsBrowser(b, w, i, j, left)
}

// writesMarkdown reports whether the backticks of a text come in pairs and stand among words, as those around pieces of code do.
func writesMarkdown(b []byte, prose bool) bool {
	step(2 * len(b))
	ticks := bytes.Count(b, []byte("`"))
	return ticks%2 == 0 && (prose || ticks >= 4 && bytes.Count(b, []byte(" ")) >= 3)
}

// opensDialog reports whether the word is a function that shows something, called with a value from where an expression or a statement
// can begin: behind a sign, or an operator that is a word. A mention leaves the brackets empty.
func opensDialog(b, w []byte, i, j int) bool {
	switch string(w) {
	case "alert", "prompt", "confirm":
	default:
		return false
	}
	open := skipNothing(b, j)
	if at(b, open) != '(' || at(b, open+1) == ')' || i == 0 || open > j && !plainValue(b, open+1) {
		return false
	}
	k := i - 1
	for k > 0 && i-k < 8 && isBlank(b[k]) {
		k--
	}
	step(i - k + maxWord)
	if b[k] == ':' && schemeBefore(b, k) != "" {
		return false // an address that runs is js's
	}
	if !isLetter(b[k]) {
		return bytes.IndexByte([]byte("|>&~)}];,:=+-!*/({[?<%^'\"`"), b[k]) >= 0 && (k == i-1 || b[k] != ',' && b[k] != ':' && b[k] != ')')
	}
	end := k + 1
	for k > 0 && end-k < maxWord && isWordByte(b[k-1]) {
		k--
	}
	switch string(b[k:end]) {
	case "delete", "typeof", "void", "throw", "new", "return", "await", "in", "of":
		return k == 0 || !isWordByte(b[k-1])
	}
	return false
}

// plainValue reports whether a string, a number or what the page holds stands at i.
func plainValue(b []byte, i int) bool {
	return isQuote(at(b, i)) || isDigit(at(b, i)) || at(b, i) == '/' || hasPrefixAt(b, i, "document")
}

// buildsCode reports whether the word makes code of a string: the constructor of a value, called with one, or eval amid an expression, of
// something that a browser knows about its page.
func buildsCode(t *text, w []byte, i, j int) bool {
	b := t.b
	if i == 0 {
		return false
	}
	switch string(w) {
	case "constructor":
		if at(b, i-2) == '[' && isQuote(b[i-1]) && at(b, j) == b[i-1] && at(b, j+1) == ']' && at(b, j+2) == '(' {
			return true // []["filter"]["constructor"]("go()")
		}
		return b[i-1] == '.' && (at(b, j) == '`' || at(b, j) == '(' && isQuote(at(b, j+1)) || b[max(0, i-2)] == ')' && hasPrefixAt(b, j, ".prototype."))
	case "eval":
		return at(b, j) == '(' && bytes.IndexByte([]byte(")];,=+(!{"), b[i-1]) >= 0 && between(t.at, signPage, j, j+maxHead)
	}
	return false
}

// passesDialog reports whether the word is a function that opens a dialog, handed to another function: [1].map(alert),
// setTimeout(alert,0).
func passesDialog(b, w []byte, i, j int) bool {
	switch string(w) {
	case "alert", "prompt", "confirm", "eval":
	default:
		return false
	}
	if at(b, j) == ')' && at(b, i-1) == ',' || at(b, j) == '}' && at(b, i-1) == ':' {
		return hasAnyIn(b[max(0, i-maxHead):i], "from([", ".replace(", ".call(", ".apply(", "{tostring:", "{valueof:")
	}
	if at(b, i-1) != '(' || !isLetter(at(b, i-2)) || at(b, j) != ')' && at(b, j) != ',' {
		return false
	}
	start := i - 1
	for start > 0 && isWordByte(b[start-1]) && i-start < maxWord {
		start--
	}
	step(i - start)
	switch string(b[start : i-1]) {
	case "map", "find", "findindex", "filter", "some", "every", "foreach", "sort", "reduce", "settimeout", "setinterval", "then", "replace":
		return true
	}
	return false
}

// interpolatesDialog reports whether the word is a function that runs or shows something, put into the template that a function is
// called with: [].map.call`${eval}...`; or one that is given another name: a=alert,a(1).
func interpolatesDialog(b, w []byte, i, j int) bool {
	switch string(w) {
	case "alert", "prompt", "confirm", "eval", "navigation":
	default:
		return false
	}
	before, after := i, j
	for before > 0 && i-before < 4 && b[before-1] == ' ' {
		before--
	}
	after = skipSpaces(b, j)
	if hasPrefixAt(b, before-2, "${") && (at(b, after) == '}' || at(b, after) == '.') {
		return true
	}
	return renames(b, i, j)
}

// renames reports whether the word from i to j, a function, is given another name that is called then, or put in the place of what a page or
// the language calls: a=alert,a(1); onerror=eval; x[y]=eval.
func renames(b []byte, i, j int) bool {
	if at(b, i-1) != '=' || at(b, i-2) == '=' {
		return false
	}
	switch at(b, j) {
	case ',', ';', '\n', '\r', '}', ' ':
	case 0:
		if j < len(b) {
			return false
		}
	default:
		return false
	}
	if at(b, i-2) == ']' {
		return at(b, j) != ' '
	}
	start := i - 1
	for start > 0 && (isWordByte(b[start-1]) || b[start-1] == '$') && i-start < maxWord {
		start--
	}
	name := b[start : i-1]
	if len(name) == 0 {
		return false
	}
	if len(name) > 4 && name[0] == 'o' && name[1] == 'n' {
		return true
	}
	window := b[j:min(len(b), j+maxBody)]
	step(2 * len(window))
	for k := bytes.Index(window, name); k >= 0; {
		if next := at(window, k+len(name)); (next == '(' || next == '`') && !isWordByte(at(window, k-1)) {
			return true
		}
		n := bytes.Index(window[k+1:], name)
		if n < 0 {
			return false
		}
		k += 1 + n
	}
	return false
}

// skipNothing steps over what a script may have between a name and what follows it: blanks, comments, the end of a bracket, a question
// mark.
func skipNothing(b []byte, k int) int {
	for n := 0; n < 8; n++ {
		switch {
		case isBlank(at(b, k)) && k < len(b), at(b, k) == '?':
			k++
		case hasPrefixAt(b, k, "/*"):
			step(maxBody)
			end := bytes.Index(b[k:min(len(b), k+maxBody)], []byte("*/"))
			if end < 0 {
				return k
			}
			k += end + 2
		default:
			return k
		}
	}
	return k
}

// blankBetween reports whether the quote at i opens a quoted flag or pattern amid words: a blank or a bracket before it, a hyphen, an
// asterisk or a backslash behind.
func blankBetween(b []byte, i int) bool {
	if !isQuote(b[i]) || i == 0 || !isBlank(b[i-1]) && b[i-1] != '(' && b[i-1] != '`' {
		return false
	}
	next := at(b, i+1)
	return next == '-' && at(b, i+2) == '-' || next == '*' || next == '\\'
}

// blankBefore reports whether only a few blanks or an opening bracket stand before i.
func blankBefore(b []byte, i int) bool {
	return i <= 16 && len(bytes.Trim(b[:i], " \t\r\n(")) == 0
}

func skipSpaces(b []byte, i int) int {
	start := i
	for i < len(b) && b[i] == ' ' {
		i++
	}
	step(1 + i - start)
	return i
}

func callsBrowser(b, w []byte, i, j int, left bool) bool {
	step(16)
	k := skipNothing(b, j)
	if at(b, k) == ')' && at(b, i-1) == '(' && at(b, k+1) == '[' { // (document)["cookie"]
		k++
	}
	if at(b, k) == '\\' && at(b, k+1) == '`' {
		k++
	}
	if k > j && at(b, k) == '.' && at(b, k+1) == '(' { // f?.()
		k++
	}
	next := at(b, k)
	call := next == '(' || next == '`' || next == '.' && (hasPrefixAt(b, k+1, "call") || hasPrefixAt(b, k+1, "apply") || hasPrefixAt(b, k+1, "bind"))
	switch string(w) {
	case "alert", "prompt", "confirm":
		if !call {
			return at(b, i-1) == '(' && next == ')' && (left || at(b, k+1) == '(') || at(b, i-1) == '=' && left
		}
		if k > j && !left && at(b, j) == ' ' && !plainValue(b, k+1) {
			return false // alert (red)
		}
		// Called with something: talk about alert() leaves the brackets empty.
		return left || next == '`' || at(b, k+1) != ')'
	case "eval":
		if next == '.' && call {
			return left || i == 0
		}
		if next != '(' || shellArgument(b[k+1:min(len(b), k+64)]) {
			return false // what a shell would run is cmdi's
		}
		return left || at(b, k+1) != ')' && at(b, i-1) != '.'
	case "settimeout", "setinterval", "execscript", "atob", "unescape", "decodeuricomponent":
		return call && at(b, k+1) != ')' && (left || isQuote(at(b, k+1)) || bytes.Contains(b[k:min(len(b), k+64)], []byte("location")) || bytes.Contains(b[k:min(len(b), k+64)], []byte("fromcharcode")) ||
			bytes.Contains(b[k:min(len(b), k+64)], []byte("name")) || bytes.Contains(b[k:min(len(b), k+64)], []byte("atob")))
	case "document":
		k = skipNothing(b, k+1) - 1
		return next == '.' && (hasAnyAt(b, k+1, "cookie", "domain", "write", "body", "location", "forms", "getelement", "createelement", "queryselector", "documentelement", "url", "referrer", "vulnerable", "title", "domcontent", "defaultview")) ||
			next == '['
	case "window", "self", "top", "parent", "globalthis", "frames", "this":
		if next == '[' {
			window := b[k:min(len(b), k+maxBody)]
			step(len(window))
			if end := bytes.Index(window, []byte("](")); end > 1 && (i == 0 || left) && bytes.ContainsAny(window[:end], "/'\"`.+") {
				return true
			}
		}
		if string(w) == "this" {
			return (left || i == 0) && next == '[' && hasAnyAt(b, k+2, "document", "location", "alert", "eval")
		}
		return left && next == '[' && (isQuote(at(b, k+1)) || at(b, k+1) == '/') || next == '.' && hasAnyAt(b, k+1, "location", "open(", "name", "onerror", "alert", "eval", "document", "print(") ||
			next == '[' && isQuote(at(b, k+1)) && i == 0
	case "location":
		return (left || i == 0 || at(b, i-1) == ';') && (next == '=' && at(b, k+1) != '=' || next == '.' && hasAnyAt(b, k+1, "href", "hash", "replace", "assign", "search"))
	case "string":
		return next == '.' && hasPrefixAt(b, k+1, "fromcharcode")
	case "constructor":
		return next == '.' && hasPrefixAt(b, k+1, "constructor") || next == '(' && left
	case "fetch", "import", "xmlhttprequest", "function", "promise", "proxy", "reflect":
		if i == 0 && string(w) == "function" && next == '(' && isQuote(at(b, k+1)) || string(w) == "import" && next == '(' && isQuote(at(b, k+1)) && hasAnyAt(b, k+2, "//", "http", "data:") {
			return true
		}
		return left && call && bytes.ContainsAny(b[k:min(len(b), k+96)], "'\"`/{") && at(b, i-1) != '.' && at(b, i-1) != ' '
	case "innerhtml", "outerhtml", "onerror":
		return (left || next == '=') && next == '=' && at(b, k+1) != '='
	}
	return false
}

func hasAnyAt(b []byte, i int, prefixes ...string) bool {
	step(len(prefixes))
	for _, p := range prefixes {
		if hasPrefixAt(b, i, p) {
			return true
		}
	}
	return false
}
