package detect

import "bytes"

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
	for from := i; i < len(b) && i-from < 8 && opensCommand[b[i]] && (b[i] == '(' || sep != sepTick); {
		i = skipBlank(b, i+1)
	}
	if sep == sepTick && at(b, i) == '{' && !t.prose {
		if j := nameEnd(b, i+1); commandKindOf(b[i+1:j]) != 0 && braceList(b, j) {
			return "cmdi-expansion"
		}
	}
	if !beginsCommand[at(b, i)] && at(b, i-1) != ',' {
		return ""
	}
	if t.prose && sep == sepSemi && at(b, i-1) == '`' {
		return "" // a command that a sentence names
	}
	if rule := programPath(b, i); rule != "" {
		return rule
	}
	place := i // where the separator has put us; what runs may stand behind words that run it
	ends := sep == sepSemi || sep == sepPipe || sep == sepAmp
	if ends && batchControl(b, i) {
		return "cmdi-windows"
	}
	if ends && at(b, i-1) == ',' && emptyBrace(b, i-2) {
		return "cmdi-expansion"
	}
	if ends && !t.prose {
		i = skipUnset(b, i)
	}
	i, tests := skipRunners(b, i)
	if tests && !t.prose {
		return "cmdi-command"
	}
	j := nameEnd(b, i)
	name := commandName(b[i:j])
	if n := len(name) - 4; n > 0 && name[n] == '.' {
		switch string(name[n:]) {
		case ".exe", ".bat", ".cmd":
			if name = name[:n]; commandKindOf(name) != 0 {
				return "cmdi-windows"
			}
		}
	}
	kind := commandKindOf(name)
	if kind == 0 && cmdlet(name) {
		kind = cmdShort
	}
	if kind != 0 && at(b, i-1) == '{' && braceList(b, j) {
		return "cmdi-expansion"
	}
	if !t.prose && at(b, j) == ',' && takesCommas(name, b, j) {
		return "cmdi-windows"
	}
	if c := at(b, j); kind != 0 && (c == ',' || c == ':' || c == '=' || c == '_' || c >= 0x80 || c == '?' && j+1 == len(b)) {
		kind = 0 // part of a longer word, or of a sentence
	}
	if kind == 0 {
		if runsOther(b, i, j, sep, t) {
			return "cmdi-command"
		}
		return ""
	}
	if calculated(b, i, j, kind) {
		return ""
	}
	if isQuote(at(b, i-1)) && at(b, j) == b[i-1] && at(b, j+1) == ' ' { // the name alone in quotes
		j++
	}
	rule := "cmdi-command"
	if sep == sepTick || sep == sepSub {
		rule = "cmdi-subshell"
	}
	arg, has := argument(b, j)
	if !has && i > 0 && b[i-1] == ' ' && (string(name) == "true" || string(name) == "false") {
		return "" // a list of values: true; false
	}
	if sep == sepBreak && kind != cmdSure && (arg == argEnd || !has) && t.listed(b, place, j) {
		return ""
	}
	if arg == argShell && sep == sepPipe && sortsByField(name, b, j) {
		arg = argPlain
	}
	if t.where == InUserAgent && sep == sepSemi && (arg != argShell || kind == cmdWord) {
		return "" // the comments of User-Agents are lists of words
	}
	if !t.prose && hidesRest(b) && (arg != argEnd || leftQuote(b[:place])) && (sep == sepBreak || sep <= sepAmp) {
		return rule
	}
	if sep == sepTick && (place == 1 || at(b, place-2) == '/') && b[len(b)-1] == '`' && developers.has(name) {
		return "" // a message that is nothing but a piece of code
	}
	if sep == sepBreak && !t.prose && breaksIn(b, place, j, kind, arg) {
		return rule
	}
	early := place <= 24
	if kind == cmdShort && arg != argShell && products.has(name) && joinsWords(b, place, sep) {
		return ""
	}
	switch {
	case arg == argShell:
		if kind == cmdSure || !t.prose || sep != sepBreak {
			return rule
		}
	case kind == cmdArg:
		if !t.prose && early && isDigit(at(b, skipSpaces(b, j))) {
			return rule
		}
	case sep == sepSub && kind != cmdWord:
		if t.prose && string(name) == "pwd" { // nobody sends that in a sentence to learn it
			return ""
		}
		return rule
	case sep == sepTick && !t.prose && (kind != cmdWord || at(b, j) == '`'):
		return rule
	case (place <= 5 || ends && !t.prose && place <= maxHead && left(b, place)) && administers(name, b[min(len(b), j+1):]), place <= 5 && kind == cmdSure && arg == argPlain:
		return rule
	case t.prose:
		return ""
	case kind == cmdSure:
		return rule
	case !has && kind == cmdShort && (sep != sepBreak || len(b) < 40):
		return rule
	case arg == argEnd && sep == sepPipe && tableRow(b):
		return ""
	case arg == argEnd && (kind == cmdShort || sep == sepSub || (sep == sepPipe || sep == sepAmp) && !isSpace(at(b, i-1)) && bytes.IndexByte(b[:min(i, 32)], ' ') < 0):
		return rule
	case sep != sepBreak && place <= maxHead && (arg == argEnd && (sep != sepPipe || !isSpace(at(b, i-1))) || arg == argPlain && operand(b, skipSpaces(b, j))) && left(b, place):
		return rule
	case place <= 3 && readsFile(name) && arg == argPlain && len(b)-j <= 24:
		return rule
	case !has && kind != cmdSure && (joinsWords(b, place, sep) && kind == cmdWord || (sep == sepPipe || sep == sepSemi) && listsNames(b, b[place-1])):
		return ""
	case !has && sep != sepBreak && kind == cmdWord && (place <= 8 || sep <= sepAmp && place <= maxHead && left(b, place)) && (sep != sepAmp || !isLetter(at(b, place-2))):
		return rule
	case kind == cmdShort && sep != sepBreak && early && arg == argPlain:
		return rule
	case kind == cmdWord && sep != sepBreak && early && arg == argPlain && (string(name) == "echo" || string(name) == "printf" || (string(name) == "sleep" || string(name) == "timeout") && isDigit(at(b, skipBlank(b, j)))):
		return rule
	case place != i && kind == cmdShort && sep != sepBreak, string(name) == "trap" && isQuote(at(b, skipSpaces(b, j))) && sep != sepBreak:
		return rule
	}
	return ""
}

