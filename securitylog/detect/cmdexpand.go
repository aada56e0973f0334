package detect

import "bytes"

// expands recognises at the sign at i what shells compute with a variable, so that no word of a command need be written out:
// ${HOME:0:1}, ${x//a/b}, ${x@P}, $'\x63', $[1+1], %ProgramFiles:~3,1%. The plain ${HOME} and ${PORT:-80} are honest.
func expands(b []byte, i int) bool {
	if b[i] == '%' {
		end := wordEnd(b, i+1)
		return end > i+1 && hasPrefixAt(b, end, ":~") && (isDigit(at(b, end+2)) || at(b, end+2) == '-')
	}
	switch at(b, i+1) {
	case '\'':
		return at(b, i+2) == '\\'
	case '[': // the older form of $((1+1))
		end := wordEnd(b, i+2)
		return end > i+2 && allDigits(b[i+2:end]) && bytes.IndexByte([]byte("+-*/%"), at(b, end)) >= 0
	}
	if at(b, i+1) != '{' {
		return false
	}
	end := wordEnd(b, i+2)
	if end == i+2 {
		return false
	}
	next := at(b, end+1)
	switch at(b, end) {
	case ':':
		if isDigit(next) {
			return cutsOut(b, i+2, end)
		}
		return next == ' ' && (at(b, end+2) == '-' || isDigit(at(b, end+2)))
	case '/':
		return next == '/'
	case '#':
		return next == '{'
	case '@':
		return next == 'p' && at(b, end+2) == '}'
	}
	return false
}

// cutsOut reports whether a part of a variable is cut out, whose name begins at start and ends at the colon at end: ${x:2:1}; or, of
// variables that every shell has, ${home:2}. Prompts write the defaults of their own variables so: ${words:800}.
func cutsOut(b []byte, start, end int) bool {
	k := end + 1
	for k < len(b) && k-end < maxWord && isDigit(b[k]) {
		k++
	}
	step(k - end)
	if at(b, k) == ':' {
		return isDigit(at(b, k+1)) || at(b, k+1) == '-'
	}
	return at(b, k) == '}' && environment.has(b[start:end])
}

// environment are variables that shells are started with.
var environment = wordSet([]string{"home", "path", "pwd", "oldpwd", "shell", "user", "logname", "hostname", "hosttype", "ostype", "machtype", "lang", "term", "ls_colors", "ifs", "ps1", "ps2", "ps4", "bash", "bash_version", "tmpdir", "mail"})

// unsetVariable returns the length of a variable with a name of one letter at i, 0 for none: where nobody has set it, who${u}ami is whoami.
func unsetVariable(b []byte, i int) int {
	end := i + 2
	name := at(b, i+1)
	if name == '{' {
		name, end = at(b, i+2), i+4
		if at(b, i+3) != '}' {
			return 0
		}
	}
	if !isLetter(name) || end == i+2 && isWordByte(at(b, end)) {
		return 0
	}
	return end - i
}

// maxBody bounds how much of a function's body is read.
const maxBody = 64

// breeds recognises a function of a shell that calls itself through a pipe or in the background: f(){ f|f& };f.
// The brackets of the function stand at i.
func breeds(b []byte, i int) bool {
	step(2 * maxBody)
	open := skipBlank(b, i+2)
	if at(b, open) != '{' {
		return false
	}
	start := i
	for start > 0 && i-start < maxWord && (isWordByte(b[start-1]) || b[start-1] == '.' || b[start-1] == ':') {
		start--
	}
	name, body := b[start:i], b[open+1:min(len(b), open+1+maxBody)]
	end := bytes.IndexByte(body, '}')
	if len(name) == 0 || end < 0 || !bytes.Contains(body[:end], name) {
		return false
	}
	body = body[:end]
	return bytes.ContainsAny(body, "|&") && !bytes.Contains(body, []byte("||")) && !bytes.Contains(body, []byte("&&"))
}

// emptyBrace recognises at i a list in braces that begins with nothing: {,ip,a} is the command "ip a" without a blank.
func emptyBrace(b []byte, i int) bool {
	if !hasPrefixAt(b, i, "{,") {
		return false
	}
	window := b[i+2 : min(len(b), i+2+maxBody)]
	step(len(window))
	end := bytes.IndexByte(window, '}')
	if end <= 0 || bytes.IndexByte(window[:end], ' ') >= 0 {
		return false
	}
	switch c := window[0]; {
	case c == '/' || c == '$':
		return true
	case isQuote(c):
		window = window[1:]
	}
	return commandKindOf(window[:wordEnd(window, 0)]) != 0
}

// bracedName recognises at i the name of a command that is put together from a list in braces: c{a,oun}t, {l,-lh}s.
func bracedName(b []byte, i int) bool {
	var held [maxWord]byte
	name := held[:0]
	for open := false; i < len(b) && len(name) < cap(name); i++ {
		switch c := b[i]; {
		case c == '{' && !open:
			open = true
		case c == ',' && open && len(name) > 0:
			rest := b[i:min(len(b), i+maxBody)]
			end := bytes.IndexByte(rest, '}')
			step(len(rest))
			if end < 0 || bytes.IndexByte(rest[:end], ' ') >= 0 {
				return false
			}
			tail := rest[end+1:]
			tail = tail[:wordEnd(tail, 0)]
			glued := len(tail) > 0 || b[i-len(name)-1] != '{'
			return glued && len(name)+len(tail) < cap(name) && commandKindOf(append(name, tail...)) != 0
		case isWordByte(c):
			name = append(name, c)
		default:
			return false
		}
	}
	return false
}
