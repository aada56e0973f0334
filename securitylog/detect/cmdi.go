package detect

import "bytes"

// The cmdi rules look for a command where a shell would start one: after ; | || & && or a line break, in $( ) or backticks, by
// absolute path; and for calls that hand a string to a shell. Names that are English words too need an argument that only a command
// would have.
//
//	cmdi-command     a separator and a command
//	cmdi-subshell    $(command), `command`, <(command)
//	cmdi-path        a program called by its path
//	cmdi-expansion   $IFS, ${IFS}, $((1+1)), and other tricks of shells
//	cmdi-code        calls of system, exec and their kin, in any language
//	cmdi-shellshock  a function definition that Bash would run
//	cmdi-windows     cmd /c, powershell, %COMSPEC%
func (s *scan) cmdi(t *text) {
	b := t.b
	step(len(b))
	if t.marks&(markSemi|markPipe|markAmp|markDollar|markTick|markBreak|markSlash|markParen|markBackslash|markPercent|markEquals|markBrace) == 0 && (t.marks&markQuote == 0 || t.prose) && !t.loose && !startsCommand(b) {
		return
	}
	b, plain := s.unquoteShell(t.b)
	step(4 * len(b))
	if rule := shellText(b, t, plain); rule != "" {
		s.report(t.place, CmdI, rule)
		return
	}
	if t.marks&(markParen|markAngle) != 0 {
		if rule := codeText(t); rule != "" {
			s.report(t.place, CmdI, rule)
		}
	}
}

// unquoteShell removes what a shell removes from words: quotes and backslashes between letters, "$@" and "$*", carets. It reports
// whether nothing was removed.
func (s *scan) unquoteShell(b []byte) ([]byte, bool) {
	out := s.squeezed[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case (c == '\'' || c == '"') && i > 0 && i+1 < len(b) && b[i+1] == c && isLetter(b[i-1]): // c''at
			i++
			continue
		case c == '\\' && at(b, i+1) == 'n' && (!isLetter(at(b, i-1)) || !isLetter(at(b, i+2))): // a line break, written out
			out = append(out, '\n')
			i++
			continue
		case (c == '\'' || c == '"' || c == '\\' || c == '^') && isLetter(at(b, i-1)) && isLetter(at(b, i+1)):
			continue
		case c == '$' && (at(b, i+1) == '@' || at(b, i+1) == '*') && isLetter(at(b, i-1)):
			i++
			continue
		case (c == '$' && at(b, i+1) == '(' && at(b, i+2) == ')' || c == '`' && at(b, i+1) == '`') && isLetter(at(b, i-1)):
			if c == '$' {
				i++
			}
			i++
			continue
		}
		out = append(out, c)
	}
	s.squeezed = out
	return out, len(out) == len(b)
}

// shellText walks over the places where a shell would start a command.
func shellText(b []byte, t *text, plain bool) string {
	if t.signs.has(signShell) && !t.prose {
		return "cmdi-expansion"
	}
	if i := bytes.Index(b, []byte("()")); i >= 0 && hasPrefixAt(b, skipBlank(b, i+2), "{") {
		if j := skipBlank(b, skipBlank(b, i+2)+1); (at(b, j) == ':' || at(b, j) == '_' || at(b, j) == ';' || at(b, j) == '(') && bytes.IndexByte(b[j:], '}') > 0 {
			return "cmdi-shellshock"
		}
	}
	if t.signs.has(signServerSide) && t.signs.has(signServerSideTag) {
		return "cmdi-code"
	}
	spaces, ticks := 0, 0
	if t.loose {
		if rule := command(b, 0, sepAmp, t); rule != "" {
			return rule
		}
	}
	for i := 0; i < len(b); i++ {
		var sep separator
		j := i + 1
		switch b[i] {
		case ' ':
			spaces++
			continue
		case ';':
			sep = sepSemi
		case '|':
			if alternatives(b, i) {
				continue
			}
			sep = sepPipe
			for at(b, j) == '|' { // a run of signs is one
				j++
			}
			i = j - 1
		case '&':
			sep = sepAmp
			for at(b, j) == '&' {
				j++
			}
			i = j - 1
		case '\n', '\r':
			sep = sepBreak
			j = skipBlank(b, j) // a run of breaks is one
			i = j - 1
		case '`':
			sep = sepTick
			if at(b, i+1) == '`' && at(b, i+2) == '`' { // a fence of markdown
				i += 2
				continue
			}
			if ticks++; ticks%2 == 0 || markdownCode(b, i, spaces > 0) {
				continue
			}
		case '$', '<', '>':
			if at(b, j) != '(' {
				continue
			}
			sep = sepSub
			j++
		default:
			continue
		}
		if rule := command(b, j, sep, t); rule != "" {
			return rule
		}
	}
	return bare(b, t, plain)
}

