package detect

import "bytes"

// The lfi rules know files of the server by name. They read a text as a path from its first byte, so that a sentence that mentions
// /etc/hosts is not taken for a request of it.
//
//	lfi-file      a well-known file: /etc/passwd, /proc/self/environ, boot.ini, WEB-INF/web.xml
//	lfi-absolute  any absolute system path as a parameter's value
//	lfi-wrapper   file:, php:, phar: and other stream wrappers
func (s *scan) lfi(t *text) {
	if t.known.Has(LFI) {
		return
	}
	b := trimBlank(t.b)
	if len(b) < 4 {
		return
	}
	step(len(b))
	if t.marks&(markSlash|markBackslash|markColon|markDot|markWild) == 0 {
		return
	}
	if t.marks&markColon != 0 {
		if rule := wrapper(b, t.where == InPath, t.prose); rule != "" {
			s.report(t.place, LFI, rule)
			return
		}
	}
	if t.prose || hasSentenceSpace(t, b) {
		return
	}
	if rule := s.serverFile(t, b); rule != "" {
		s.report(t.place, LFI, rule)
	}
}

// hasSentenceSpace reports whether b holds a space that is not one of the few well-known paths with spaces in them.
func hasSentenceSpace(t *text, b []byte) bool {
	return bytes.IndexByte(b, ' ') >= 0 && !t.signs.has(signSpacedPath) && !drivePath(b)
}

