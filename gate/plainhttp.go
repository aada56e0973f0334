package gate

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"go.uber.org/zap/zapcore"
)

// Caddy redirects plain http to https in a server of its own, which has no
// site and so no handler of ours. A client that sends its key there gets a
// redirect, follows it, works, and gives its key away on the first leg of
// every request from then on. So the gate stands before that server: requests
// that carry a credential or go to the API are refused, and the rest, browsers
// on their way, is Caddy's.
//
// The way in is documented on both sides: caddyhttp.Server.RegisterConnContext
// is open to handlers while they are provisioned, and net/http promises its
// functions the *http.Server, whose handler is wrapped with the first
// connection, before any request is read from it.

// Recognizer is a Guard that can tell whose key a request carries, without
// letting the request in.
type Recognizer interface {
	Guard
	// KeyOf returns the id of a key of the site that stands anywhere in the
	// request, or "". Keys that are no longer valid may be among them.
	KeyOf(r *http.Request) string
}

// guardPlainHTTP takes the place before each server that redirects to https.
func (a *App) guardPlainHTTP(servers map[string]*caddyhttp.Server) {
	for _, server := range servers {
		if !redirects(server) {
			continue
		}
		var once sync.Once
		server.RegisterConnContext(func(ctx context.Context, _ net.Conn) context.Context {
			once.Do(func() {
				s := ctx.Value(http.ServerContextKey).(*http.Server)
				s.Handler = &plainHTTP{app: a, server: server, next: s.Handler}
			})
			return ctx
		})
	}
}

// redirects reports whether Caddy has put redirects to https into a server.
func redirects(server *caddyhttp.Server) bool {
	for _, route := range server.Routes {
		if isRedirect(route) {
			return true
		}
	}
	return false
}

// isRedirect tells Caddy's own redirects by their type: a handler that comes
// out of a configuration is a pointer.
func isRedirect(route caddyhttp.Route) bool {
	if len(route.Handlers) != 1 {
		return false
	}
	_, made := route.Handlers[0].(caddyhttp.StaticResponse)
	return made
}

// plainHTTP stands before a server that redirects to https.
type plainHTTP struct {
	app    *App
	server *caddyhttp.Server
	next   http.Handler
}

func (p *plainHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	carried := carriesCredential(r)
	if r.TLS != nil || !carried && !isAPI(r.URL) && !carriesKey(r) {
		p.next.ServeHTTP(w, r)
		return
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, p.server)
	sites, ours := p.leadsTo(r)
	if !ours {
		p.next.ServeHTTP(w, r)
		return
	}
	door := p.door(sites)
	w.Header().Set("Connection", "close")
	door.answer(w, r, newRequest(w, r, door), httpsRequired(keyOf(r, sites), carried))
}

// httpsRequired is the refusal of a request that should have come by https.
func httpsRequired(keyID string, carried bool) *Refusal {
	f := &Refusal{
		Status:  http.StatusForbidden,
		Code:    "HTTPS_REQUIRED",
		Message: "Use https. A key that was sent over plain http may have been read by others.",
		Event: events.Event{
			Name:    events.InputInvalid,
			Message: "[SECURITY] Plain http refused from",
			Level:   zapcore.WarnLevel,
			Rule:    "HTTPS_REQUIRED",
			Reason:  "the request came over plain http",
		},
	}
	switch {
	case keyID != "":
		f.Event.Name = events.KeyExposed
		f.Event.Message = "[SECURITY] Key exposed over plain http from"
		f.Event.KeyID = keyID
		f.Event.Level = zapcore.ErrorLevel
		f.Event.Reason = "the key " + keyID + " was sent unencrypted, so others may have read it: make a new one, and have the client use https from the first request on"
	case carried:
		f.Event.Reason = "the request came over plain http with a credential that is no key of the site"
	}
	return f
}

// leadsTo returns the guarded sites that the redirect of r leads to. ours is
// false where it leads to somebody else, or where the operator's own plain
// http site answers.
func (p *plainHTTP) leadsTo(r *http.Request) (sites []*site, ours bool) {
	all := p.app.sites.Load()
	if all == nil {
		return nil, true // still starting
	}
	var others, catchAll bool
	for i, s := range *all {
		switch {
		case s.server == p.server:
			if !isRedirect(p.server.Routes[s.index]) {
				if s.named(r) {
					return nil, false
				}
				catchAll = catchAll || s.all
			}
		case !s.answers(r):
		case s.guarded:
			sites = append(sites, (*all)[i])
		default:
			others = true
		}
	}
	switch {
	case len(sites) > 0:
		return sites, true
	case others || catchAll:
		return nil, false
	}
	// A host that nobody has: the key may be anybody's.
	for _, s := range *all {
		if s.guarded && s.server != p.server {
			sites = append(sites, s)
		}
	}
	return sites, true
}

// door is how the site would refuse. Its handle_errors belong to its own
// server, so a site that leaves refusals to those gets the default format here.
func (p *plainHTTP) door(sites []*site) *Door {
	door := &Door{Format: FormatElizaOS, Realm: DefaultRealm, app: p.app, server: p.server, logger: p.app.logger.Named("errors")}
	for _, s := range sites {
		if s.gate != nil && s.gate.door.Format != FormatCaddy {
			door.Format = s.gate.door.Format
			break
		}
	}
	return door
}

func keyOf(r *http.Request, sites []*site) string {
	for _, s := range sites {
		for _, guard := range s.guards {
			if recognizer, ok := guard.(Recognizer); ok {
				if id := recognizer.KeyOf(r); id != "" {
					return id
				}
			}
		}
	}
	return ""
}

// carriesCredential reports whether the request holds something in a place for
// credentials. Cookies are no such place: browsers send them along to wherever
// a redirect starts.
func carriesCredential(r *http.Request) bool {
	for name, values := range r.Header {
		if name == "Cookie" || !events.SecretHeader(name) {
			continue
		}
		for _, value := range values {
			if value != "" {
				return true
			}
		}
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if value != "" && (err != nil || events.SecretName(plain)) {
			return true
		}
	}
	return false
}

// carriesKey reports whether a key stands anywhere else in the request.
func carriesKey(r *http.Request) bool {
	if events.HoldsKey(r.RequestURI) {
		return true
	}
	for _, values := range r.Header {
		for _, value := range values {
			if events.HoldsKey(value) {
				return true
			}
		}
	}
	return false
}

// isAPI reports whether a request goes to /api, where no browser goes by itself.
func isAPI(u *url.URL) bool {
	path, err := urlpath.Clean(u)
	if err != nil {
		return false // refused on the other side of the redirect
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return strings.EqualFold(first, "api")
}
