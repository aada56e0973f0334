package detect

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
	byteEquals                  // ends a word; the second of a parameter is looked at
	byteAmp                     // ends a parameter
	bytePercent                 // an escape
	byteHigh                    // UTF-8
	byteLoud                    // looked at
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
	for _, c := range "?+ ,!~[]" {
		target[c] = byteBreak
	}
	target['.'], target['/'], target[':'], target['-'], target['@'], target['='], target['&'], target['%'] = byteDot, byteSlash, byteColon, byteDash, byteAt, byteEquals, byteAmp, bytePercent
	for _, c := range []byte{0xC0, 0xC1, 0xE0, 0xEF, 0xF0, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF} {
		target[c] = byteLoud
	}
	agent = target
	for _, c := range "()&=" {
		agent[c] = byteBreak
	}
	agent[';'] = byteBreak
	agent['\t'] = byteBreak
	return target, agent
}()

// loudWords begin attacks that need no punctuation. Those in connectives do so only before a number, an escape or a sign.
var (
	loudWords = wordSet([]string{
		"union", "unionselect", "select", "waitfor", "having", "outfile", "dumpfile", "information_schema", "sysobjects", "xp_cmdshell", "drop", "insert", "delete", "shutdown", "procedure", "rlike", "sleep", "benchmark", "pg_sleep", "declare", "exec", "execute", "create", "alter", "truncate",
		"order", "group", "true", "null", "xp_dirtree", "xp_regread", "sp_executesql", "version", "limit", "sqlite_master", "pg_catalog", "sysusers", "master",
		"etc", "proc", "passwd", "windows", "winnt", "boot", "ini", "inetpub", "htaccess", "htpasswd", "env", "git", "svn", "ssh", "aws", "bash_history", "log", "var", "root", "usr", "opt", "sys", "dev", "xampp", "wamp", "lampp", "id_rsa", "web", "inf", "access_log", "error_log", "conf", "config", "private", "library", "docker", "kube", "0x2e0x2e", "program", "home", "bin", "php", "volumes", "tmp", "apache", "apache2", "mysql",
		"script", "jndi", "onerror", "onload", "onmouseover", "onclick", "onfocus", "javascript", "exe", "cmd", "powershell", "__proto__", "constructor", "expression",
		"whoami", "ifconfig", "ipconfig", "netstat", "nslookup", "systeminfo", "cat", "wget", "curl", "ping", "nc", "bash", "sh", "ls", "id", "uname", "type", "dir",
		"alert", "location",
	})
	connectives = wordSet([]string{"or", "and", "xor", "by", "not", "like"})
	schemes     = wordSet([]string{"javascript", "vbscript", "livescript", "data", "file", "php", "phar", "zip", "glob", "expect", "jar", "gopher", "dict", "ldap", "ldaps", "rmi", "http", "https", "ftp", "ftps", "netdoc", "jndi", "tftp", "sftp", "ogg", "zlib", "rar", "c", "d", "e", "script", "local_file", "url", "ssh2"})
	// pathOnly are loud in a parameter's value or at the start of a path, where a file's name can stand, and common anywhere else.
	pathOnly = wordSet([]string{"etc", "proc", "boot", "log", "var", "root", "usr", "opt", "sys", "dev", "web", "inf", "conf", "config", "private", "library", "program", "home", "bin", "php", "tmp", "apache", "apache2", "mysql", "env", "git", "svn", "ssh", "aws", "docker", "kube", "ini", "windows", "winnt", "volumes", "inetpub", "htaccess", "htpasswd"})
	// valueStart are loud only as a parameter's first word, where a command can stand.
	valueStart = wordSet([]string{"cat", "wget", "curl", "ping", "nc", "bash", "sh", "ls", "id", "uname", "type", "dir", "true", "null", "version", "exec", "execute", "create", "alter", "truncate", "drop", "insert", "delete", "declare", "master", "sleep"})
)

// wordTable answers for most words, by their first two letters and length, that no list holds them.
type wordTable [32 * 32]uint32

func tableOf(lists ...words) *wordTable {
	t := new(wordTable)
	for _, list := range lists {
		for w := range list {
			if len(w) == 1 {
				w += "@"
				t[int(w[0]&31)<<5] |= 1 << 1
				continue
			}
			t[int(w[0]&31)<<5|int(w[1]&31)] |= 1 << min(len(w), 31)
		}
	}
	return t
}