// drivePath reports whether a text is a path of Windows in which folders have blanks: a drive, two folders or more, and a file without a
// blank, or with one behind four folders. Behind a path that a sentence begins with, words stand.
func drivePath(b []byte) bool {
	if !isLetter(b[0]) || at(b, 1) != ':' || !isSlash(at(b, 2)) || !isLetter(at(b, 3)) {
		return false
	}
	last := bytes.LastIndexAny(b, `/\`)
	step(4 * len(b))
	if last <= 3 || last+1 == len(b) {
		return false
	}
	blanks := bytes.Count(b[last:], []byte(" "))
	return blanks == 0 || blanks == 1 && bytes.Count(b, []byte("/"))+bytes.Count(b, []byte(`\`)) >= 4
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// wrapper recognises stream wrappers at the start of a text, or after an equals sign or a quote in it.
func wrapper(b []byte, path, prose bool) string {
	for i := indexFrom(b, 0, ':'); i < len(b); i = indexFrom(b, i+1, ':') {
		if path && i == 0 {
			continue
		}
		j := i
		for j > 0 && (isWordByte(b[j-1]) || b[j-1] == '.') && i-j < 24 {
			j--
		}
		step(1 + i - j)
		if j == i || j > 0 && !(path && j == 1) && b[j-1] != '=' && !isQuote(b[j-1]) && b[j-1] != ':' && b[j-1] != '(' && b[j-1] != '|' {
			continue
		}
		if path && j > 1 || prose && j > 0 {
			continue
		}
		scheme, rest := b[j:i], b[i+1:]
		switch string(scheme) {
		case "file", "netdoc", "local_file":
			if (at(rest, 0) == '/' || at(rest, 0) == '\\') && !isQuote(at(rest, 2)) || len(rest) > 2 && isLetter(rest[0]) && rest[1] == ':' ||
				bytes.HasSuffix(rest, []byte("boot.ini")) {
				return "lfi-wrapper"
			}
		case "php", "phar", "zip", "rar", "glob", "expect", "ogg", "ssh2", "ssh2.exec", "ssh2.shell", "zlib", "compress.zlib", "compress.bzip2", "jar":
			if hasPrefixAt(rest, 0, "//") || string(scheme) == "php" && bytes.IndexByte(rest, ':') > 0 ||
				string(scheme) == "jar" && (hasPrefixAt(rest, 0, "http") || hasPrefixAt(rest, 0, "file")) {
				return "lfi-wrapper"
			}
		case "data":
			if hasPrefixAt(rest, 0, "//text/") || hasPrefixAt(rest, 0, "//,") || hasPrefixAt(rest, 0, "text/plain;base64,pd9") {
				return "lfi-wrapper"
			}
		}
	}
	return ""
}

// serverFile judges b as a path. A parameter's value may be any absolute path of the system; in a site's own path, where /etc/designs
// or /var can be a page, only a file known by name counts.
func (s *scan) serverFile(t *text, b []byte) string {
	inPath := t.where == InPath
	if !inPath && at(b, 0) == '`' { // as old scripts ran what they were given
		b = bytes.TrimLeft(bytes.TrimSuffix(b[1:], []byte("`")), "+ ")
	}
	if isSlash(at(b, 0)) && isSlash(at(b, 1)) && (at(b, 2) == '?' || at(b, 2) == '.') && isSlash(at(b, 3)) { // \\?\c:\x, the same by the name of the device
		b = b[4:]
	}
	if inPath {
		if i := bytes.LastIndex(b, []byte("=/")); i > 0 { // a path that holds parameters: /a&file=/etc/passwd
			b = b[i+1:]
		}
	}
	if len(b) < 4 {
		return ""
	}
	b = cutTail(b)
	if t.marks&markDollar != 0 && bytes.HasSuffix(b, []byte("::$data")) && bytes.IndexByte(b, '.') > 0 { // the stream of a file, as NTFS has it
		return "lfi-file"
	}
	if inPath {
		// A backslash behind a slash starts a path of Windows: no site has one.
		if _, rest, ok := bytes.Cut(b, []byte(`/\`)); ok && len(rest) > 0 {
			b, inPath = append([]byte{'/'}, rest...), false
		}
	}
	absolute := b[0] == '/' || b[0] == '\\'
	if !inPath && len(b) > 4 && b[0] == '\\' && b[1] == '\\' && isWordByte(b[2]) && bytes.IndexByte(b[2:], '\\') > 0 {
		return "lfi-absolute" // a share of another host
	}
	drive := false
	var before, prev, first []byte // the segments before this one, and the first of all
	for depth := 0; len(b) > 0 && depth < 64; {
		seg := b
		if i := indexSlash(b); i >= 0 {
			seg, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if bytes.HasPrefix(seg, []byte("..")) {
			seg = bytes.TrimLeft(seg, ".")
		}
		if len(seg) == 0 || string(seg) == "." {
			continue
		}
		if len(seg) >= 2 && isLetter(seg[0]) && seg[1] == ':' && (depth == 0 || inPath) {
			if len(seg) == 2 || isSystemRoot(seg[2:]) {
				drive, absolute, depth, prev = true, true, 0, nil
			}
			if seg = seg[2:]; len(seg) == 0 {
				continue
			}
			if looseDrive(seg) {
				return "lfi-file"
			}
		}
		if depth++; depth == 1 {
			first = seg
		}
		last := onlySlashes(b)
		switch {
		case inPath && endsTitle(before): // /posts/dumping-/proc/kcore
		case depth > 1 && systemFile(prev, seg) && (depth == 2 || !inPath && !common(prev) || !common(prev) && !pageLike(prev)):
			return "lfi-file"
		case last && depth > 2 && string(first) == "etc" && configFile(seg):
			return "lfi-file"
		case last && namedFile(t, seg, depth, absolute, inPath):
			return "lfi-file"
		case drive:
			if depth > 1 || !inPath {
				return "lfi-absolute"
			}
		case inPath:
			if absolute && depth == 2 && (string(prev) == "opt" || string(prev) == "usr" || string(prev) == "volumes") && systemRoots[string(prev)].has(seg) || bytes.HasPrefix(prev, []byte("program files")) || bytes.HasPrefix(prev, []byte("documents and")) {
				return "lfi-absolute"
			}
		case absolute && depth == 2:
			if names, ok := systemRoots[string(prev)]; ok && (names == nil || names.has(seg)) {
				return "lfi-absolute"
			}
			if string(prev) == "home" && (bytes.HasPrefix(b, []byte(".")) || bytes.HasPrefix(b, []byte("public_html"))) {
				return "lfi-absolute"
			}
		}
		before, prev = prev, seg
	}
	return ""
}

// endsTitle reports whether a segment of a path is the first words of a title whose slashes were kept.
func endsTitle(seg []byte) bool {
	n := len(seg)
	return n > 3 && seg[n-1] == '-' && isLetter(seg[n-2]) && isLetter(seg[0])
}

func systemFile(dir, name []byte) bool {
	names, ok := systemFiles[string(dir)]
	if !ok {
		return false
	}
	name = bytes.TrimSuffix(name, []byte{'~'}) // what an editor left
	stem, _, _ := bytes.Cut(name, []byte{'.'})
	return names.has(name) || string(dir) == "proc" && allDigits(name) || string(dir) == "etc" && (configFile(name) || len(stem) > 0 && len(stem) < len(name) && names.has(stem))
}

// configFile reports whether a name ends as files of settings do.
func configFile(name []byte) bool {
	for _, ext := range []string{".conf", ".cnf", ".cfg", ".ini", ".rc"} {
		if len(name) > len(ext) && bytes.HasSuffix(name, []byte(ext)) {
			return true
		}
	}
	return false
}

// common reports whether a directory's name is too usual to mean the system's when other directories stand before it.
func common(dir []byte) bool {
	switch string(dir) {
	case "var", "sys", "dev", "boot", "library", "logs", "log":
		return true
	}
	return false
}

// pageLike reports whether a directory's name can be a section of a web site.
func pageLike(dir []byte) bool { return string(dir) == "windows" || string(dir) == ".git" }

// namedFile judges a path's last segment by itself.
func namedFile(t *text, name []byte, depth int, absolute, inPath bool) bool {
	if !fileNames.has(name) {
		return false
	}
	if bytes.HasPrefix(name, []byte(".env")) && dotFiles.has(name) && absolute && !inPath || deepFiles.has(name) {
		return true
	}
	if inPath {
		return depth <= 3 && runtimeFiles.has(name) || depth == 1 && (dotFiles.has(name) || looseFiles.has(name) && name[0] != '.' && string(name) != "sam") || name[0] != '.' && iniFiles.has(name)
	}
	return depth == 1 && dotFiles.has(name) && (absolute || fileParameter(t.name)) || looseFiles.has(name) && (absolute || depth > 1 || fileParameter(t.name))
}

// deepFiles are secrets that no site serves, wherever they stand; runtimeFiles are settings of a server, near the root of a site.
var (
	deepFiles    = wordSet([]string{".bash_history", ".mysql_history", ".htpasswd", ".git-credentials", ".netrc", ".pgpass"})
	runtimeFiles = wordSet([]string{"php.ini", "httpd.conf", "my.cnf", ".htaccess"})
)

// fileNames are all the names that namedFile knows.
var fileNames = wordSet(deepFiles.words, runtimeFiles.words, iniFiles.words, looseFiles.words, dotFiles.words)

// iniFiles are names that no site serves.
var iniFiles = wordSet([]string{"boot.ini", "win.ini", "system.ini"})

// isSystemRoot reports whether a name behind a drive letter without a separator is a directory of Windows: "w:100" is no path.
func isSystemRoot(name []byte) bool {
	_, root := systemRoots[string(name)]
	return root
}

// looseDrive recognises a path after a drive letter whose separators were lost on the way: "c:boot.ini".
func looseDrive(b []byte) bool {
	return looseFiles.has(b) || bytes.HasPrefix(b, []byte("windows")) && bytes.HasSuffix(b, []byte(".ini"))
}

// onlySlashes reports whether nothing but slashes is left of a path.
func onlySlashes(b []byte) bool {
	for i, c := range b {
		if c != '/' && c != '\\' {
			step(i + 1)
			return false
		}
	}
	return true
}

// indexSlash returns the position of the first slash or backslash, or -1.
func indexSlash(b []byte) int {
	for i, c := range b {
		if c == '/' || c == '\\' {
			step(i + 1)
			return i
		}
	}
	step(len(b))
	return -1
}

// cutTail cuts what is put behind a file name to satisfy an extension check: a null byte, a query, a fragment, a parameter.
func cutTail(b []byte) []byte {
	for i, c := range b {
		if cutsTail[c] && i > 0 {
			b = b[:i]
			break
		}
	}
	end := len(b)
	for c := at(b, end-1); end > 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'); c = at(b, end-1) {
		end--
	}
	return b[:end]
}

var cutsTail = byteSet("\x00?#;&")

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}
