package detect

import (
	"bytes"
	"strings"
)

// bare judges a text that is a command from its first byte on. Nothing was left to get there, so the command must go on as one does.
func bare(b []byte, t *text, plain bool) string {
	braces := t.marks&markBrace != 0 && !t.prose
	i := skipBlank(b, 0)
	for i < len(b) && (b[i] == ' ' && isQuote(at(b, i-1)) || b[i] == '\'' || b[i] == '"' || b[i] == '(' || b[i] == '{' || b[i] == '<' || b[i] == '!' || b[i] == ')' || b[i] == '+') {
		if braces && (emptyBrace(b, i) || bracedName(b, i)) {
			return "cmdi-expansion"
		}
		i++
	}
	if !t.prose && writesFile(b) {
		return "cmdi-command"
	}
	if t.where != InPath {
		if rule := programPath(b, i); rule != "" && !t.prose {
			return rule
		}
	}
	if t.signs.has(signInterpreter) && t.signs.has(signInterpreterUse) && !t.prose && interprets(b) && (t.where != InPath || bytes.Contains(b, []byte("cmd.exe"))) {
		return "cmdi-windows"
	}
	if t.where == InPath {
		return ""
	}
	if batchControl(b, i) {
		return "cmdi-windows"
	}
	if i == 0 && hasPrefixAt(b, 0, "sleep ") && len(b) <= len("sleep 9999") && allDigits(b[len("sleep "):]) {
		return "cmdi-command"
	}
	if i == 0 && administers(b[:nameEnd(b, 0)], b[min(len(b), nameEnd(b, 0)+1):]) && hasAnyIn(b, " /add", " /active", " /v ", " hk", "\"hk", "firewall ") {
		return "cmdi-command"
	}
	if callbackParameter(t.name) && runsByName(trimBlank(b)) {
		return "cmdi-code"
	}
	if t.prose && !commandParameter(t.name) {
		return ""
	}
	if braces && bracedName(b, i) {
		return "cmdi-expansion"
	}
	runner, place := runnerKindOf(b[i:wordEnd(b, i)]), i
	if runner == runProgram {
		i, _ = skipRunners(b, i)
	}
	j := nameEnd(b, i)
	name := commandName(b[i:j])
	kind := commandKindOf(name)
	if kind == 0 || at(b, i-1) == '<' && at(b, j) == '>' || calculated(b, i, j, kind) { // a tag, a variable
		return ""
	}
	if isQuote(at(b, i-1)) && at(b, j) == b[i-1] && at(b, j+1) == ' ' { // the name alone in quotes
		j++
	}
	arg, has := argument(b, j)
	if i == place && promised(t, name, kind, arg, has) {
		return "cmdi-command"
	}
	if t.prose {
		return ""
	}
	if i == 0 && kind == cmdWord && asksInWords(b, name, j) {
		return ""
	}
	shell := has && arg == argShell && at(b, j) != '/' && at(b, j) != '.'
	switch {
	case i > place && (kind != cmdWord && operand(b, skipSpaces(b, j)) || shell || kind == cmdSure || kind != cmdWord && !english(b[place:wordEnd(b, place)])):
		return "cmdi-command"
	case i > 0 && b[i-1] == '{' && (at(b, j+1) == '-' || at(b, j+1) == '/' || at(b, j+1) == '$' || isDigit(at(b, j+1))) && braceList(b, j):
		return "cmdi-expansion"
	case i > 0 && sleeps(b[i:]):
		return "cmdi-command"
	case i > 0 && isQuote(b[0]) && bytes.Count(b, b[:1])%2 == 1 && hidesRest(b):
		return "cmdi-command"
	case shell && (bareCommands.has(name) || kind == cmdSure || systemArgument(b, j, kind != cmdWord || readsFile(name))), evaluates(name, b, j):
		return "cmdi-command"
	case kind == cmdSure && (has && arg == argEnd && at(b, skipSpaces(b, j)) == ';' || !has && i > 1 && isQuote(at(b, i-2)) && b[i-1] == ' '):
		return "cmdi-command"
	case has && endsCommand(b) && (kind == cmdShort || kind == cmdSure || arg == argShell || arg == argPlain && operand(b, skipSpaces(b, j))):
		return "cmdi-command"
	case string(name) == "alias" && at(b, j) == ' ' && bytes.IndexByte(b[j:min(len(b), j+maxHead)], '=') > 0:
		return "cmdi-command"
	case !plain && kind != cmdWord && takenApart(t.b):
		return "cmdi-command"
	}
	return ""
}

// promised reports whether a command stands where the parameter's name promises one. A word of English needs the arguments of a command, and
// the codes of countries and languages are no commands.
func promised(t *text, name []byte, kind commandKind, arg argKind, has bool) bool {
	switch {
	case !commandParameter(t.name), t.prose && kind != cmdSure:
		return false
	case string(name) == "dir" || string(name) == "ver":
		return true
	case kind == cmdWord || kind == cmdArg:
		return has && arg == argShell
	case products.has(name) && !bareCommands.has(name):
		return has
	case strings.EqualFold(t.name, "code"):
		return has || len(name) > 2 || string(name) == "ls"
	}
	return true
}

