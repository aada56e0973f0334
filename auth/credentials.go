package auth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"golang.org/x/net/http/httpguts"
)

// Source is a place where a client may put its key: exactly one of the fields
// is set.
type Source struct {
	// Header is the name of a header whose whole value is the key.
	Header string `json:"header,omitempty"`
	// Bearer accepts `Authorization: Bearer <key>` (RFC 6750, section 2.1).
	Bearer bool `json:"bearer,omitempty"`
	// Query is the name of a query parameter whose whole value is the key. URLs
	// are kept in histories and in other people's logs: it is for clients that
	// can set no header.
	Query string `json:"query,omitempty"`
}

// defaultSources are where keys are accepted if nothing is said.
var defaultSources = []Source{{Header: "X-Api-Key"}, {Bearer: true}}

// acceptLine is the option whose places are kept for what only the server knows.
const acceptLine = "accept"

func (s Source) check() error {
	ways := 0
	for _, used := range []bool{s.Header != "", s.Bearer, s.Query != ""} {
		if used {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("accept: write either `header <name>`, `bearer` or `query <name>`")
	case s.Query != "" && (s.Query == ticketParameter || strings.ContainsFunc(s.Query, func(r rune) bool { return !isParameter(r) })):
		return fmt.Errorf("accept query %q: a parameter's name is made of letters, digits, - and _, and is not %q", s.Query, ticketParameter)
	case s.Query != "" || s.Bearer:
		return nil
	case !httpguts.ValidHeaderFieldName(s.Header):
		return fmt.Errorf("accept header %q: this is not a header name", s.Header)
	case strings.EqualFold(s.Header, "Authorization"):
		return errors.New("accept header Authorization: write `accept bearer`")
	case strings.EqualFold(s.Header, "Cookie"):
		return errors.New("accept header Cookie: a key in a cookie would be sent by other sites' pages too")
	}
	return nil
}

func isParameter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

const authorization = "Authorization"

// shown is what a request has shown of credentials.
type shown struct {
	use      keys.Use  // of the valid key, if there is one
	ring     *ring     // where that key is
	by       means     // what the valid key was shown by
	session  pass.Pass // the cookie that it was shown by
	two      bool      // two different valid keys
	wrong    string    // why a credential that can only be meant for us is none
	guess    string    // a key that is none, which counts as an attempt
	bearers  int       // bearer tokens that are valid keys
	stranger bool      // a bearer token that is not a key of ours
	many     bool      // more than any client has; those beyond were not looked at
}

// maxShown is how many keys are looked for in one request. A request is one
// attempt, and must not be a thousand guesses.
const maxShown = 4

// means is what a key was shown by.
type means int

const (
	byHeader means = iota
	byQuery
	byCookie
	byTicket
)

// nothing reports whether the request has shown nothing that could be a key.
func (s *shown) nothing() bool { return s.use.Key == nil && s.wrong == "" }

// read looks at every credential in the request that is a key itself. It
// changes nothing.
func (a *Auth) read(rings rings, r *http.Request) shown {
	var s shown
	now, looked := a.now(), 0
	take := func(secret string, by means) keys.Outcome {
		if looked++; looked > maxShown {
			s.many = true
			return keys.Unknown
		}
		use, ring := rings.find(secret, now)
		if use.Outcome != keys.Found {
			s.guess = secret
			return use.Outcome
		}
		s.two = s.two || s.use.Key != nil && s.use.Key != use.Key
		s.use, s.ring, s.by = use, ring, by
		return use.Outcome
	}
	wrong := func(outcome keys.Outcome, place string) {
		if outcome != keys.Found {
			s.wrong = "the " + place + " is no valid key: " + outcome.String()
		}
	}
	for _, source := range a.Accept {
		switch {
		case source.Bearer:
			for _, value := range r.Header[authorization] {
				switch token, ok := bearerToken(value); {
				case !ok: // another scheme, for another handler
				case take(token, byHeader) == keys.Found:
					s.bearers++
				default:
					s.stranger = true
				}
			}
		case source.Query != "":
			for _, value := range gate.QueryValues(r.URL.RawQuery, source.Query) {
				if value != "" {
					wrong(take(value, byQuery), "parameter "+source.Query)
				}
			}
		default:
			for _, value := range r.Header[source.Header] {
				if value = trimSpace(value); value != "" {
					wrong(take(value, byHeader), source.Header)
				}
			}
		}
	}
	return s
}

// takePasses takes cookie and ticket out of the request, whose backend is not
// to see them, and finds whose they are, where the request is of those that
// browsers can make in no other way.
func (a *Auth) takePasses(rings rings, r *http.Request, req *gate.Request, s *shown) (cookie string) {
	to := purposeOf(r)
	ticket := a.ticketOf(r, req, to)
	cookie = takeCookie(r, a.cookie)
	if to == forNothing || !s.nothing() {
		return cookie
	}
	switch {
	case ticket != "":
		a.readTicket(rings, r, to, ticket, s)
	case cookie != "" && !a.cookieOff() && vouched(r, req, to):
		a.readCookie(rings, cookie, s)
	}
	return cookie
}

// strip takes the credentials that were used out of the request.
func (a *Auth) strip(r *http.Request, req *gate.Request, rings rings, s shown) {
	for _, source := range a.Accept {
		switch {
		case source.Query != "":
			req.TakeQuery(r, source.Query)
		case !source.Bearer:
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
