package detect

import "strings"

// The quiet functions are the first gate: they report that a text holds nothing that any rule would look at. They read each byte once,
// through a table, and look up words that could begin an attack without punctuation. What they let through is clean; what they hold
// back is only unusual.

// byteKind is what a byte means to the first gate.
type byteKind uint8

const (
	byteWord    byteKind = iota // part of a word
	byteBreak                   // ends a word
	byteDot                     // ends a word; two in a row, or one after a slash, are looked at
	byteSlash                   // ends a word
	byteColon                   // ends a word, and makes it a scheme
	byteDash                    // ends a word; two in a row are looked at
	byteAt                      // ends a word; two in a row are looked at
	byteQuery                   // begins the query
	byteEquals                  // ends a word; the second of a parameter is looked at
	byteAmp                     // ends a parameter
	bytePercent                 // an escape
	byteHigh                    // UTF-8
	byteLoud                    // looked at

	byteSimple = byteAt // up to here, nothing happens between two words
)

var targetBytes, agentBytes = func() (target, agent [256]byteKind) {
	for c := range target {
		switch {
		case isWordByte(byte(c)):
		case c < 0x20 || c == 0x7F:
			target[c] = byteLoud
		case c >= 0x80:
			target[c] = byteHigh
		default:
			target[c] = byteLoud
		}
	}
	for _, c := range "+ ,!~[]" {
		target[c] = byteBreak
	}
	target['.'], target['/'], target[':'], target['-'], target['@'], target['='], target['&'], target['%'] = byteDot, byteSlash, byteColon, byteDash, byteAt, byteEquals, byteAmp, bytePercent
	for _, c := range []byte{0xC0, 0xC1, 0xE0, 0xEF, 0xF0, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF} {
		target[c] = byteLoud
	}
	target['?'] = byteQuery
	agent = target
	for _, c := range "()&=/:?" {
		agent[c] = byteBreak
	}
	agent[';'] = byteBreak
	agent['\t'] = byteBreak
	return target, agent
}()

// wordRole says when a word is loud: when it could begin an attack that needs no punctuation.
type wordRole uint8

const (
	roleScheme     wordRole = 1 << iota // before a colon
	roleConnective                      // before a number or a sign: "or 1"
	roleLoud                            // as a word of a statement
	rolePath                            // in a value, or at the start of a path, where a file's name can stand
	roleRoot                            // at the start of a site's own path too
	roleCommand                         // as a parameter's first word, where a command can stand
	roleKey                             // in a parameter's name
)

