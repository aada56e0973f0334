package events

import (
	"slices"
	"strings"
)

// Redacted stands in a log where a secret stood.
const Redacted = "REDACTED"

// Redact returns text without the secrets in it. It takes for a secret
//
//   - what is known to be one (see Conceal and Recognize),
//   - what is laid out like a key of ours (agk_...),
//   - the value of a name that tells of one: `api_key=...`, `X-API-KEY: ...`,
//     `"token":"..."`,
//   - what follows the words Bearer and Basic,
//   - the user and password of a URL,
//
// in the clear and percent-encoded up to three times over.
func Redact(text string) string { return redact(text, nil) }

// maxEncodings is how many layers of percent-encoding are looked through.
const maxEncodings = 3

// redact is Redact with further values that are known to be secret.
func redact(text string, learned []string) string {
	if !suspicious(text, learned) {
		return text
	}
	v := view{text: text}
	var found spans
	for layer := 0; ; layer++ {
		v.find(&found, learned)
		decoded, ok := v.decode()
		if !ok || layer == maxEncodings {
			break
		}
		v = decoded
	}
	return found.cut(text)
}

// suspicious reports whether text can hold a secret at all. Most text of most
// lines cannot, and one pass over it is all that it costs.
func suspicious(text string, learned []string) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '=', ':', '%', '@':
			return true
		case '_':
			if isPrefix(text, i) {
				return true
			}
		case 'B', 'b':
			if schemeAt(text, i) > 0 {
				return true
			}
		}
	}
	return containsAny(text, concealed(&known.values)) || containsAny(text, learned) || recognizing(text)
}

func containsAny(text string, values []string) bool {
	return slices.ContainsFunc(values, func(value string) bool { return strings.Contains(text, value) })
}

// span is a stretch of the text that is to be cut out.
type span struct{ from, to int }

type spans []span

