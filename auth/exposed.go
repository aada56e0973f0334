package auth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
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
