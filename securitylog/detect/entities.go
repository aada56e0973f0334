package detect

import (
	"bytes"
	"unicode/utf8"
)

// named are the character references that stand for punctuation of code and markup.
var named = dictionaryOf(map[string]byte{
	"lt": '<', "gt": '>', "quot": '"', "apos": '\'', "amp": '&', "colon": ':', "lpar": '(', "rpar": ')', "tab": '\t', "newline": '\n', "sol": '/', "bsol": '\\',
	"equals": '=', "period": '.', "comma": ',', "semi": ';', "grave": '`', "lbrace": '{', "lcub": '{', "rcub": '}', "lbrack": '[', "lsqb": '[', "rsqb": ']', "dollar": '$', "num": '#',
	"percnt": '%', "excl": '!', "quest": '?', "plus": '+', "nbsp": ' ', "lowbar": '_', "vert": '|', "verbar": '|', "ast": '*', "commat": '@', "hyphen": '-',
})

// unescapeMarkup appends src to dst with character references (&#x6a; &#106 &lt;) and the escapes of scripts and style sheets
// (\x6a, \u006a, \u{6a}, \152, \6a) decoded, and reports whether there were any.
func unescapeMarkup(dst, src []byte) ([]byte, bool) {
	changed := false
	kept := 0 // up to here src is in dst
	for i := 0; i < len(src); {
		var r rune
		var n int
		switch src[i] {
		case '&':
			r, n = reference(src[i:])
		case '\\':
			r, n = scriptEscape(src[i:])
		}
		if n == 0 {
			i++
			continue
		}
		dst = appendFolded(append(dst, src[kept:i]...), r)
		i += n
		kept, changed = i, true
	}
	return append(dst, src[kept:]...), changed
}

func appendFolded(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		c := byte(r)
		if c-'A' < 26 {
			c |= 0x20
		}
		return append(dst, c)
	}
	switch f := lookAlike(r); f {
	case 0:
		return utf8.AppendRune(dst, r)
	case dropped:
		return dst
	case ellipsis:
		return append(dst, "..."...)
	case leader:
		return append(dst, ".."...)
	default:
		return append(dst, f)
	}
}

// reference reads a character reference and returns the character and the reference's length, 0 for none. The semicolon may be missing
// after a number, as in browsers.
func reference(b []byte) (rune, int) {
	if at(b, 1) == '#' {
		i, base := 2, rune(10)
		if at(b, 2) == 'x' {
			i, base = 3, 16
		}
		step(10)
		start, r := i, rune(0)
		for ; i < len(b) && i-start < 10; i++ {
			v, ok := hexValue(b[i])
			if !ok || rune(v) >= base {
				break
			}
			if r < utf8.MaxRune {
				r = r*base + rune(v)
			}
		}
		if i == start {
			return 0, 0
		}
		if at(b, i) == ';' {
			i++
		}
		if r > utf8.MaxRune {
			r = utf8.RuneError
		}
		return r, i
	}
	step(10)
	end := bytes.IndexByte(b[:min(len(b), 10)], ';')
	if end < 2 {
		for _, n := range []string{"lt", "gt", "quot"} {
			if hasPrefixAt(b, 1, n) {
				return rune(named.of([]byte(n))), 1 + len(n)
			}
		}
		return 0, 0
	}
	if c := named.of(b[1:end]); c != 0 {
		return rune(c), end + 1
	}
	return 0, 0
}

// scriptEscape reads an escape of JavaScript or CSS and returns the character and the escape's length, 0 for none.
func scriptEscape(b []byte) (rune, int) {
	step(8)
	switch c := at(b, 1); {
	case c == 'x' && len(b) >= 4:
		if r, ok := hexRune(b[2:4]); ok {
			return r, 4
		}
	case c == 'u' && at(b, 2) == '{':
		if end := bytes.IndexByte(b[:min(len(b), 12)], '}'); end > 3 {
			if r, ok := hexRune(b[3:end]); ok && r >= 0 && r <= utf8.MaxRune {
				return r, end + 1
			}
		}
	case c == 'u' && len(b) >= 6:
		if r, ok := hexRune(b[2:6]); ok {
			return r, 6
		}
	case isDigit(c):
		// Octal in scripts, hexadecimal in style sheets; both give a letter only with the right number of digits.
		i, oct, hex := 1, rune(0), rune(0)
		octal := true
		for ; i < len(b) && i < 7; i++ {
			v, ok := hexValue(b[i])
			if !ok {
				break
			}
			octal = octal && v < 8 && i < 4
			hex = hex<<4 | rune(v)
			oct = oct<<3 | rune(v&7)
		}
		switch {
		case octal && i == 4 && oct > ' ' && oct < 0x7F:
			return oct, i
		case hex > ' ' && hex < 0x7F:
			return hex, i
		}
	}
	return 0, 0
}
