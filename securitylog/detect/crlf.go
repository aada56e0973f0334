package detect

import "bytes"

// The crlf rules look for a line break that is followed by a header or a status line of a response.
//
//	crlf-header    a response header on a line of its own
//	crlf-response  a second response, or markup behind an empty line
func (s *scan) crlf(t *text) {
	if t.known.Has(CRLF) {
		return
	}
	wide := t.signs.has(signWideBreak)
	if t.marks&markBreak == 0 && !wide && !t.signs.has(signWrittenBreak) {
		return
	}
	b := t.b
	step(2 * len(b))
	for i := 0; i < len(b); i++ {
		from := i // where the line before ends
		switch {
		case b[i] == '\r' || b[i] == '\n':
		case b[i] == '\\' && hasPrefixAt(b, i, writtenBreak):
			i += len(writtenBreak) - 1
		case wide && (hasPrefixAt(b, i-2, wideLineFeed) || hasPrefixAt(b, i-2, wideReturn)):
			from -= 2
		default:
			continue
		}
		rest := b[i+1:]
		hard := b[i] == '\r' || i > 0 && b[i-1] == '\r' || b[i] >= 0x80
		j := skipBlank(rest, 0)
		rule := headerLine(rest[j:], hard, t.prose)
		if rule == "" && !t.prose && forges(b[:from], rest[j:]) {
			rule = "crlf-header"
		}
		if rule != "" {
			s.report(t.place, CRLF, rule)
			return
		}
		i += j
	}
}

// U+560A and U+560D end in the codes of line feed and carriage return, and become those where a character is cut to a byte.
const (
	wideLineFeed = "\u560a"
	wideReturn   = "\u560d"
	writtenBreak = `\r\n` // as programs write it, and some of them read it
)

// forges reports whether a line that follows a break is a header of any name of several words: one word, or the last of a path, stands
// before the break, and one behind the colon.
func forges(head, line []byte) bool {
	end, hyphens := 0, 0
	for ; end < len(line) && end < maxFlag && (isWordByte(line[end]) || line[end] == '-'); end++ {
		if line[end] == '-' && end > 0 && isLetter(line[end-1]) && isLetter(at(line, end+1)) {
			hyphens++
		}
	}
	step(end + 2*maxHead)
	if hyphens == 0 || !isLetter(line[0]) || at(line, end) != ':' || len(line)-end > maxHead {
		return false
	}
	value := line[skipBlank(line, end+1):]
	head = head[max(0, len(head)-maxHead):]
	head = bytes.TrimSpace(head[bytes.LastIndexByte(head, '/')+1:])
	return len(value) > 0 && value[0] != '/' && !bytes.ContainsAny(value, " \n;{") && !bytes.ContainsAny(head, " \n:{")
}

// splitsBody reports whether markup stands behind an empty line, as the body of a response does.
func splitsBody(b []byte) bool {
	step(2 * len(b))
	for _, empty := range []string{"\r\n\r\n", "\n\n", "\r\r"} {
		if i := bytes.Index(b, []byte(empty)); i >= 0 && len(bytes.TrimSpace(b[:i])) <= maxLead && at(b, skipBlank(b, i)) == '<' {
			return true
		}
	}
	return false
}

var (
	sureHeaders = wordSet([]string{"set-cookie", "set-cookie2", "content-type", "content-length", "transfer-encoding", "x-xss-protection", "access-control-allow-origin", "content-security-policy", "contenttype", "content-disposition", "x-frame-options", "location", "refresh"})
	lineHeaders = wordSet([]string{"host", "link", "server", "cookie", "connection", "cache-control", "content-location", "content-encoding", "x-forwarded-for", "x-forwarded-host", "etag", "expires", "last-modified", "referer", "user-agent", "authorization", "bcc", "cc", "to", "from", "subject", "mime-version", "x-injected", "x-test", "test-header", "header", "date", "status", "pragma"})
)

// headerLine judges the line that b starts with. hard says that the break before it had a carriage return, which people do not type.
func headerLine(b []byte, hard, prose bool) string {
	if hasPrefixAt(b, 0, "http/1.") || hasPrefixAt(b, 0, "http/2") {
		return "crlf-response"
	}
	step(40)
	i := 0
	for i < len(b) && i < 40 && (isWordByte(b[i]) || b[i] == '-') {
		i++
	}
	if i == 0 || skipBlank(b, i) >= len(b) || b[skipBlank(b, i)] != ':' {
		return ""
	}
	name, value := b[:i], b[skipBlank(b, i)+1:]
	switch {
	case string(name) == "location" || string(name) == "refresh":
		v := value[skipBlank(value, 0):]
		if hard || hasAnyAt(v, 0, "http", "//", "/", "javascript", "data") {
			return "crlf-header"
		}
	case sureHeaders.has(name):
		if hard || !prose {
			return "crlf-header"
		}
	case hard && !prose && (lineHeaders.has(name) || bytes.HasPrefix(name, []byte("x-"))):
		return "crlf-header"
	}
	return ""
}