var wordRoles = func() *dictionary[wordRole] {
	m := map[string]wordRole{}
	add := func(r wordRole, names ...string) {
		for _, n := range names {
			m[n] |= r
		}
	}
	add(roleScheme, "javascript", "vbscript", "livescript", "data", "file", "php", "phar", "zip", "glob", "expect", "jar", "gopher", "dict", "ldap", "ldaps", "rmi", "http", "https", "ftp", "ftps", "netdoc", "jndi", "tftp", "sftp", "ogg", "zlib", "rar", "c", "d", "e", "script", "local_file", "url", "ssh2")
	add(roleConnective, "or", "and", "xor", "by", "not", "like")
	add(roleLoud, "union", "unionselect", "select", "waitfor", "having", "outfile", "dumpfile", "information_schema", "sysobjects", "xp_cmdshell", "shutdown", "procedure", "rlike", "benchmark", "pg_sleep", "order", "group", "xp_dirtree", "xp_regread", "all_tables", "all_users", "all_tab_columns", "user_tables", "user_tab_columns", "dba_users", "dba_tables", "all_objects", "msysobjects", "syscolumns", "sysdatabases", "syslogins", "pg_user", "pg_shadow", "pg_tables", "pg_class", "sp_executesql", "limit", "sqlite_master", "pg_catalog", "sysusers",
		"passwd", "xampp", "wamp", "lampp", "id_rsa", "access_log", "error_log", "0x2e0x2e", "script", "jndi", "onerror", "onload", "onmouseover", "onclick", "onfocus", "javascript", "exe", "cmd", "powershell", "__proto__", "constructor", "expression", "whoami", "ifconfig", "ipconfig", "netstat", "nslookup", "systeminfo", "alert", "location", "errorlevel", "cmdextversion", "equ", "neq", "lss", "leq", "gtr", "geq")
	add(rolePath, "etc", "proc", "boot", "log", "var", "root", "usr", "opt", "sys", "dev", "web", "inf", "conf", "config", "private", "library", "program", "home", "bin", "php", "tmp", "apache", "apache2", "mysql", "env", "git", "svn", "ssh", "aws", "docker", "kube", "ini", "windows", "winnt", "volumes", "inetpub", "htaccess", "htpasswd", "bash_history", "srv", "run", "app", "www", "access_log", "error_log")
	add(roleRoot, "bash_history", "etc", "proc", "boot", "var", "usr", "opt", "sys", "dev", "windows", "winnt", "inetpub", "env", "git", "svn", "ssh", "aws", "htaccess", "htpasswd", "ini", "inf", "volumes", "log", "root", "program")
	add(roleCommand, "cat", "wget", "curl", "ping", "nc", "bash", "sh", "ls", "id", "uname", "type", "dir", "true", "null", "version", "exec", "execute", "create", "alter", "truncate", "drop", "insert", "delete", "declare", "master", "sleep", "sudo", "doas", "nohup", "strace", "setsid", "busybox")
	for n, name := range commands.words {
		kind := commands.values[n]
		if first, _, ok := strings.Cut(name, "-"); ok && kind == cmdSure && !cmdletVerbs.has([]byte(first)) {
			add(roleCommand, first)
		}
		if kind >= cmdShort {
			add(roleCommand, name)
		}
	}
	add(roleCommand, bareCommands.words...)
	add(roleKey, "__proto__", "constructor")
	add(roleCommand, "net", "reg", "exec", "time", "if")
	add(roleCommand, "call_user_func", "call_user_func_array", "system", "shell_exec", "passthru", "popen", "proc_open", "pcntl_exec", "assert", "eval", "phpinfo", "printf")
	return dictionaryOf(m)
}()

// wordTable answers for most words, by their first two letters, their last and their length, that no list holds them.
type wordTable [32 * 32]uint64

func tableOf(list []string) *wordTable {
	t := new(wordTable)
	for _, w := range list {
		k, bit := tableBit(w[0], w[min(1, len(w)-1)], w[len(w)-1], len(w))
		t[k] |= bit
	}
	return t
}

func tableBit(first, second, last byte, n int) (k int, bit uint64) {
	return int(first&31)<<5 | int(second&31), 1 << ((n*5 + int(last&31)) & 63)
}

// may reports whether a word of one or more letters may be in a list.
func (t *wordTable) may(w string) bool {
	last := len(w) - 1
	k, bit := tableBit(w[0], w[min(1, last)], w[last], len(w))
	return t[k]&bit != 0
}

// mayBytes is may.
func (t *wordTable) mayBytes(w []byte) bool {
	last := len(w) - 1
	k, bit := tableBit(w[0], w[min(1, last)], w[last], len(w))
	return t[k]&bit != 0
}

var targetTable = func() *wordTable {
	t := tableOf(wordRoles.words)
	k, _ := tableBit('0', 'x', 0, 0) // dots and slashes written as 0x2e, 0x2f, 0x5c
	t[k] = ^uint64(0)
	return t
}()

const maxWord = 24

// quietTarget judges a raw request target.
func quietTarget(s string) bool { return quietText(s, 0, false) }

// quietReferer judges a Referer: a target behind a scheme and a host.
func quietReferer(s string) bool {
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) >= len(scheme) && s[:len(scheme)] == scheme {
			return quietText(s, len(scheme), false)
		}
	}
	return quietText(s, 0, false)
}

