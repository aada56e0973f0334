package auth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"golang.org/x/net/http/httpguts"
)

// Source is a place where a client may put its key: exactly one of the fields
// is set.
type Source struct {
	// Header is the name of a header whose whole value is the key.
	Header string `json:"header,omitempty"`
	// Bearer accepts `Authorization: Bearer <key>` (RFC 6750, section 2.1).
	Bearer bool `json:"bearer,omitempty"`
}

// defaultSources are where keys are accepted if nothing is said.
var defaultSources = []Source{{Header: "X-Api-Key"}, {Bearer: true}}

func (s Source) check() error {
	switch {
	case s.Bearer == (s.Header != ""):
		return errors.New("accept: write either `header <name>` or `bearer`")
	case s.Header != "" && !httpguts.ValidHeaderFieldName(s.Header):
		return fmt.Errorf("accept header %q: this is not a header name", s.Header)
	case strings.EqualFold(s.Header, "Authorization"):
		return errors.New("accept header Authorization: write `accept bearer`")
	case strings.EqualFold(s.Header, "Cookie"):
		return errors.New("accept header Cookie: a key in a cookie would be sent by other sites' pages too")
	}
	return nil
}

const authorization = "Authorization"

// shown is what a request has shown of credentials.
type shown struct {
	use      keys.Use // of the valid key, if there is one
	ring     *ring    // where that key is
	two      bool     // two different valid keys
	wrong    string   // why a credential that can only be meant for us is none
	bearers  int      // bearer tokens that are valid keys
	stranger bool     // a bearer token that is not a key of ours
}

// read looks at every credential in the request. It changes nothing.
func (a *Auth) read(rings rings, r *http.Request) shown {
	var s shown
	now := a.now()
	take := func(secret string) keys.Outcome {
		use, ring := rings.find(secret, now)
		if use.Outcome == keys.Found {
			s.two = s.two || s.use.Key != nil && s.use.Key != use.Key
			s.use, s.ring = use, ring
		}
		return use.Outcome
	}
	for _, source := range a.Accept {
		if source.Bearer {
			for _, value := range r.Header[authorization] {
				switch token, ok := bearerToken(value); {
				case !ok: // another scheme, for another handler
				case take(token) == keys.Found:
					s.bearers++
				default:
					s.stranger = true
				}
			}
			continue
		}
		for _, value := range r.Header[source.Header] {
			if value = trimSpace(value); value == "" {
				continue
			}
			if outcome := take(value); outcome != keys.Found {
				s.wrong = "the " + source.Header + " is no valid key: " + outcome.String()
			}
		}
	}
	return s
}

// strip takes the credentials that were used out of the request.
func (a *Auth) strip(r *http.Request, rings rings, s shown) {
	for _, source := range a.Accept {
		if !source.Bearer {
			delete(r.Header, source.Header)
		}
	}
	switch values := r.Header[authorization]; {
	case s.bearers == 0:
	case s.bearers == len(values):
		delete(r.Header, authorization)
	default:
		r.Header[authorization] = slices.DeleteFunc(slices.Clone(values), func(value string) bool {
			token, ok := bearerToken(value)
			use, _ := rings.find(token, a.now())
			return ok && use.Outcome == keys.Found
		})
	}
}

// bearerToken returns the token of an Authorization value of the scheme
// Bearer, whose name is compared without regard to case (RFC 9110, 11.1).
// Tokens are not held to RFC 6750's alphabet: operators bring their own.
func bearerToken(value string) (token string, ok bool) {
	value = trimSpace(value)
	const scheme = "bearer"
	if len(value) <= len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) || value[len(scheme)] != ' ' {
		return "", false
	}
	token = trimSpace(value[len(scheme):])
	return token, token != ""
}

// trimSpace trims optional white space (RFC 9110, 5.6.3).
func trimSpace(s string) string { return strings.Trim(s, " \t") }