// cut writes the text with each stretch replaced by one Redacted.
func (s spans) cut(text string) string {
	if len(s) == 0 {
		return text
	}
	slices.SortFunc(s, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	done, last := 0, -1
	for _, cut := range s {
		if cut.from > last {
			b.WriteString(text[done:cut.from])
			b.WriteString(Redacted)
		}
		last = max(last, cut.to)
		done = last
	}
	b.WriteString(text[done:])
	return b.String()
}

// view is the text behind some layers of percent-encoding. at says where each
// of its bytes stands in the original, and where that ends; nil is one to one.
type view struct {
	text string
	at   []int
}

func (v *view) add(to *spans, from, end int) {
	if from >= end {
		return
	}
	if v.at != nil {
		from, end = v.at[from], v.at[end]
	}
	*to = append(*to, span{from, end})
}

// decode takes one layer of percent-encoding off; ok is false if there is none.
func (v *view) decode() (decoded view, ok bool) {
	first := strings.IndexByte(v.text, '%')
	if first < 0 {
		return view{}, false
	}
	text := make([]byte, 0, len(v.text))
	at := make([]int, 0, len(v.text)+1)
	for i := 0; i < len(v.text); {
		at = append(at, v.original(i))
		if v.text[i] == '%' && i+2 < len(v.text) && hexDigit(v.text[i+1]) >= 0 && hexDigit(v.text[i+2]) >= 0 {
			text = append(text, byte(hexDigit(v.text[i+1])<<4|hexDigit(v.text[i+2])))
			i += 3
			ok = true
			continue
		}
		text = append(text, v.text[i])
		i++
	}
	return view{string(text), append(at, v.original(len(v.text)))}, ok
}

func (v *view) original(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// find adds the secrets of the view. What lies inside of one is not looked at
// again, so the work grows with the text and no faster.
func (v *view) find(found *spans, learned []string) {
	for i := 0; i < len(v.text); i++ {
		from, end := 0, 0
		switch v.text[i] {
		case '_':
			if isPrefix(v.text, i) {
				from, end = i+1-len(keyPrefix), wordEnd(v.text, i+1)
			}
		case '=':
			if SecretName(nameBefore(v.text, i)) {
				from, end = v.value(i + 1)
			}
		case ':':
			switch {
			case strings.HasPrefix(v.text[i:], "://"):
				from, end = v.userinfo(i + len("://"))
			case secretField(nameBefore(v.text, i)):
				from, end = v.value(i + 1)
			}
		case 'B', 'b':
			if start := schemeAt(v.text, i); start > 0 {
				if stop := valueEnd(v.text, start, 0); looksPresented(v.text[start:stop]) {
					from, end = start, stop
				}
			}
		}
		if from < end {
			v.add(found, from, end)
			i = end - 1
		}
	}
	v.values(found, concealed(&known.values))
	v.values(found, learned)
	v.recognized(found)
}

func (v *view) values(found *spans, values []string) {
	for _, value := range values {
		for from := 0; ; {
			i := strings.Index(v.text[from:], value)
			if i < 0 {
				break
			}
			v.add(found, from+i, from+i+len(value))
			from += i + 1
		}
	}
}

// value is where the value stands that a name's "=" or ":" is followed by.
func (v *view) value(i int) (from, end int) {
	for i < len(v.text) && strings.IndexByte(" \t\\\"'", v.text[i]) >= 0 {
		i++
	}
	end = valueEnd(v.text, i, 0)
	switch {
	case i < len(v.text) && v.text[i] == '[': // a list, as %v prints a header
		i++
		end = valueEnd(v.text, i, ']')
	case isScheme(v.text[i:end]) && end < len(v.text) && v.text[end] == ' ':
		end = valueEnd(v.text, end+1, 0)
	}
	return i, end
}

// maxUserinfo bounds how far a URL's user and password are looked for.
const maxUserinfo = 256

// userinfo is where the user and password stand of the URL whose authority
// starts at i. Passwords that are written as they are may hold a slash.
func (v *view) userinfo(i int) (from, end int) {
	rest := v.text[i:min(i+maxUserinfo, len(v.text))]
	if end := strings.IndexAny(rest, "\"' \t\r\n"); end >= 0 {
		rest = rest[:end]
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if _, port, has := strings.Cut(authority, ":"); !strings.Contains(authority, "@") && (!has || isNumber(port)) {
		return 0, 0
	}
	return i, i + max(0, strings.LastIndexByte(rest, '@'))
}

func isNumber(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

// nameBefore is the name that ends before an "=" or ":".
func nameBefore(text string, i int) string {
	end := i
	for end > 0 && strings.IndexByte("\"'\\ ", text[end-1]) >= 0 {
		end--
	}
	start := end
	for start > 0 && end-start < 2*maxName && strings.IndexByte("?&;#/,:{}()<>\"'\\= \t\r\n", text[start-1]) < 0 {
		start--
	}
	return text[start:end]
}

// valueEnd is where a value ends that starts at i: at what separates the parts
// of a query, the words of a sentence or the strings of JSON, or at stop.
func valueEnd(text string, i int, stop byte) int {
	for ; i < len(text); i++ {
		if stop != 0 {
			if text[i] == stop {
				return i
			}
			continue
		}
		if c := text[i]; c <= ' ' || strings.IndexByte("&#;\"<>", c) >= 0 {
			return i
		}
	}
	return i
}

// keyPrefix starts every key that the gate makes.
const keyPrefix = "agk_"

// isPrefix reports whether the "_" at i ends a keyPrefix with something of a
// key behind it. Case means nothing: hosts and header names do not keep theirs.
func isPrefix(text string, i int) bool {
	return i+1 >= len(keyPrefix) && i+1 < len(text) && alphanumeric(text[i+1]) && strings.EqualFold(text[i+1-len(keyPrefix):i+1], keyPrefix)
}

func wordEnd(text string, i int) int {
	for i < len(text) && alphanumeric(text[i]) {
		i++
	}
	return i
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// schemeAt returns where the credential starts if the word Bearer or Basic
// stands at i, and 0 if none does.
func schemeAt(text string, i int) int {
	if i > 0 && alphanumeric(text[i-1]) {
		return 0
	}
	for _, scheme := range [...]string{"bearer", "basic"} {
		end := i + len(scheme)
		if end < len(text) && strings.EqualFold(text[i:end], scheme) && (text[end] == ' ' || text[end] == '+') {
			for end < len(text) && (text[end] == ' ' || text[end] == '+') {
				end++
			}
			return end
		}
	}
	return 0
}

func isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic") || strings.EqualFold(word, "token") || strings.EqualFold(word, "digest")
}

// looksPresented tells a credential from the next word of a sentence ("the
// bearer token is ...") and from a challenge (`Bearer realm="agents"`).
func looksPresented(word string) bool {
	if len(word) < minSecret || strings.HasPrefix(word, "realm=") || strings.HasPrefix(word, "error=") {
		return false
	}
	return strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
}
