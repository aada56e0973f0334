package events

import (
	"maps"
	"net/http"
	"slices"
)

// RedactRequest returns a copy of r for a log that has no redacting encoder:
// its URI, host and headers are without the secrets in them. What holds none
// is shared with r.
func RedactRequest(r *http.Request) *http.Request {
	learned := learnRequest(nil, r)
	copied := *r
	copied.RequestURI = redact(r.RequestURI, learned)
	copied.Host = redact(r.Host, learned)
	copied.Header = redactHeader(r.Header, learned)
	return &copied
}

// StripRequest takes the secrets out of r itself, and with them all headers
// but those in kept, which the caller knows to hold none: to look through each
// header of each request costs more than most lines of a log are worth.
func StripRequest(r *http.Request, kept http.Header) {
	learned := learnRequest(nil, r)
	r.RequestURI = redact(r.RequestURI, learned)
	r.Host = redact(r.Host, learned)
	r.Header = kept
}

// RedactFor is Redact for text that a request has brought along: what r has
// presented as a credential is taken out too. A value that cannot be a key
// stays, so that nobody can hide what they do by presenting it.
func RedactFor(r *http.Request, text string) string { return redact(text, learnRequest(nil, r)) }

// RedactHeader returns a header without the secrets in it: a copy, if there are any.
func RedactHeader(header http.Header) http.Header {
	return redactHeader(header, learnHeader(nil, header))
}

// redactHeader returns header itself if there is nothing to take out.
func redactHeader(header http.Header, learned []string) http.Header {
	var clean http.Header // the copy, once there has to be one
	for name, values := range header {
		plain := redact(name, learned)
		kept := values
		secret := SecretHeader(name)
		for i, value := range values {
			text := Redacted
			if !secret || value == "" {
				text = redact(value, learned)
			}
			if text == value {
				continue
			}
			if &kept[0] == &values[0] {
				kept = slices.Clone(values)
			}
			kept[i] = text
		}
		if plain == name && (len(values) == 0 || &kept[0] == &values[0]) {
			continue
		}
		if clean == nil {
			clean = maps.Clone(header)
		}
		delete(clean, name)
		clean[plain] = kept
	}
	if clean == nil {
		return header
	}
	return clean
}

// HoldsKey reports whether text holds what can only be a key: something with
// the layout of ours, or a secret that is known (see Conceal). Names do not count.
func HoldsKey(text string) bool {
	v := view{text: text}
	for layer := 0; ; layer++ {
		for i := range len(v.text) {
			if v.text[i] == '_' && isPrefix(v.text, i) {
				return true
			}
		}
		if containsAny(v.text, concealed(&known.values)) {
			return true
		}
		decoded, ok := v.decode()
		if !ok || layer == maxEncodings {
			return false
		}
		v = decoded
	}
}
