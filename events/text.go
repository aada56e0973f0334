package events

import (
	"strings"
	"unicode/utf8"
)

// Bounds of what a log line carries from a request.
const (
	maxURI       = 512
	maxUserAgent = 256
)

// Text makes s safe to stand in a log line: characters that a terminal or a
// viewer would act on (controls C0 and C1, DEL, the Unicode line separators,
// bidirectional overrides) are dropped, invalid UTF-8 is replaced, and what
// is longer than max bytes is cut and marked with an ellipsis.
func Text(s string, max int) string {
	if isPlain(s) && len(s) <= max {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hostile(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > max {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// hostile reports whether a viewer would act on r instead of showing it.
func hostile(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f: // C0, DEL, C1
		return true
	case r == 0x2028, r == 0x2029: // line and paragraph separator
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c: // bidirectional controls
		return true
	}
	return false
}
