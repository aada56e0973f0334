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
//	cmdi-object      a serialised object of PHP, whose class runs code when it is read
//	cmdi-shellshock  a function definition that Bash would run
//	cmdi-windows     cmd /c, powershell, %COMSPEC%, the loops and conditions of batch files
//	cmdi-mail        a command of a mail protocol on a line of its own
func (s *scan) cmdi(t *text) {
	if t.known.Has(CmdI) {
		return
	}
	b := t.b
	step(len(b))
	if t.marks&(markSemi|markPipe|markAmp|markDollar|markTick|markBreak|markSlash|markParen|markBackslash|markPercent|markEquals|markBrace|markCaret) == 0 && (t.marks&markQuote == 0 || t.prose) && !t.loose && !startsCommand(b) && !hasPrefixAt(b, 0, "sleep ") && !commandParameter(t.name) && !callbackParameter(t.name) {
		return
	}
	b, plain := s.unquoteShell(t.b)
	step(4 * len(b))
	if rule := shellText(b, t, plain); rule != "" {
		s.report(t.place, CmdI, rule)
		return
	}
	if t.marks&(markParen|markAngle) != 0 || t.signs.has(signCode) {
		if rule := codeText(t); rule != "" {
			s.report(t.place, CmdI, rule)
			return
		}
	}
	if t.marks&(markColon|markBrace|markQuote) == markColon|markBrace|markQuote && serialised(t.b) {
		s.report(t.place, CmdI, "cmdi-object")
		return
	}
	if t.marks&markBreak != 0 && mailCommand(t.b) {
		s.report(t.place, CmdI, "cmdi-mail")
	}
}

// startsProgram reports whether a text that another class has explained is to be judged as a command too: markup that is echoed into a
// file, a query that writes a web shell.
func (t *text) startsProgram() bool {
	if t.signs.has(signCode) || t.signs.has(signServerSide) && t.signs.has(signServerSideTag) {
		return true
	}
	switch at(t.b, skipBlank(t.b, 0)) {
	case ';', '|', '&', '$', '`':
		return t.marks&markAngle != 0 && !t.prose
	}
	return false
}

// emptyParameter reports whether a special parameter of that name is empty, or short, where a shell runs what it is handed.
func emptyParameter(c byte) bool {
	switch c {
	case '@', '*', '!', '?', '-', '_', '$':
		return true
	}
	return isDigit(c)
}

// shellSigns are the bytes that unquoteShell looks at.
var shellSigns = byteSet("\t\v\f'\"`\\^$<>")

// unquoteShell removes what a shell removes from words: quotes and backslashes between letters, special parameters like $@, carets. Blanks
// of other kinds become blanks. It reports whether nothing was removed.
func (s *scan) unquoteShell(b []byte) ([]byte, bool) {
	out := s.squeezed[:0]
	kept := 0 // up to here b is in out
	for i := 0; i < len(b); i++ {
		c := b[i]
		if !shellSigns[c] {
			continue
		}
		drop, put := 0, byte(0) // how many bytes go, and what comes for them
		before, next := at(b, i-1), at(b, i+1)
		if kept == i && len(out) > 0 { // that was dropped
			before = out[len(out)-1]
		}
		switch c {
		case '\t', '\v', '\f':
			drop, put = 1, ' '
		case '\'', '"', '\\', '^':
			switch {
			case c != '\\' && c != '^' && next == c && isLetter(before): // c''at
				drop = 2
			case c == '\\' && next == 'n' && (!isLetter(before) || !isLetter(at(b, i+2))): // a line break, written out
				drop, put = 2, '\n'
			case c == '\\' && isLetter(next) && (before == '{' || before == ';' || before == '|' || before == '&'): // \cat
				drop = 1
			case isLetter(before) && isLetter(next) && !(c == '\'' && contracts(b, i)):
				drop = 1
			}
		case '$':
			switch {
			case emptyParameter(next) && isLetter(before) && isLetter(at(b, i+2)):
				drop = 2
			case next == '(' && at(b, i+2) == ')' && isLetter(before):
				drop = 3
			case isLetter(before):
				drop = unsetVariable(b, i)
			}
		case '`':
			if next == '`' && isLetter(before) {
				drop = 2
			}
		case '<', '>':
			if next == '(' && at(b, i+2) == ')' && isLetter(before) && isLetter(at(b, i+3)) { // pi<()ng
				drop = 3
			}
		}
		if drop > 0 {
			out = append(out, b[kept:i]...)
			if put != 0 {
				out = append(out, put)
			}
			i += drop - 1
			kept = i + 1
		}
	}
	if kept == 0 {
		return b, true
	}
	out = append(out, b[kept:]...)
	s.squeezed = out
	return out, len(out) == len(b)
}

// contracts reports whether the single quote at i is the only one of its word, as in "I'd": a shell waits for the second.
func contracts(b []byte, i int) bool {
	k, j := i, i+1
	for ; k > 0 && i-k < maxWord && (isWordByte(b[k-1]) || b[k-1] == '"' || b[k-1] == '\\'); k-- {
	}
	for ; j < len(b) && j-i < maxWord && (isWordByte(b[j]) || b[j] == '"' || b[j] == '\\'); j++ {
	}
	step(j - k)
	return at(b, k-1) != '\'' && at(b, j) != '\''
}

