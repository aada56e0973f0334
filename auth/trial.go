package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// present puts the key of a trial where a client of this site would put it.
func (a *Auth) present(r *http.Request, req *gate.Request) {
	key := req.TrialKey()
	if key == "" {
		return
	}
	switch source := a.Accept[0]; {
	case source.Bearer:
		r.Header[authorization] = []string{"Bearer " + key}
	case source.Query != "":
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+url.Values{source.Query: {key}}.Encode(), "&")
	default:
		r.Header[source.Header] = []string{key}
	}
}

// accepted names the places where the site looks for keys.
func (a *Auth) accepted() string {
	var places []string
	for _, source := range a.Accept {
		switch {
		case source.Bearer:
			places = append(places, "Authorization: Bearer")
		case source.Query != "":
			places = append(places, "the parameter "+source.Query)
		default:
			places = append(places, source.Header)
		}
	}
	return strings.Join(places, ", ")
}

// explain tells a trial who the caller is.
func explain(req *gate.Request, caller *principal, open bool) {
	switch {
	case open:
		req.Explain("the path is public: it needs no key")
	case caller.Anonymous():
		req.Explain("the caller has no key, and the scopes of `anonymous`: %s", strings.Join(caller.Scopes, " "))
	default:
		req.Explain("the caller is the key %s, with the scopes %s", caller.KeyID, strings.Join(caller.Scopes, " "))
		if caller.Plan != "" {
			req.Explain("the limits are those of the plan %s", caller.Plan)
		}
	}
}
