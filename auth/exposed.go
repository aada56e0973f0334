package auth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap/zapcore"
)

// maxCandidates bounds what is tried of one request.
const maxCandidates = 100

// KeyOf returns the id of the key of this site that stands anywhere in r, for
// requests that have come where keys must not be sent; "" if there is none.
// Former keys count: whoever sends one over plain http sends the next one too.
func (a *Auth) KeyOf(r *http.Request) string {
	rings, now := a.rings(), a.now()
	for i, text := range candidates(r) {
		if i == maxCandidates {
			break
		}
		if use, _ := rings.find(text, now); use.Key != nil {
			return use.Key.ID
		}
	}
	return ""
}

// candidates are the texts in r that can be keys, the likely ones first.
func candidates(r *http.Request) []string {
	var likely, others []string
	for name, values := range r.Header {
		for _, value := range values {
			value = trimSpace(value)
			switch scheme, rest, has := strings.Cut(value, " "); {
			case name == "Cookie":
				for pair := range strings.SplitSeq(value, ";") {
					_, content, _ := strings.Cut(pair, "=")
					others = append(others, strings.Trim(content, ` "`))
				}
			case name != authorization && !has:
				likely = append(likely, value)
			case strings.EqualFold(scheme, "basic"):
				plain, _ := base64.StdEncoding.DecodeString(trimSpace(rest))
				user, password, _ := strings.Cut(string(plain), ":")
				likely = append(likely, password, user)
			default:
				likely = append(likely, trimSpace(rest), value)
			}
		}
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		likely = append(likely, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			likely = append(likely, plain)
		}
	}
	for segment := range strings.SplitSeq(r.URL.Path, "/") {
		others = append(others, segment)
	}
	return append(likely, others...)
}

// maxExposed bounds what is tried of one request's URLs: each try is a hash.
const maxExposed = 8

// exposedKey returns the id of the key of this site that stands in the request's
// URL, where keys are kept by histories and other people's logs, or in its
// Referer, by which another page has passed it on; "" if there is none. A
// parameter that keys are accepted in is not exposed by standing there. Former
// keys count: whoever sends one sends the next one too.
func (a *Auth) exposedKey(rings rings, r *http.Request) (id, place string) {
	tries := maxExposed
	try := func(text string) string {
		if len(text) < keys.MinSecretLength || tries == 0 {
			return ""
		}
		tries--
		use, _ := rings.find(text, a.now())
		if use.Key == nil {
			return ""
		}
		return use.Key.ID
	}
	in := func(path, query string, accepted bool) string {
		if strings.Contains(path, keys.SecretPrefix) {
			for segment := range strings.SplitSeq(path, "/") {
				if id := try(segment); id != "" {
					return id
				}
			}
		}
		if len(query) < keys.MinSecretLength {
			return ""
		}
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if accepted && a.accepts(name) {
				continue
			}
			if plain, err := url.QueryUnescape(value); err == nil {
				value = plain
			}
			if id := try(value); id != "" {
				return id
			}
		}
		return ""
	}
	if id := in(r.URL.Path, r.URL.RawQuery, true); id != "" {
		return id, "URL"
	}
	for _, referer := range r.Header["Referer"] {
		if len(referer) < keys.MinSecretLength {
			continue
		}
		if from, err := url.Parse(referer); err == nil {
			if id := in(from.Path, from.RawQuery, false); id != "" {
				return id, "Referer"
			}
		}
	}
	return "", ""
}

// accepts reports whether keys are accepted in a parameter of the query, by its
// name as it stands there.
func (a *Auth) accepts(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	for _, source := range a.Accept {
		if source.Query != "" && source.Query == name {
			return true
		}
	}
	return name == ticketParameter
}

// tellExposed reports a key that stands where others can read it.
func (a *Auth) tellExposed(rings rings, r *http.Request, req *gate.Request) {
	id, place := a.exposedKey(rings, r)
	if id == "" {
		return
	}
	a.door.Observe(r, req, events.Event{
		Name:    events.KeyExposed,
		Message: "[SECURITY] Key exposed in a URL from",
		Level:   zapcore.ErrorLevel,
		KeyID:   id,
		Rule:    place,
		Reason: "the key " + id + " stands in the " + place + " of a request, and so in histories and in the logs of others: " +
			"rotate it, and have the client send it in a header",
	})
}