// quietText judges s from a position on: a target, or with query a parameter's value.
func quietText(s string, from int, query bool) bool {
	start := from   // of the word
	prev := byte(0) // the byte before the word, decoded
	equals := query // the parameter's equals sign was read
	if query {
		prev = '='
	}
	for i := from; i < len(s); {
		if i = wordRun(s, i); i == len(s) {
			break
		}
		c, size := s[i], 1
		kind := targetBytes[c]
		n := i - start
		if kind == bytePercent && i+2 < len(s) && s[i+1] == '2' && s[i+2] == '0' {
			c, size, kind = ' ', 3, byteBreak
		}
		if kind <= byteSimple && n > 0 && i+size < len(s) && targetBytes[s[i+size]] == byteWord {
			// A single separator between two words, as nearly all are.
			if targetTable.may(s[start:i]) && !quietWord(s[start:i], prev, c, s[i+size], query) {
				return false
			}
			prev = c
			i += size
			start = i
			continue
		}
		if kind == bytePercent {
			var ok bool
			if c, ok = escaped(s, i); !ok {
				return false
			}
			size = 3
			switch kind = targetBytes[c]; {
			case kind == bytePercent, kind == byteAmp, kind == byteWord, kind == byteEquals, c == '+':
				end := -1
				if kind == byteEquals {
					end = base64Tail(s, i)
				}
				if end < 0 {
					return false // encoded twice, an entity, a comparison, or letters that need no encoding
				}
				size = end - i
			}
		}
		if kind == byteHigh {
			if c == 0xA0 && !afterHigh(s, i) {
				return false // a blank of older character sets, to databases too
			}
			if hidesSign(s, c, i+size) {
				return false
			}
			i += size
			continue
		}
		next := nextByte(s, i+size)
		if n > 0 && (kind != byteEquals || prev != '&' && prev != '?') && targetTable.may(s[start:i]) && !quietWord(s[start:i], prev, c, next, query) {
			return false
		}
		switch kind {
		case byteLoud:
			return false
		case byteDot:
			if next == '.' || n == 0 && (prev == '/' || prev == '=' || next == '/') || next == '%' {
				return false
			}
		case byteDash:
			if next == '-' && (i+size+1 >= len(s) || !isWordByte(s[i+size+1])) || next == '%' && escapes(s, i+size, '-') {
				return false
			}
		case byteAt:
			if next == '@' || next == '%' && escapes(s, i+size, '@') {
				return false
			}
		case byteSlash:
			if query && prev == '=' && n == 0 && (next == '/' || next == '%' && escapes(s, i+size, '/')) {
				return false
			}
		case byteEquals:
			if equals && query && size == 1 {
				end := base64Tail(s, i)
				if end < 0 {
					return false
				}
				size = end - i
			}
			equals = true
		case byteAmp:
			equals = false
		case byteQuery:
			if !query {
				query, equals = true, false
			} else if prev == '/' && n == 0 && (next == '?' || next == '%' && escapes(s, i+size, '?')) {
				return false // wildcards of a shell
			}
		}
		prev = c
		i += size
		start = i
	}
	if n := len(s) - start; n > 0 && targetTable.may(s[start:]) {
		return quietWord(s[start:], prev, 0, 0, query)
	}
	return true
}

// goesOn returns the two bytes that stand at i, raw or escaped.
func goesOn(s string, i int) (second, third byte) {
	second, size := nextByte(s, i), 1
	if second == '%' {
		second, _ = escaped(s, i)
		size = 3
	}
	if third = nextByte(s, i+size); third == '%' {
		third, _ = escaped(s, i+size)
	}
	return second, third
}

