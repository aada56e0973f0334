package detect

import "bytes"

// codeText recognises calls that hand a string to a shell or an interpreter.
func codeText(t *text) string {
	b, prose := t.b, t.prose
	for k := indexFrom(b, 0, '('); k < len(b); k = indexFrom(b, k+1, '(') {
		end := k
		for end > 0 && b[end-1] == ' ' && k-end < 4 {
			end--
		}
		start := end
		for start > 0 && isWordByte(b[start-1]) && end-start < maxWord {
			start--
		}
		step(1 + k - start)
		if start == end && !prose && callsExpression(b, k) {
			return "cmdi-code"
		}
		kind := shellCalls.of(b[start:end])
		if kind == 0 {
			continue
		}
		arg := skipSpaces(b, k+1)
		quoted := isQuote(at(b, arg)) || at(b, arg) == '$' || at(b, arg) == '\\'
		switch {
		case kind == callSure && (quoted || !prose && end == k && isLetter(at(b, arg)) && string(b[start:end]) != "popen"):
			return "cmdi-code"
		case kind == callWord && quoted && !prose && (at(b, start-1) != '.' || isQuote(at(b, start-2)) || hasAnyIn(b[max(0, start-16):start], "os.", "process.", "kernel.", "io.", "shell.", "runtime", "child")):
			if start <= 12 && runsCode(b[start:end]) || shellArgument(b[arg:min(len(b), arg+64)]) {
				return "cmdi-code"
			}
		}
	}
	if !prose && phpStatement(b) {
		return "cmdi-code"
	}
	if t.signs.has(signCode) && !prose && !speaksOfCode(b) || t.signs.has(signCodeSure) && (t.signs.has(signCodeTakes) || !t.signs.has(signCodeOpens)) {
		return "cmdi-code"
	}
	return ""
}

// speaksOfCode reports whether words stand beside a piece of code, none of them the code's own, and nothing in the text opens a script or
// ends a statement: undefined index $_POST['name'].
func speaksOfCode(b []byte) bool {
	if len(b) > maxRemark || hasAnyIn(b, ";", "<?", "<%", "{$", "${", "@{", "!!", "_$$", "%x") {
		return false
	}
	step(10 * len(b))
	for i := 0; i < len(b); {
		end := i
		for end < len(b) && isLetter(b[end]) {
			end++
		}
		if end-i > 1 && (i == 0 || b[i-1] == ' ') && (end == len(b) || b[end] == ' ') && !codeWords.has(b[i:end]) {
			return true
		}
		i = end + 1
	}
	return false
}

// maxRemark is the length of the longest remark on code that is taken for one without being prose.
const maxRemark = 160

// codeWords are words that stand by themselves in code.
var codeWords = wordSet([]string{"echo", "print", "print_r", "include", "include_once", "require", "require_once", "return", "exit", "die", "new", "if", "else", "elif", "elseif", "and", "or", "not", "xor", "import", "from", "exec", "eval", "system", "for", "while", "in", "as", "is", "lambda", "await", "yield", "var", "let", "const", "function", "global", "static", "throw", "try", "union", "select", "null", "true", "false"})

// runsCode reports whether a function with a common name runs what it is given, whatever that is.
func runsCode(name []byte) bool {
	switch string(name) {
	case "system", "exec", "eval", "assert", "execute", "execfile", "spawn", "base64_decode", "unserialize":
		return true
	}
	return false
}

// shellArgument reports whether a quoted argument reads like a command line.
func shellArgument(b []byte) bool {
	i := 0
	for i < len(b) && !isLetter(b[i]) && b[i] != '/' {
		i++
	}
	if programPath(b, i) != "" {
		return true
	}
	return commandKindOf(b[i:wordEnd(b, i)]) != 0
}

// serialised recognises an object as PHP writes it down, with its class: O:3:"Job":1:{...}. To read it is to run the class's code.
func serialised(b []byte) bool {
	for i := 0; i+4 < len(b); i++ {
		if b[i] != 'o' || b[i+1] != ':' || isWordByte(at(b, i-1)) {
			continue
		}
		k := i + 2
		if b[k] == '+' {
			k++
		}
		end := wordEnd(b, k)
		if !allDigits(b[k:end]) || !hasPrefixAt(b, end, ":\"") {
			continue
		}
		class := b[end+2 : min(len(b), end+2+maxNameLen)]
		step(len(class))
		if n := bytes.IndexByte(class, '"'); n > 0 && at(class, n+1) == ':' && isDigit(at(class, n+2)) {
			return true
		}
	}
	return false
}
