package detect

import "bytes"

// The crlf rules look for a line break that is followed by a header or a status line of a response.
//
//	crlf-header    a response header on a line of its own
//	crlf-response  a second response
func (s *scan) crlf(t *text) {
	if t.known.Has(CRLF) {
		return
	}
	wide := t.signs.has(signWideBreak)
	if t.marks&markBreak == 0 && !wide {
		return
	}
	b := t.b
	step(2 * len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\r' || b[i] == '\n':
		case wide && (hasPrefixAt(b, i-2, wideLineFeed) || hasPrefixAt(b, i-2, wideReturn)):
		default:
			continue
		}
		rest := b[i+1:]
		hard := b[i] == '\r' || i > 0 && b[i-1] == '\r' || b[i] >= 0x80
		j := skipBlank(rest, 0)
		if rule := headerLine(rest[j:], hard, t.prose); rule != "" {
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
)

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