// shellText walks over the places where a shell would start a command.
func shellText(b []byte, t *text, plain bool) string {
	if t.signs.has(signShell) && !t.prose {
		return "cmdi-expansion"
	}
	brackets := -1 // the first pair of them with nothing between
	if t.marks&markParen != 0 {
		brackets = bytes.Index(b, []byte("()"))
	}
	if i := brackets; i >= 0 && hasPrefixAt(b, skipBlank(b, i+2), "{") {
		if j := skipBlank(b, skipBlank(b, i+2)+1); j == len(b) && i == skipBlank(b, 0) || (anonymous(b, i) && isLetter(at(b, j)) || !bytes.HasSuffix(b[:i], []byte("function")) && (at(b, j) == ':' || at(b, j) == '_' || at(b, j) == ';' || at(b, j) == '(')) && bytes.IndexByte(b[j:], '}') > 0 {
			return "cmdi-shellshock"
		}
	}
	if t.signs.has(signServerSide) && t.signs.has(signServerSideTag) {
		return "cmdi-code"
	}
	if brackets >= 0 && !t.prose && breeds(b, brackets) {
		return "cmdi-expansion"
	}
	spaces, ticks := 0, 0
	if t.loose {
		if rule := command(b, 0, sepAmp, t); rule != "" {
			return rule
		}
	}
	for i := 0; i < len(b); i++ {
		if !startsShell[b[i]] {
			continue
		}
		var sep separator
		j := i + 1
		switch b[i] {
		case ' ':
			spaces++
			continue
		case ';':
			if endsReference(b, i) {
				continue
			}
			sep = sepSemi
		case '|':
			if t.marks&(markAngle|markParen) != 0 && alternatives(b, i) {
				continue
			}
			sep = sepPipe
			for at(b, j) == '|' { // a run of signs is one
				j++
			}
			i = j - 1
		case '&':
			if hasPrefixAt(b, i, "&copy;") {
				continue
			}
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
			if ticks++; ticks%2 == 0 {
				continue
			}
			if markdownCode(b, i, spaces > 0, t.prose) {
				if end := codeEnd(b, i); t.prose && end > 0 { // what a sentence quotes is talked about
					i, ticks = end, ticks+1
				}
				continue
			}
		case '%':
			if !t.prose && expands(b, i) {
				return "cmdi-expansion"
			}
			continue
		case '$', '<', '>':
			if b[i] == '$' && !t.prose && expands(b, i) {
				return "cmdi-expansion"
			}
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

// startsShell are the bytes that shellText looks at.
var startsShell = byteSet(" ;|&\n\r`%$<>")

// endsReference reports whether the semicolon at i ends a character reference of markup: &lt; &#39;
func endsReference(b []byte, i int) bool {
	k := i - 1
	for k >= 0 && i-k < 10 && (isWordByte(b[k]) || b[k] == '#') {
		k--
	}
	step(i - k)
	if at(b, k) != '&' || k == i-1 || i-k >= 10 || at(b, i+1) == '/' {
		return false
	}
	return named.of(b[k+1:i]) != 0 || b[k+1] == '#'
}

// anonymous reports whether the brackets at i belong to no name: a value begins with them, or stands behind a quote, an equals sign or
// a header's colon.
func anonymous(b []byte, i int) bool {
	switch at(b, i-1) {
	case 0, '\'', '"', '=', ':':
		return true
	case ' ':
		return at(b, i-2) == ':' || at(b, i-2) == '='
	}
	return false
}

// codeEnd returns the position of the backtick that closes the one at i, -1 when none is near.
func codeEnd(b []byte, i int) int {
	window := b[i+1 : min(len(b), i+1+96)]
	step(len(window))
	end := bytes.IndexByte(window, '`')
	if end < 0 {
		return -1
	}
	return i + 1 + end
}

// markdownCode reports whether the backtick at i begins a piece of code in a text rather than a command: words stand before it, or
// after its end.
func markdownCode(b []byte, i int, spaced, prose bool) bool {
	end := codeEnd(b, i)
	if end < 0 {
		return spaced
	}
	after := end + 1
	switch next := at(b, after); {
	case i <= maxLead && leavesQuote(b[:i]) && (len(b)-after < maxLead && len(bytes.TrimLeft(b[after:], " #")) == 0):
		return false
	case at(b, i-1) == '[' && next == ']':
		return true
	case spaced && !isSeparator(at(b, i-1)):
		return true
	case (next == ':' || next == ',' || next == ')') && at(b, after+1) == ' ':
		return true // `name`: what it means; `name`, and more
	case next == '*' && at(b, after+1) == '*', next == '_' && at(b, after-2) == '>':
		return true // in bold, or a link
	case next == ' ':
		k := skipSpaces(b, after)
		switch at(b, k) {
		case 0, '#', ';', '&':
			return false
		case '-':
			return at(b, k+1) == ' ' // `name` - what it means
		case '|':
			return (prose || k-after > 1) && at(b, k+1) == ' ' // a cell of a table
		}
		return true
	}
	return false
}

// alternatives reports whether the bar at i stands between words in brackets, as in <true|false>, get(one|two) and (one|two|three).
func alternatives(b []byte, i int) bool {
	const most = 24
	step(2 * most)
	open := i - 1
	for open >= 0 && i-open <= most && alternative[b[open]] {
		open--
	}
	if open < 0 || i-open > most {
		return false
	}
	closing := byte('>')
	if b[open] == '(' {
		closing = ')'
	} else if b[open] != '<' {
		return false
	}
	end := i + 1
	for end < len(b) && end-i < most && alternative[b[end]] {
		end++
	}
	if end == len(b) || end-i >= most || b[end] != closing {
		return false
	}
	return closing == '>' || isLetter(at(b, open-1)) || bytes.Count(b[open:end], []byte("|")) >= 2
}

// alternative are the bytes of words with bars between them.
var alternative = byteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_|-")

func startsCommand(b []byte) bool {
	i := skipBlank(b, 0)
	name := b[i:wordEnd(b, i)]
	return commandKindOf(name) == cmdSure || runnerKindOf(name) != 0 || bareCommands.has(name) || string(name) == "net" || string(name) == "reg"
}
