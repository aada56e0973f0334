package events

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"
)

// learn adds the credentials of what is logged to those that are known for
// this line, so that they are taken out of the line wherever else they occur.
func learn(learned []string, marshaler any) []string {
	switch m := marshaler.(type) {
	case caddyhttp.LoggableHTTPRequest:
		return learnRequest(learned, m.Request)
	case *caddyhttp.LoggableHTTPRequest:
		return learnRequest(learned, m.Request)
	case caddyhttp.LoggableHTTPHeader:
		return learnHeader(learned, m.Header)
	case *caddyhttp.LoggableHTTPHeader:
		return learnHeader(learned, m.Header)
	}
	return learned
}

func learnFields(learned []string, fields []zapcore.Field) []string {
	for i := range fields {
		if fields[i].Type == zapcore.ObjectMarshalerType || fields[i].Type == zapcore.InlineMarshalerType {
			learned = learn(learned, fields[i].Interface)
		}
	}
	return learned
}

func learnRequest(learned []string, r *http.Request) []string {
	if r == nil {
		return learned
	}
	learned = learnCredentials(learned, r.Header)
	if _, query, has := strings.Cut(r.RequestURI, "?"); has && strings.IndexByte(query, '=') >= 0 {
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if SecretName(unescape(name)) {
				learned = learnValue(learned, value, unescape(value))
			}
		}
	}
	return learnCookies(learned, r.Header)
}

func learnHeader(learned []string, header http.Header) []string {
	return learnCookies(learnCredentials(learned, header), header)
}

func learnCredentials(learned []string, header http.Header) []string {
	for name, values := range header {
		if name == "Cookie" || !SecretHeader(name) {
			continue
		}
		for _, value := range values {
			switch scheme, rest, has := strings.Cut(strings.TrimSpace(value), " "); {
			case has && strings.EqualFold(scheme, "basic"):
				plain, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
				_, password, _ := strings.Cut(string(plain), ":")
				learned = learnValue(learned, strings.TrimSpace(rest), password)
			case has:
				learned = learnValue(learned, strings.TrimSpace(rest))
			default:
				learned = learnValue(learned, scheme)
			}
		}
	}
	return learned
}

// learnCookies comes last: there may be many, and few of them hold a key.
func learnCookies(learned []string, header http.Header) []string {
	for _, line := range header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			_, content, _ := strings.Cut(pair, "=")
			learned = learnValue(learned, strings.Trim(content, " \""))
		}
	}
	return learned
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// maxLearned bounds the values of one line: each is looked for in all of it.
// Where they stand, values are taken out by their name, however many there are.
const maxLearned = 32

// learnValue adds values that can be keys. A client must not be able to take
// any word it likes out of its own line by sending it as a key.
func learnValue(learned []string, values ...string) []string {
	for _, value := range values {
		if len(learned) < maxLearned && canBeKey(value) && !slices.Contains(learned, value) {
			learned = append(learned, value)
		}
	}
	return learned
}

// canBeKey reports whether a presented value can be a key: shorter ones than
// minRecognized are never accepted, and those that are made have letters and
// digits, and of other characters only the ones of base64, hex and UUIDs. A path
// is none: who presents the one that is asked for would not stand in the log
// with it.
func canBeKey(value string) bool {
	if len(value) < minRecognized || strings.Contains(value, "..") || strings.Contains(value, "://") {
		return false
	}
	var lower, upper, digit bool
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		case !joins(c):
			return false
		}
	}
	if strings.Contains(value, "/") {
		// Of what keys are written in, base64 alone has a slash, and no other
		// sign that paths have.
		return lower && upper && digit && !strings.ContainsAny(value, "_-.~:")
	}
	return digit && (lower || upper)
}