// markdownCode reports whether the backtick at i begins a piece of code in a text rather than a command: words stand before it, or
// after its end.
func markdownCode(b []byte, i int, spaced bool) bool {
	window := b[i+1 : min(len(b), i+1+96)]
	step(len(window))
	end := bytes.IndexByte(window, '`')
	if end < 0 {
		return spaced
	}
	after := i + 1 + end + 1
	switch next := at(b, after); {
	case at(b, i-1) == '[' && next == ']':
		return true
	case spaced && !isSeparator(at(b, i-1)):
		return true
	case (next == ':' || next == ',') && at(b, after+1) == ' ':
		return true // `name`: what it means; `name`, and more
	case next == ' ':
		k := skipSpaces(b, after)
		switch at(b, k) {
		case 0, '#', ';', '&':
			return false
		case '-':
			return at(b, k+1) == ' ' // `name` - what it means
		case '|':
			return k-after > 1 && at(b, k+1) == ' ' // a cell of a table
		}
		return true
	}
	return false
}

// alternatives reports whether the bar at i stands between angle brackets, as in <true|false>.
func alternatives(b []byte, i int) bool {
	const most = 24
	step(2 * most)
	open := bytes.LastIndexByte(b[max(0, i-most):i], '<')
	end := bytes.IndexByte(b[i:min(len(b), i+most)], '>')
	if open < 0 || end < 0 {
		return false
	}
	inside := b[max(0, i-most)+open+1 : i+end]
	for _, c := range inside {
		if !isWordByte(c) && c != '|' && c != '-' {
			return false
		}
	}
	return true
}

// takenApart reports whether the first word holds two or more of the quotes and backslashes that a shell drops: w'ho'ami.
func takenApart(b []byte) bool {
	n := 0
	for i := 0; i < len(b) && i < 32 && !isBlank(b[i]); i++ {
		if c := b[i]; isQuote(c) || c == '\\' || c == '^' || c == '$' {
			n++
		}
	}
	return n >= 2
}

// bare judges a text that is a command from its first byte on.
func bare(b []byte, t *text, plain bool) string {
	i := skipBlank(b, 0)
	for i < len(b) && (b[i] == '\'' || b[i] == '"' || b[i] == '(' || b[i] == '{' || b[i] == '<' || b[i] == '!' || b[i] == ')' || b[i] == '+') {
		i++
	}
	if t.where != InPath {
		if rule := programPath(b, i); rule != "" && !t.prose {
			return rule
		}
	}
	if t.signs.has(signInterpreter) && t.signs.has(signInterpreterUse) && !t.prose && (t.where != InPath || bytes.Contains(b, []byte("cmd.exe"))) {
		return "cmdi-windows"
	}
	j := wordEnd(b, i)
	if t.where != InPath && controlsBatch(b, i, j) {
		return "cmdi-windows"
	}
	if kind := commands[string(b[i:j])]; kind != 0 && !t.prose && t.where != InPath {
		arg, has := argument(b, j)
		if i > 0 && b[i-1] == '{' && (at(b, j+1) == '-' || at(b, j+1) == '/' || at(b, j+1) == '$' || isDigit(at(b, j+1))) && braceList(b, j) {
			return "cmdi-expansion"
		}
		if i > 0 && sleeps(b[i:]) {
			return "cmdi-command"
		}
		if has && arg == argEnd && kind != cmdWord && len(b)-j <= 2 {
			return "cmdi-command"
		}
		if has && arg == argShell && at(b, j) != '/' && at(b, j) != '.' && (bareCommands.has(b[i:j]) || kind == cmdSure || hasAnyIn(b[j:min(len(b), j+32)], "/etc", "/proc", "c:\\", "c:/", "127.0")) {
			return "cmdi-command"
		}
		if !plain && kind != cmdWord && takenApart(t.b) {
			return "cmdi-command"
		}
	}
	return ""
}

// sleeps reports whether a text in brackets is a pause and nothing else: (sleep 5).
func sleeps(b []byte) bool {
	if !hasAnyAt(b, 0, "sleep ", "usleep ", "timeout ") {
		return false
	}
	i := skipSpaces(b, bytes.IndexByte(b, ' '))
	from := i
	for isDigit(at(b, i)) {
		i++
	}
	return i > from && i < len(b) && len(bytes.TrimLeft(b[i:], ")}\"' ;&|#")) == 0
}

// controlsBatch recognises the loops and conditions of Windows' command language, whose word ends at j: for %i in (, for /f, if /i,
// if not "%1"==.
func controlsBatch(b []byte, i, j int) bool {
	k := skipSpaces(b, j)
	switch string(b[i:j]) {
	case "for":
		if at(b, k) == '%' {
			for ; at(b, k) == '%'; k++ {
				step(1)
			}
			k = skipSpaces(b, wordEnd(b, k))
			return hasPrefixAt(b, k, "in (") || hasPrefixAt(b, k, "in(")
		}
		return at(b, k) == '/' && isLetter(at(b, k+1)) && at(b, k+2) == ' ' && bytes.IndexByte(b[k:min(len(b), k+64)], '%') > 0
	case "if":
		if hasPrefixAt(b, k, "not ") {
			k = skipSpaces(b, k+len("not "))
		}
		return hasPrefixAt(b, k, "/i ") || at(b, k) == '%' && hasAnyIn(b[k:min(len(b), k+maxHead)], "==", " equ ", " neq ", " lss ", " leq ", " gtr ", " geq ") || hasAnyAt(b, k, "\"%", "errorlevel ", "cmdextversion ", "exist \"", "exist c:", "(%", "[%")
	}
	return false
}

func startsCommand(b []byte) bool {
	i := skipBlank(b, 0)
	return commands[string(b[i:wordEnd(b, i)])] == cmdSure
}