// hidesSign reports whether the character of UTF-8 that begins with c, and goes on at i, is one that a conversion makes a sign of: a line
// break where it is cut to a byte, or one dot or two.
func hidesSign(s string, c byte, i int) bool {
	if c != wideLineFeed[0] && c != dotLeader[0] {
		return false
	}
	second, third := goesOn(s, i)
	if c == dotLeader[0] {
		return second == dotLeader[1] && (third == dotLeader[2] || third == twoDotLeader[2])
	}
	return second == wideLineFeed[1] && (third == wideLineFeed[2] || third == wideReturn[2])
}

// dotLeader and twoDotLeader are dots to what normalises compatibility characters.
const (
	dotLeader    = "\u2024"
	twoDotLeader = "\u2025"
)

// afterHigh reports whether a byte of UTF-8, raw or escaped, stands before i.
func afterHigh(s string, i int) bool {
	if i > 0 && s[i-1] >= 0x80 {
		return true
	}
	c, ok := escaped(s, max(0, i-3))
	return ok && i >= 3 && s[i-3] == '%' && c >= 0x80
}

// escapes reports whether the percent escape at i stands for c.
func escapes(s string, i int, c byte) bool {
	decoded, ok := escaped(s, i)
	return ok && decoded == c
}

// escaped decodes the percent escape at i.
func escaped(s string, i int) (byte, bool) {
	if i+2 >= len(s) {
		return 0, false
	}
	hi, ok := hexValue(s[i+1])
	lo, ok2 := hexValue(s[i+2])
	return hi<<4 | lo, ok && ok2
}

// base64Tail returns the end of the parameter when only equals signs, as encodings end in, stand before it from i on; else -1. Who asks
// goes on from there: to ask again at each sign would take quadratic time.
func base64Tail(s string, i int) int {
	step(1)
	for i < len(s) && s[i] != '&' {
		switch {
		case s[i] == '=':
			step(1)
			i++
		case s[i] == '%' && i+2 < len(s) && s[i+1] == '3' && s[i+2]|0x20 == 'd':
			step(1)
			i += 3
		default:
			return -1
		}
	}
	return i
}

func nextByte(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// quietWord judges a word that has a role, by the decoded bytes before and after it.
func quietWord(word string, before, after, next byte, query bool) bool {
	const address = 42 // the length of a blockchain address, which may begin so
	if strings.HasPrefix(word, "0x") && len(word) != address && len(word) >= 4 && (word[2:4] == "2e" || word[2:4] == "2f" || word[2:4] == "5c") {
		return false
	}
	if len(word) > maxWord {
		return true
	}
	var lower [maxWord]byte
	for i := range len(word) {
		c := word[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	role := wordRoles.of(lower[:len(word)])
	spaced := after == ' ' || after == '+'
	afterSpace := before == ' ' || before == '+'
	switch {
	case role == 0:
		return true
	case after == ':' && role&roleScheme != 0:
		if len(word) == 1 {
			return next != '/' && next != '%' && next != '\\'
		}
		return isDigit(next) && string(lower[:len(word)]) != "data"
	case role&roleKey != 0 && query && (before == '?' || before == '&' || before == '[' || before == '.'):
		return false
	case role&roleConnective != 0:
		return !spaced || !(isDigit(next) || next == '-' || next == '~' || next == '!' || next == '@' || next == '.') || before == '/' || before == 0
	case role&rolePath != 0:
		switch {
		case spaced || afterSpace:
			return true
		case query:
			return before != '/' && before != '=' && before != '.' && after != '/' && after != '.'
		}
		return role&roleRoot == 0 || before != '/' && before != '.' && (before != '-' || len(word) != 3 || lower[0] != 'i') // WEB-INF
	case role&roleCommand != 0:
		return before != '='
	case role&roleLoud == 0:
		return true
	case before == '/' || before == '.' || before == 0:
		return !spaced // a segment of a path or a file's name, not a word of a statement
	}
	return !query || !afterSpace && before != '=' || !spaced && after != 0
}
