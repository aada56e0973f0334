// Package dotenv reads env files by the rules of Node's dotenv.
package dotenv

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse reads variables as Node's dotenv does, which is what reads the
// same file for the backend. Go's dotenv libraries read `$` in a value as a
// variable, which Node's does not, and so would make another key of a key.
//
// A line is `NAME=value`, with `export` before it or `: ` in place of `=` if
// one likes. A value in quotes of any of the three kinds may span lines; \n and
// \r are line breaks in double quotes only. `#` begins a comment, also behind
// a value without quotes. What is no such line is passed over.
func Parse(text string) map[string]string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	values := make(map[string]string)
	for text != "" {
		name, value, rest, ok := readLine(text)
		if ok {
			values[name] = unquote(strings.TrimFunc(value, isSpace))
			text = rest
			continue
		}
		_, text, _ = strings.Cut(text, "\n")
	}
	return values
}

// readLine reads one assignment from the beginning of a line.
func readLine(text string) (name, value, rest string, ok bool) {
	text = strings.TrimLeftFunc(text, isSpace)
	if after, has := strings.CutPrefix(text, "export"); has && after != strings.TrimLeftFunc(after, isSpace) {
		text = strings.TrimLeftFunc(after, isSpace)
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !IsNameRune(r) })
	if end <= 0 {
		return "", "", "", false
	}
	name, text = text[:end], text[end:]
	if after, has := strings.CutPrefix(strings.TrimLeftFunc(text, isSpace), "="); has {
		text = after
	} else if after, has := strings.CutPrefix(text, ":"); has && after != strings.TrimLeftFunc(after, isSpace) {
		_, size := utf8.DecodeRuneInString(after)
		text = after[size:]
	} else {
		return "", "", "", false
	}
	if value, rest, ok = quotedValue(text); ok {
		return name, value, rest, true
	}
	line, rest, _ := strings.Cut(text, "\n")
	value, _, _ = strings.Cut(line, "#")
	return name, value, rest, true
}

// quotedValue reads a value in quotes, quotes included, behind which nothing
// follows on its line but a comment.
func quotedValue(text string) (value, rest string, ok bool) {
	text = strings.TrimLeftFunc(text, isSpace)
	if text == "" || !strings.ContainsRune("'\"`", rune(text[0])) {
		return "", "", false
	}
	// The closing quote is the first that no backslash escapes; but where that
	// is none, or something follows it, an escaped one closes, the last first.
	var candidates []int
	for i := 1; i < len(text); i++ {
		if text[i] != text[0] {
			continue
		}
		candidates = append(candidates, i)
		if text[i-1] != '\\' || i == 1 {
			break
		}
	}
	for i := len(candidates) - 1; i >= 0; i-- {
		end := candidates[i] + 1
		tail, rest, _ := strings.Cut(text[end:], "\n")
		if tail = strings.TrimLeftFunc(tail, isSpace); tail == "" || tail[0] == '#' {
			return text[:end], rest, true
		}
	}
	return "", "", false
}

// unquote takes the quotes off a trimmed value.
func unquote(value string) string {
	if value == "" {
		return ""
	}
	quote := value[0]
	if !strings.ContainsRune("'\"`", rune(quote)) {
		return value
	}
	if last := len(value) - 1; last > 0 && value[last] == quote {
		value = value[1:last]
	}
	if quote == '"' {
		value = strings.ReplaceAll(strings.ReplaceAll(value, `\n`, "\n"), `\r`, "\r")
	}
	return value
}

// IsNameRune reports whether a rune may stand in the name of a variable.
func IsNameRune(r rune) bool {
	return r == '_' || r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

// isSpace is white space as JavaScript sees it.
func isSpace(r rune) bool { return r == '\ufeff' || r != '\u0085' && unicode.IsSpace(r) }