// interprets reports whether the name of a shell stands in a text, and not only at the end of a longer name: nothing runs x-admincmd.exe.
func interprets(b []byte) bool {
	step(len(signStrings[signInterpreter]) * len(b))
	for _, name := range signStrings[signInterpreter] {
		if i := bytes.Index(b, []byte(name)); i == 0 || i > 0 && !(isLetter(b[i-1]) && isLetter(name[0])) {
			return true
		}
	}
	return false
}

// callbackParameter reports whether a parameter's name promises a function that is called by its name, as some frameworks of PHP do.
func callbackParameter(name string) bool {
	if len(name) > maxNameLen {
		return false
	}
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "func") || strings.Contains(name, "callback") || strings.HasSuffix(name, "_render][]")
}

// runsByName names the functions of PHP that run what they are called with.
func runsByName(name []byte) bool {
	switch string(name) {
	case "call_user_func", "call_user_func_array", "system", "exec", "shell_exec", "passthru", "popen", "proc_open", "pcntl_exec", "assert", "eval", "phpinfo", "printf":
		return true
	}
	return false
}

// writesFile reports whether a text begins with the redirection of nothing into a file of the system: >/tmp/x.
func writesFile(b []byte) bool {
	i := 0
	for i < 2 && at(b, i) == '>' {
		i++
	}
	return i > 0 && hasAnyAt(b, skipSpaces(b, i), "/tmp/", "/var/", "/etc/", "/dev/", "/home/", "/root/", "/srv/", "/opt/")
}

// endsCommand reports whether a text ends in a sign that ends a command, with one before it.
func endsCommand(b []byte) bool {
	b = bytes.TrimRight(b, " ")
	command := bytes.TrimRight(b, ";|& ")
	if len(command) == len(b) || len(command) == 0 {
		return false
	}
	last := command[len(command)-1]
	return isWordByte(last) || last == '/' || last == '*'
}

// commandParameter reports whether a parameter's name promises a command, as those of web shells do.
func commandParameter(name string) bool {
	switch strings.ToLower(name) {
	case "cmd", "command", "exec", "execute", "shell", "run", "code", "rce", "cli":
		return true
	}
	return false
}

// english reports whether a program that runs another has the name of a word that sentences begin with.
func english(name []byte) bool {
	switch string(name) {
	case "time", "nice", "command", "builtin", "watch":
		return true
	}
	return false
}

// systemArgument reports whether a command's argument is a file of the system. For some commands every absolute path counts, also one
// that is written with wildcards.
func systemArgument(b []byte, j int, any bool) bool {
	window := b[j:min(len(b), j+32)]
	if hasAnyIn(window, "/etc", "/proc", "c:\\", "c:/", "c:+", "127.0", "%systemroot%", "%windir%", "%userprofile%") {
		return true
	}
	if !any {
		return false
	}
	if hasAnyIn(window, " /var/", " /tmp/", " /usr/", " /home/", " /root/", " /dev/", " /opt/") {
		return true
	}
	k := skipSpaces(b, j)
	end := k
	for end < len(b) && end-k < maxHead && !isBlank(b[end]) {
		end++
	}
	step(end - k)
	return at(b, k) == '/' && bytes.IndexByte(b[k+1:end], '/') > 0 && (bytes.ContainsAny(b[k:end], "?*[") || end == len(b) && readsFile(b[:nameEnd(b, 0)]))
}

// evaluates reports whether an interpreter is given its program on the command line: python -c "...".
func evaluates(name, b []byte, j int) bool {
	switch string(name) {
	case "python", "python2", "python3", "perl", "ruby", "php", "node", "lua", "sh", "bash", "ksh", "zsh", "dash":
	default:
		return false
	}
	k := skipSpaces(b, j)
	if k == j || !hasAnyAt(b, k, "-c ", "-e ", "-r ", "-ne ", "-le ", "-ec ", "-lc ") {
		return false
	}
	return isQuote(at(b, skipSpaces(b, bytes.IndexByte(b[k:], ' ')+k)))
}

// commandName cuts the version off the name of a program that is called with one: python3.12, gcc10.1, php7.4.
func commandName(name []byte) []byte {
	if len(name) == 0 || isLetter(name[len(name)-1]) || commandKindOf(name) != 0 {
		return name
	}
	end := len(name)
	for end > 0 && (isDigit(name[end-1]) || name[end-1] == '.' || name[end-1] == '-') {
		end--
	}
	switch stem := name[:end]; string(stem) {
	case "python", "perl", "php", "ruby", "gcc", "g++", "clang", "lua", "pip", "node":
		return stem
	}
	return name
}

// takenApart reports whether the first word holds two or more of the quotes and backslashes that a shell drops: w'ho'ami.
func takenApart(b []byte) bool {
	n := 0
	for i := 0; i < len(b) && i < 32 && !isBlank(b[i]); i++ {
		switch c := b[i]; {
		case isQuote(c), c == '\\', c == '^':
			n++
		case c == '$': // a special parameter: nothing else puts that into a word
			n += 2
		}
	}
	return n >= 2
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