// may reports whether a word of n bytes that starts with a and b may be in a list.
func (t *wordTable) may(a, b byte, n int) bool {
	if n == 1 {
		return t[int(a&31)<<5]&2 != 0
	}
	return t[int(a&31)<<5|int(b&31)]&(1<<min(n, 31)) != 0
}

var targetTable = tableOf(loudWords, connectives, schemes)

const maxWord = 24

// quietTarget judges a raw request target.
func quietTarget(s string) bool { return quietText(s, 0) }

// quietReferer judges a Referer: a target behind a scheme and a host.
func quietReferer(s string) bool {
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) >= len(scheme) && s[:len(scheme)] == scheme {
			return quietText(s, len(scheme))
		}
	}
	return quietText(s, 0)
}

func quietText(s string, from int) bool {
	start := from // of the word
	query, equals := false, false
	prev := byte(0) // the byte before the word, decoded
	i := from
	for i < len(s) {
		kind := targetBytes[s[i]]
		if kind == byteWord {
			i++
			continue
		}
		c, size := s[i], 1
		if kind == bytePercent {
			if i+2 >= len(s) {
				return false
			}
			hi, ok1 := hexValue(s[i+1])
			lo, ok2 := hexValue(s[i+2])
			if !ok1 || !ok2 {
				return false
			}
			c, size = hi<<4|lo, 3
			kind = targetBytes[c]
			switch {
			case kind == byteHigh:
				i += 3
				continue
			case kind == bytePercent, kind == byteAmp, kind == byteWord:
				return false // encoded twice, an entity, or letters that need no encoding
			case c == '+':
				return false
			}
		}
		if kind == byteHigh {
			i++
			continue
		}
		if kind == byteLoud {
			return false
		}
		if n := i - start; n > 0 && n <= maxWord && targetTable.may(s[start], s[min(start+1, len(s)-1)], n) {
			if !quietWord(s[start:i], prev, c, nextByte(s, i+size), query) {
				return false
			}
		}
		switch kind {
		case byteDot:
			next := nextByte(s, i+size)
			if next == '.' || i == start && (prev == '/' || prev == '=') || next == '%' || next == '/' && i == start {
				return false
			}
		case byteDash:
			if nextByte(s, i+size) == '-' && size == 1 && i+2 < len(s) && !isWordByte(s[i+2]) || nextByte(s, i+size) == '-' && i+2 >= len(s) {
				return false
			}
		case byteAt:
			if nextByte(s, i+size) == '@' {
				return false
			}
		case byteSlash:
			if query && prev == '=' && i == start && nextByte(s, i+size) == '/' {
				return false
			}
		case byteEquals:
			if size == 3 || equals && query {
				if !base64Tail(s, i) {
					return false
				}
			}
			equals = true
		case byteAmp:
			equals = false
		}
		if c == '?' && !query {
			query, equals = true, false
		}
		if c == '+' && query {
			c = ' '
		}
		prev = c
		i += size
		start = i
	}
	if n := i - start; n > 0 && n <= maxWord && start < len(s) && targetTable.may(s[start], s[min(start+1, len(s)-1)], n) {
		return quietWord(s[start:i], prev, 0, 0, query)
	}
	return true
}

// base64Tail reports whether only equals signs, as encodings end in, follow up to the end of the parameter.
func base64Tail(s string, i int) bool {
	for i < len(s) && s[i] != '&' {
		switch {
		case s[i] == '=':
			i++
		case s[i] == '%' && i+2 < len(s) && s[i+1] == '3' && s[i+2]|0x20 == 'd':
			i += 3
		default:
			return false
		}
	}
	return true
}