// skipUnset steps over a variable at i that a command follows: a shell that does not know it drops it.
func skipUnset(b []byte, i int) int {
	if at(b, i) != '$' || !isLetter(at(b, i+1)) {
		return i
	}
	end := wordEnd(b, i+1)
	k := skipSpaces(b, end)
	if k == end || commandKindOf(b[k:nameEnd(b, k)]) == 0 {
		return i
	}
	return k
}

// nameEnd returns the end of a command's name at i, without the dots of a sentence.
func nameEnd(b []byte, i int) int {
	j := i
	for j < len(b) && (isWordByte(b[j]) || b[j] == '-' || b[j] == '.') {
		j++
	}
	for j > i && b[j-1] == '.' {
		j--
	}
	return j
}

// skipRunners steps over the reserved words and programs at i that run the command behind them: then sleep, sudo id. It reports too
// whether that is the bracket of a test.
func skipRunners(b []byte, i int) (next int, tests bool) {
	for range 3 {
		end := wordEnd(b, i)
		if at(b, end) != ' ' {
			break
		}
		kind := runnerKindOf(b[i:end])
		if kind == 0 {
			break
		}
		k := skipSpaces(b, end)
		if kind == runReserved && (hasPrefixAt(b, k, "[ ") || hasPrefixAt(b, k, "[[ ")) {
			return k, true
		}
		if commandKindOf(b[k:nameEnd(b, k)]) == 0 && runnerKindOf(b[k:wordEnd(b, k)]) == 0 {
			break
		}
		i = k
	}
	return i, false
}

// runsOther recognises what a shell runs besides a known command: a variable, an assignment that is run, a script that is read in.
func runsOther(b []byte, i, j int, sep separator, t *text) bool {
	ends := sep == sepSemi || sep == sepPipe || sep == sepAmp
	switch c := at(b, i); {
	case c == '$' && isLetter(at(b, i+1)) && !t.prose && ends && at(b, wordEnd(b, i+1)) != '=': // ;$orderby=name
		return i > 1 && !isBlank(b[i-1]) || i == 1 && b[0] != '&' && wordEnd(b, i+1) == len(b)
	case c == '.' && at(b, i+1) == ' ' && !t.prose && ends:
		k := skipSpaces(b, i+1)
		return at(b, k) == '/' || at(b, k) == '~' || at(b, k) == '.'
	case at(b, j) == '=' && j > i && sep != sepTick && sep != sepBreak:
		return assigns(b, i, j)
	}
	return false
}

// braceList reports whether a comma and arguments follow at j, closed by a brace: {cat,/etc/passwd}.
func braceList(b []byte, j int) bool {
	if at(b, j) != ',' || isBlank(at(b, j+1)) {
		return false
	}
	window := b[j:min(len(b), j+64)]
	step(len(window))
	end := bytes.IndexByte(window, '}')
	if colon := bytes.IndexByte(window, ':'); colon >= 0 && colon < end && !hasPrefixAt(window, colon, "://") {
		return false
	}
	return end > 1 && bytes.IndexByte(window[:end], ' ') < 0
}

