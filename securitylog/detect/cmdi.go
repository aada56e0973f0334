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
	case next == ' ':
		k := skipSpaces(b, after)
		return k < len(b) && b[k] != '#' && b[k] != ';' && b[k] != '|' && b[k] != '&' && b[k] != '-'
	}
	return false
}

func isSeparator(c byte) bool {
	return c == ';' || c == '|' || c == '&' || c == '=' || c == '$' || c == '\n'
}

type separator uint8

const (
	sepSemi separator = iota + 1
	sepPipe
	sepAmp
	sepBreak
	sepTick
	sepSub
	sepNone
)

// command judges the word at i, where a separator has put it in the place of a command.
func command(b []byte, i int, sep separator, t *text) string {
	i = skipBlank(b, i)
	for from := i; i < len(b) && i-from < 8 && (b[i] == '(' || sep != sepTick && opensCommand(b[i])); {
		i = skipBlank(b, i+1)
	}
	if rule := programPath(b, i); rule != "" {
		return rule
	}
	j := i
	for j < len(b) && (isWordByte(b[j]) || b[j] == '-' || b[j] == '.') {
		j++
	}
	name := b[i:j]
	for len(name) > 0 && name[len(name)-1] == '.' {
		name = name[:len(name)-1]
		j--
	}
	if bytes.HasSuffix(name, []byte(".exe")) || bytes.HasSuffix(name, []byte(".bat")) || bytes.HasSuffix(name, []byte(".cmd")) {
		name = name[:len(name)-4]
		if commands[string(name)] != 0 {
			return "cmdi-windows"
		}
	}
	kind := commands[string(name)]
	if c := at(b, j); kind != 0 && (c == ',' || c == ':' || c == '=' || c == '_' || c >= 0x80 || c == '?' && j+1 == len(b)) {
		kind = 0 // part of a longer word, or of a sentence
	}
	if kind == 0 {
		if at(b, i) == '$' && isLetter(at(b, i+1)) && !t.prose && (sep == sepSemi || sep == sepPipe || sep == sepAmp) && i > 1 && !isBlank(b[i-1]) {
			return "cmdi-command" // a variable that is run
		}
		if at(b, j) == '=' && sep != sepTick && sep != sepBreak && assigns(b, i, j) {
			return "cmdi-command"
		}
		return ""
	}
	rule := "cmdi-command"
	if sep == sepTick || sep == sepSub {
		rule = "cmdi-subshell"
	}
	arg, has := argument(b, j)
	if t.where == InUserAgent && sep == sepSemi && (arg != argShell || kind == cmdWord) {
		return "" // the comments of User-Agents are lists of words
	}
	switch {
	case arg == argShell:
		if kind == cmdSure || !t.prose || sep != sepBreak {
			return rule
		}
	case sep == sepSub && kind != cmdWord:
		return rule
	case sep == sepTick && !t.prose && (kind != cmdWord || at(b, j) == '`'):
		return rule
	case i <= 5 && administers(name, b[min(len(b), j+1):]), i <= 5 && kind == cmdSure && arg == argPlain:
		return rule
	case t.prose:
		return ""
	case kind == cmdSure:
		return rule
	case !has && kind == cmdShort && (sep != sepBreak || len(b) < 40):
		return rule
	case arg == argEnd && (kind == cmdShort || sep == sepSub || (sep == sepPipe || sep == sepAmp) && !isSpace(at(b, i-1)) && bytes.IndexByte(b[:min(i, 32)], ' ') < 0):
		return rule
	case i <= 3 && readsFile(name) && arg == argPlain && len(b)-j <= 24:
		return rule
	case !has && sep != sepBreak && kind == cmdWord && i <= 8:
		return rule
	case kind == cmdShort && sep != sepBreak && i <= 24 && arg == argPlain:
		return rule
	case kind == cmdWord && sep != sepBreak && i <= 24 && arg == argPlain && (string(name) == "echo" || string(name) == "printf" || (string(name) == "sleep" || string(name) == "timeout") && isDigit(at(b, skipBlank(b, j)))):
		return rule
	}
	return ""
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

// readsFile names the commands whose one argument is a file: "cat flag".
func readsFile(name []byte) bool {
	switch string(name) {
	case "cat", "tac", "head", "tail", "strings", "which":
		return true
	}
	return false
}

// administers recognises the subcommands of Windows' tools whose names are words: net user, reg add.
func administers(name, rest []byte) bool {
	switch string(name) {
	case "net":
		return hasAnyAt(rest, 0, "user", "localgroup", "view", "use ", "share", "group", "start", "stop", "accounts", "session")
	case "reg":
		return hasAnyAt(rest, 0, "add", "query", "save", "delete", "export")
	case "sc":
		return hasAnyAt(rest, 0, "query", "config", "create", "start", "stop", "qc")
	}
	return false
}

// opensCommand reports whether a command can still begin after c: quotes, brackets, and what filters leave of separators.
func opensCommand(c byte) bool {
	switch c {
	case '\'', '"', '(', '{', '!', '@', '`', '+', '|', ',':
		return true
	}
	return false
}

type argKind uint8

const (
	argPlain argKind = iota + 1
	argEnd           // the command ends: another separator, a comment, a closing bracket
	argShell         // a flag, a path, a variable, a redirection, an address
)

// argument judges what follows a command's name at j. has is false at the end of the text.
func argument(b []byte, j int) (kind argKind, has bool) {
	k := j
	for k < len(b) && k-j < 32 && (b[k] == ' ' || b[k] == '\t' || b[k] == '+') {
		k++
	}
	step(k - j + 16)
	if k >= len(b) {
		return 0, false
	}
	c, next := b[k], at(b, k+1)
	switch {
	case c == '-' && k > j && (isLetter(next) || next == '-' && isLetter(at(b, k+2))):
		return argShell, true
	case c == '/' && (k > j) && (isLetter(next) || next == '?' || next == '*' || next == '.' || next == 0), c == '\\' && isLetter(next), c == '~' && next == '/':
		return argShell, true
	case isLetter(c) && next == ':' && (at(b, k+2) == '\\' || at(b, k+2) == '/' || at(b, k+2) == '%' || at(b, k+2) == 0) && k > j:
		return argShell, true
	case c == '.' && (next == '.' || next == '/'), c == '$' && (isWordByte(next) || next == '(' || next == '{' || next == '@' || next == '\''), c == '%' && isLetter(next) && k > j:
		return argShell, true
	case c == '<' || c == '>':
		return argShell, true
	case hasAnyAt(b, k, "http://", "https://", "ftp://", "\\\\", "127.0.0.1", "localhost", "etc/", "file:", "win.ini"):
		return argShell, true
	case ipv4At(b, k):
		return argShell, true
	case c == ';' || c == '|' || c == '&' || c == '`' || c == ')' || c == '#' || c == '\n' || c == '}' || c == 0, isQuote(c) && (k+1 >= len(b) || isSeparator(next) || next == '#' || next == ')' || next == ' '):
		return argEnd, true
	}
	// A path further on in the first words is an argument too: "cat foo /etc/passwd".
	window := b[k:min(len(b), k+48)]
	if hasAnyIn(window, " /etc", " /dev", " /tmp", " -c ", " -n ", " -e ", " /proc") {
		return argShell, true
	}
	return argPlain, true
}

func ipv4At(b []byte, i int) bool {
	start, dots := i, 0
	for ; i < len(b) && i-start < 16 && (isDigit(b[i]) || b[i] == '.'); i++ {
		if b[i] == '.' {
			dots++
		}
	}
	return dots == 3
}

// assigns recognises the assignment of a variable that is then run: CMD=$'...'; str=$(cmd); x=`cmd`.
func assigns(b []byte, i, j int) bool {
	v := j + 1
	for v < len(b) && (b[v] == '"' || b[v] == '\'' || b[v] == '\\') {
		v++
	}
	return at(b, v) == '$' && (at(b, v+1) == '(' || at(b, v+1) == '\'' || at(b, v+1) == '"' || at(b, v+1) == '{') || at(b, v) == '`'
}

// programPath recognises a program called by its path at i: /bin/cat, /usr/bin/id, c:\windows\system32\cmd.exe; the path may be globbed
// or have lost its first slash.
func programPath(b []byte, i int) string {
	if at(b, i) == '/' || hasAnyAt(b, i, "usr/", "bin/", "./", "~/", "../") {
		step(64)
		end := i
		for end < len(b) && end-i < 64 && !isBlank(b[end]) && b[end] != ';' && b[end] != '|' && b[end] != '&' && b[end] != '`' && b[end] != ')' && b[end] != '\'' && b[end] != '"' && b[end] != '<' && b[end] != '>' {
			end++
		}
		p := b[i:end]
		k := bytes.LastIndexByte(p, '/')
		dir, base := p[:k+1], p[k+1:]
		switch {
		case bytes.Contains(dir, []byte("bin/")) && (commands[string(base)] != 0 || len(base) > 0 && bytes.ContainsAny(base, "?*[")):
			return "cmdi-path"
		case bytes.ContainsAny(dir, "?*[") && bytes.ContainsAny(base, "?*[") && len(dir) > 2:
			return "cmdi-path"
		}
	}
	return ""
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
	if kind := commands[string(b[i:j])]; kind != 0 && !t.prose && t.where != InPath {
		arg, has := argument(b, j)
		if i > 0 && b[i-1] == '{' && at(b, j) == ',' && (at(b, j+1) == '-' || at(b, j+1) == '/') {
			return "cmdi-expansion"
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

func startsCommand(b []byte) bool {
	i := skipBlank(b, 0)
	return commands[string(b[i:wordEnd(b, i)])] == cmdSure
}
