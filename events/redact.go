package events

import (
	"net/url"
	"strings"
)

// Redacted stands in a log where a secret stood in the request.
const Redacted = "REDACTED"

// secretParams are query parameters that carry secrets, in lower case.
var secretParams = map[string]bool{
	"api_key": true, "apikey": true, "api-key": true, "x-api-key": true, "key": true,
	"token": true, "access_token": true, "auth": true, "authorization": true,
	"ticket": true, "secret": true, "password": true, "sid_token": true,
}

// RedactURI returns a request URI without the secrets in it: the values of
// query parameters that are meant for secrets, and anything anywhere that is
// laid out like one of our keys (agk_...).
func RedactURI(uri string) string {
	path, query, has := strings.Cut(uri, "?")
	if !has {
		return redactKeys(uri)
	}
	var b strings.Builder
	b.WriteString(redactKeys(path))
	sep := byte('?')
	for pair := range strings.SplitSeq(query, "&") {
		b.WriteByte(sep)
		sep = '&'
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if value != "" && (err != nil || secretParams[strings.ToLower(plain)]) {
			b.WriteString(redactKeys(name) + "=" + Redacted)
			continue
		}
		b.WriteString(redactKeys(pair))
	}
	return b.String()
}

// keyPrefix starts every key that the gate makes.
const keyPrefix = "agk_"

// redactKeys replaces whatever starts like one of our keys, to the end of the word.
func redactKeys(s string) string {
	i := strings.Index(s, keyPrefix)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for i >= 0 {
		b.WriteString(s[:i])
		b.WriteString(keyPrefix + Redacted)
		s = s[i+len(keyPrefix):]
		end := strings.IndexFunc(s, func(r rune) bool { return !alphanumeric(r) })
		if end < 0 {
			end = len(s)
		}
		s = s[end:]
		i = strings.Index(s, keyPrefix)
	}
	b.WriteString(s)
	return b.String()
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