// maxHead is how much of a text may stand before a separator for the text to be a value that was left rather than a sentence.
const maxHead = 48

// left reports whether the separator before i leaves a value: a number, an address or punctuation stands before it, or one word
// without a blank on either side of the separator. "salt & sort" is not left, "127.0.0.1 & hostname" and "x;hostname" are.
func left(b []byte, i int) bool {
	head := bytes.TrimRight(b[:i], " ;|&'\")(")
	step(2 * i)
	letters := bytes.ContainsFunc(head, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 0x80 })
	return !letters || bytes.IndexByte(b[:i], ' ') < 0
}

// operand reports whether the argument at k is a file, a host or a number rather than a word.
func operand(b []byte, k int) bool {
	digits := true
	n := 0
	for ; k < len(b) && n < 64 && !isBlank(b[k]) && !isSeparator(b[k]); k++ {
		switch c := b[k]; {
		case isDigit(c):
		case n > 0 && (c == '.' || c == '/' || c == '\\') && isWordByte(at(b, k+1)), c == '*':
			return true
		case c == ')' || isQuote(c) || c == '#':
			return digits && n > 0
		default:
			digits = false
		}
		n++
	}
	step(n)
	return digits && n > 0
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
	case "netsh":
		return hasAnyAt(rest, 0, "firewall ", "advfirewall ", "wlan ", "interface ")
	case "sc":
		return hasAnyAt(rest, 0, "query", "config", "create", "start", "stop", "qc")
	}
	return false
}

// opensCommand are the bytes after which a command can still begin: quotes, brackets, and what filters leave of separators. beginsCommand
// are those that command knows anything to begin with.
var (
	opensCommand  = byteSet("'\"({!@`+|,^")
	beginsCommand = byteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$/~")
)

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
	case c == '-' && k > j && (isWordByte(next) || next == '-' && isLetter(at(b, k+2))):
		return argShell, true
	case c == '/' && (k > j) && (isLetter(next) || next == '?' || next == '*' || next == '[' || next == '.' || next == ' ' || next == 0), c == '\\' && isLetter(next), c == '~' && next == '/':
		return argShell, true
	case isLetter(c) && next == ':' && (at(b, k+2) == '\\' || at(b, k+2) == '/' || at(b, k+2) == '%' || at(b, k+2) == 0 || at(b, k+2) == '+' || at(b, k+2) == '"') && k > j:
		return argShell, true
	case c == '.' && (next == '.' || next == '/' || next == ' ' && at(b, k+2) == '-' && isLetter(at(b, k+3))), c == '$' && (isWordByte(next) || next == '(' || next == '{' || next == '@' || next == '\''), c == '%' && isLetter(next) && k > j:
		return argShell, true
	case c == '<' && isLetter(next) && bytes.IndexByte(b[k:min(len(b), k+8)], '>') > 0:
		return argPlain, true // a tag
	case c == '<' || c == '>':
		return argShell, true
	case beginsAddress(c) && hasAnyAt(b, k, "http://", "https://", "ftp://", "\\\\", "127.0.0.1", "localhost", "etc/", "file:", "win.ini"):
		return argShell, true
	case isDigit(c) && ipv4At(b, k):
		return argShell, true
	case c == ';' || c == '|' || c == '&' || c == '`' || c == ')' || c == '#' || c == '\n' || c == '\r' || c == '}' || c == 0, isQuote(c) && (k+1 >= len(b) || isSeparator(next) || next == '#' || next == ')' || next == ' '):
		return argEnd, true
	}
	// A path further on in the first words is an argument too: "cat foo /etc/passwd".
	step(maxHead)
	window := b[:min(len(b), k+maxHead)]
	for k = indexFrom(window, k, ' '); k < len(window); k = indexFrom(window, k+1, ' ') {
		if at(b, k+1) == '/' && hasAnyAt(b, k+2, "etc", "dev", "tmp", "proc") || at(b, k+1) == '-' && hasAnyAt(b, k+2, "c ", "n ", "e ") {
			return argShell, true
		}
	}
	return argPlain, true
}

// beginsAddress reports whether one of the addresses and files that argument knows by name can begin with c.
func beginsAddress(c byte) bool {
	switch c {
	case 'h', 'f', '\\', '1', 'l', 'e', 'w':
		return true
	}
	return false
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
	return at(b, v) == '$' && (at(b, v+1) == '(' || at(b, v+1) == '\'' || at(b, v+1) == '"' || at(b, v+1) == '{' && (at(b, v+2) == '#' || at(b, v+2) == '!' || expands(b, v))) || at(b, v) == '`'
}
