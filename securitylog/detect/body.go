package detect

import (
	"mime"
	"strings"
	"unicode/utf8"
)

// body inspects a form or a JSON document.
func (s *scan) body(contentType string, body []byte) {
	if len(body) > s.d.maxBytes {
		body = body[:s.d.maxBytes]
	}
	switch kindOf(contentType) {
	case formBody:
		s.query(place{where: InBody}, string(body))
	case jsonBody:
		s.json(body)
	}
}

type bodyKind int

const (
	otherBody bodyKind = iota
	formBody
	jsonBody
)

func kindOf(contentType string) bodyKind {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch {
	case media == "application/x-www-form-urlencoded":
		return formBody
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return jsonBody
	}
	return otherBody
}

// ReadsBody reports whether Body looks at bodies of that content type, and so
// whether reading one for it is worthwhile.
func ReadsBody(contentType string) bool { return kindOf(contentType) != otherBody }

// json inspects every string of a JSON text, keys as well as values, under the nearest key. It reads strings alone and does not ask
// whether the text around them is well-formed, so that nothing hides behind an error.
func (s *scan) json(body []byte) { s.strings(place{where: InBody}, string(body), false) }

// strings inspects the strings of a JSON text at a place, those behind a key under its name. With operators, keys that are operators of
// MongoDB count: a body may be a query of its API, and a value of a parameter is seldom meant to be one.
func (s *scan) strings(p place, text string, operators bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		var str string
		str, i = s.jsonString(text, i+1)
		if endsKey(text, i+1) {
			if rule := operatorKey(str); rule != "" && operators {
				s.report(p, NoSQLi, rule)
				continue
			}
			p.name = str
			if plainName(p.name) {
				if p.name == "__proto__" {
					s.report(p, JS, "js-prototype")
				}
				continue
			}
		}
		s.value(p, str, false, false)
	}
}

// endsKey reports whether a string that ends before i is a key of JSON.
func endsKey(text string, i int) bool {
	for i < len(text) && isBlank(text[i]) {
		i++
	}
	return i < len(text) && text[i] == ':'
}

// jsonString returns the string that starts at i, its escapes decoded, and the position of its closing quote, or of the end.
func (s *scan) jsonString(text string, i int) (string, int) {
	for end := i; ; end++ {
		if end == len(text) || text[end] == '"' {
			return text[i:end], end
		}
		if text[end] == '\\' {
			s.unescaped, end = unescapeJSON(append(s.unescaped[:0], text[i:end]...), text, end)
			return string(s.unescaped), end
		}
	}
}

// unescapeJSON appends the rest of a string from i on to dst, its escapes decoded, and returns the position of its closing quote, or of the
// end.
func unescapeJSON(dst []byte, b string, i int) ([]byte, int) {
	for ; i < len(b) && b[i] != '"'; i++ {
		if b[i] != '\\' || i+1 >= len(b) {
			dst = append(dst, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'b', 'f':
			dst = append(dst, ' ')
		case 'u':
			if i+4 < len(b) {
				if r, ok := hexRune([]byte(b[i+1 : i+5])); ok {
					dst = utf8.AppendRune(dst, r)
					i += 4
				}
			}
		default:
			dst = append(dst, b[i])
		}
	}
	return dst, i
}