func nextByte(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// quietWord judges a word that a list may hold, by the decoded bytes before and after it.
func quietWord(word string, before, after, next byte, query bool) bool {
	var lower [maxWord]byte
	for i := range len(word) {
		c := word[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	w := lower[:len(word)]
	if after == ':' && schemes.has(w) {
		return len(w) == 1 && next != '/' && next != '%' && next != '\\' || len(w) > 1 && isDigit(next) && string(w) != "data"
	}
	if connectives.has(w) {
		spaced := after == ' ' || after == '+' || after == '/'
		return !spaced || !(isDigit(next) || next == '-' || next == '~' || next == '!' || next == '@' || next == '.') || before == '/' || before == 0
	}
	if !loudWords.has(w) {
		return true
	}
	if pathOnly.has(w) {
		if after == ' ' || after == '+' || before == ' ' {
			return true
		}
		return !(query && (before == '/' || before == '=' || before == '.' || before == '\\' || after == '/' || after == '.') || !query && (before == '/' || before == '.') && quietRoots.has(w))
	}
	if valueStart.has(w) {
		return before != '='
	}
	if before == '/' || before == '.' || before == 0 {
		// A segment of a path or a file's name, not a word of a statement.
		return !(after == ' ' || after == '+' || after == '/' && false)
	}
	return !query || before != ' ' && before != '=' || !(after == ' ' || after == '+' || after == 0)
}

// quietRoots are the words of pathOnly that start a path only when the system's own files are meant.
var quietRoots = wordSet([]string{"etc", "proc", "boot", "var", "usr", "opt", "sys", "dev", "windows", "winnt", "inetpub", "env", "git", "svn", "ssh", "aws", "htaccess", "htpasswd", "ini", "inf", "volumes", "log", "root", "program"})

var (
	agentWords = func() words {
		w := wordSet([]string{"union", "select", "waitfor", "order", "jndi", "script", "javascript", "insert", "delete", "drop", "exec", "sleep", "etc", "passwd", "or", "and", "having", "onerror", "onload", "onmouseover", "alert", "rlike", "vbscript", "procedure"})
		for _, list := range []words{scannerNames, callbackWords} {
			for name := range list {
				w[name] = struct{}{}
			}
		}
		return w
	}()
	agentTable = tableOf(agentWords)
	stemTable  = func() *[32 * 32]bool {
		t := new([32 * 32]bool)
		for w := range scannerStems {
			t[int(w[0]&31)<<5|int(w[1]&31)] = true
		}
		for _, w := range scannerPhrases {
			t[int(w[0]&31)<<5|int(w[1]&31)] = true
		}
		return t
	}()
)

// quietAgent judges a User-Agent, or another header whose brackets and semicolons mean nothing.
func quietAgent(s string) bool {
	const browser = "Mozilla/"
	start := 0
	if len(s) > len(browser)+2 && s[:len(browser)] == browser {
		if !isDigit(s[len(browser)]) || s[len(browser)+1] != '.' || !isDigit(s[len(browser)+2]) {
			return false
		}
		start = len(browser)
	}
	from := start
	for i := from; i <= len(s); i++ {
		kind := byteBreak
		if i < len(s) {
			kind = agentBytes[s[i]]
		}
		switch kind {
		case byteWord:
			continue
		case byteLoud, bytePercent, byteHigh:
			return false
		case byteDot:
			if nextByte(s, i+1) == '.' || nextByte(s, i+1) == '/' {
				return false
			}
		case byteAt:
			if nextByte(s, i+1) == '@' {
				return false
			}
		case byteDash:
			if nextByte(s, i+1) == '-' {
				return false
			}
		}
		if n := i - start; n > 1 {
			a, b := s[start], s[start+1]
			if n <= maxWord && agentTable.may(a, b, n) && agentLoud(s[start:i]) {
				return false
			}
			if (n >= minStem || i < len(s) && s[i] != ')' && s[i] != ';') && stemTable[int(a&31)<<5|int(b&31)] && stemLoud(s[start:i], s[start:]) {
				return false
			}
		} else if n == 1 && nextByte(s, i) == '-' && stemTable[int(s[start]&31)<<5|int('-'&31)] {
			return false
		}
		start = i + 1
	}
	return true
}

func agentLoud(word string) bool {
	var lower [maxWord]byte
	for i := range len(word) {
		c := word[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	return agentWords.has(lower[:len(word)])
}

// stemLoud reports whether a word begins with a scanner's name, or the text with a phrase.
func stemLoud(word, rest string) bool {
	var lower [32]byte
	n := min(len(rest), len(lower))
	for i := range n {
		c := rest[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	return scanner(lower[:min(n, len(word))]) || twoWordScanner(lower[:n])
}
