package detect

import "bytes"

// programPath recognises a program called by its path at i: /bin/cat, /usr/bin/id, c:\windows\system32\cmd.exe; the path may be globbed
// or have lost its first slash.
func programPath(b []byte, i int) string {
	begins := false
	switch at(b, i) {
	case '/':
		begins = true
	case 'u':
		begins = hasPrefixAt(b, i, "usr/")
	case 'b':
		begins = hasPrefixAt(b, i, "bin/")
	case '~':
		begins = at(b, i+1) == '/'
	case '.':
		begins = at(b, i+1) == '/' || at(b, i+1) == '.' && at(b, i+2) == '/'
	}
	if !begins {
		return ""
	}
	step(64)
	end, base := i, i             // of the path, and where its last name begins
	dirGlob, glob := false, false // wildcards in what stands before that, and in all
	for ; end < len(b) && end-i < 64 && !endsPath[b[end]]; end++ {
		switch b[end] {
		case '/':
			base, dirGlob = end+1, glob
		case '?', '*', '[':
			glob = true
		}
	}
	dir, name := b[i:base], b[base:end]
	nameGlob := glob && bytes.ContainsAny(name, "?*[")
	switch {
	case len(name) == 0:
	case holdsPrograms(dir) && (nameGlob || commandKindOf(name) != 0):
		return "cmdi-path"
	case string(dir) == "/etc/" && nameGlob && bytes.ContainsAny(name, "*["): // what a shell expands
		return "cmdi-path"
	case dirGlob && len(dir) > 2 && (nameGlob || commandKindOf(name) != 0):
		return "cmdi-path"
	}
	return ""
}

// holdsPrograms reports whether a folder of a path is one in which systems keep programs: bin or sbin, but not cgi-bin, whose scripts stand
// in addresses, where a question mark is no wildcard.
func holdsPrograms(dir []byte) bool {
	for i := 0; ; {
		j := bytes.Index(dir[i:], []byte("bin/"))
		if j < 0 {
			return false
		}
		if i += j; i == 0 || dir[i-1] != '-' {
			return true
		}
		i += len("bin/")
	}
}

// endsPath are the bytes that end a program's path.
var endsPath = func() (ends [256]bool) {
	for _, c := range []byte(";|&`)'\"<>") {
		ends[c] = true
	}
	for c := range ends {
		ends[c] = ends[c] || isBlank(byte(c))
	}
	return ends
}()
