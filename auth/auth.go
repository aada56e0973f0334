// Package auth is the handler agent_auth: who is it, and may it do this.
//
// It asks the key engine (auth/keys) which key a request carries, and tells
// the rest of the gate by the principal that it sets. It knows nothing of
// limits or backends.
package auth

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(new(Auth)) }

// Auth lets a request pass only with a key that is valid here and holds the
// scopes that the request needs. Everything is closed that is not opened: each
// path, not only those under /api, asks for a key.
//
// A key is presented as the header X-API-KEY or as `Authorization: Bearer`
// (RFC 6750). A wrong X-API-KEY is refused with 401 whatever else is sent; two
// different valid keys in one request are refused with 400. A bearer token
// that is not a key of ours is refused with 401 when it is all there is, and
// left untouched beside a valid X-API-KEY: it may be a user's token for the
// backend. Credentials that were used are taken out of the request, so the
// backend never sees them.
//
// Browsers cannot set headers on WebSockets and images. A page of the site's
// origin, or of an origin of the same site that agent_cors allows, that shows
// its key in a header gets a cookie, good for 12 hours after its last use, for
// /socket.io/, for reading under /media/ and for WebSocket upgrades, and for
// nothing else. It ends with the secret that was shown, and by DELETE
// /.gatehouse/session, with its copies and the sockets that it has opened. For pages of other sites, POST
// /.gatehouse/ticket with the key gives a ticket, good once and for 60 seconds,
// as the parameter `ticket` of the same requests. Neither reaches the backend.
//
// CORS preflights (OPTIONS with Origin and Access-Control-Request-Method) pass
// without a key, since browsers cannot give them one; any other OPTIONS does
// not.
//
// No key, a wrong, an expired and a revoked one all get the same 401. A valid
// key that lacks the scope gets 403, with the scope in the challenge.
//
// The handler sets these placeholders:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | the id of the key
// `{http.auth.user.plan}` | the plan of the key
// `{http.auth.user.scopes}` | the scopes of the key, separated by spaces
// `{http.auth.agent.id}` | the agent that the request is for, where it can be told
type Auth struct {
	// Accept is where a client may put its key. Default: the header X-API-KEY,
	// and bearer.
	Accept []Source `json:"accept,omitempty"`

	// Keys are the keys that are valid in this site, and in no other.
	Keys []Key `json:"keys,omitempty"`

	// PublicRaw matches requests that need no key. What it matches is open to
	// everybody, whatever Require says of it.
	PublicRaw caddyhttp.RawMatcherSets `json:"public,omitempty" caddy:"namespace=http.matchers"`

	// Anonymous is the scopes of callers without a key. Default: none, and
	// such callers get 401.
	Anonymous []string `json:"anonymous,omitempty"`

	// Require says which scopes requests need. A request needs the scope of
	// every entry that matches it; one that no entry matches needs a key and
	// no scope. A path counts with and without its trailing slash, so that
	// neither form evades a requirement on the other.
	Require []*Requirement `json:"require,omitempty"`

	// Cookie gives pages that have shown their key a cookie for what browsers
	// request without headers. Default: true.
	Cookie *bool `json:"cookie,omitempty"`

	// Failures bounds the wrong keys that one network may present; past it,
	// wrong keys get 429 with the code AUTH_RATE_LIMIT_EXCEEDED. A valid key is
	// never refused for it, and a request without a key is no attempt. One and
	// the same wrong key counts once a minute. Default: wrong keys are not
	// counted.
	Failures *Failures `json:"failures,omitempty"`

	// Routes is the name of the table that knows the backend's routes, such as
	// "elizaos": where requests name agents, and what is said on sockets. A key
	// that is limited to agents is good for nothing in a site without one.
	// Default: none.
	Routes string `json:"routes,omitempty"`

	door   *gate.Door
	logger *zap.Logger
	public gate.Requests
	// requireIndex finds the entries of Require that a request may be about.
	requireIndex *gate.RequestsIndex
	stored       caddyStorage
	ring         atomic.Pointer[ring]
	site         string // the name under which what is kept of the site is kept
	place        string // of its keys, among all
	cookie       string // the name of its cookie
	signing      atomic.Pointer[pass.Key]
	failures     *failures // nil where wrong keys are not counted
	// shared are the keys of all sites, siteNames what this one is called by
	// those that are limited to some; nil without a key file.
	shared    *KeyRing
	siteNames []string
	table     gate.RouteTable // nil without Routes
	made      *made           // nil without Routes
	// bits is how much chance is in the secrets that are known, by key.
	bits map[string]int
	// guest is the principal of callers without a key, where they may enter.
	guest *principal
	// ownNames says that they may by the names of this machine alone.
	ownNames bool
	now      func() time.Time
}

// Requirement is a scope that some requests need.
type Requirement struct {
	// Scope is the scope that is needed.
	Scope string `json:"scope"`
	// MatchRaw says which requests need it. Default: all.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	match gate.Requests
}

// CaddyModule returns the Caddy module information.
func (*Auth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_auth", New: func() caddy.Module { return new(Auth) }}
}

func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return a.door.Through(w, r, next, a)
}

// Serve lets the request pass to next, or refuses it.
func (a *Auth) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	if err := req.CheckPath(); err != nil {
		return err
	}
	if isPreflight(r) {
		return next.ServeHTTP(w, r)
	}
	rings := a.rings()
	if req.Trial() {
		rings.look = (*keys.Ring).Peek
		a.present(r, req)
	}
	shown := a.read(rings, r)
	a.tellExposed(rings, r, req)
	if urlpath.Under(r.URL.Path, ownFolder) {
		if req.Trial() {
			req.Explain("the gate answers this path itself")
			w.WriteHeader(http.StatusOK)
			return nil
		}
		return a.serveOwn(w, r, req, shown)
	}
	open, err := a.isPublic(r)
	if err != nil {
		return err
	}
	open = open || req.OpenPage(r)
	cookie := ""
	if !req.Trial() { // a ticket is good once
		cookie = a.takePasses(rings, r, req, &shown)
	}
	caller, refusal := a.identify(shown, req)
	switch {
	case open && refusal != nil:
		// Anybody may come here, whoever they claim to be. What they sent is
		// the backend's business: a webhook's own signature, say.
		caller = nobody
	case refusal != nil:
		if refusal.Status == http.StatusUnauthorized {
			req.Explain("keys are accepted in %s", a.accepted())
		}
		a.hint(r, refusal)
		return a.refuse(req, shown, refusal)
	default:
		a.strip(r, req, rings, shown)
		if !open { // where no key is asked for, nothing tells whether one is good
			a.grant(w, r, req, shown, cookie)
		}
	}
	if req.Trial() {
		explain(req, caller, open)
	}
	administers := false
	if !open {
		if w, administers, err = a.allow(w, r, req, caller); err != nil {
			return err
		}
	}
	if a.table != nil {
		a.judgeSocket(r, req, caller, open)
	}
	if caller.entity != "" {
		r.Header["X-Entity-Id"] = []string{caller.entity}
	}
	caller.enter(r, req)
	if administers {
		a.door.Note(r, req, events.Event{Name: events.AdminCall, Message: "[SECURITY] Administrative call from", Rule: "scope " + adminScope})
	}
	if (shown.by == byCookie || shown.by == byTicket) && purposeOf(r) == forUpgrade {
		w = &upgradeOnly{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	}
	if !caller.Anonymous() {
		a.hold(req, rings, shown, caller)
	}
	return next.ServeHTTP(w, r)
}

// allow checks that the caller may do what the request asks for, and reports
// whether it is an administrator's work. w is to be written to from then on.
func (a *Auth) allow(w http.ResponseWriter, r *http.Request, req *gate.Request, caller *principal) (_ http.ResponseWriter, administers bool, err error) {
	if caller.Anonymous() {
		if err := a.checkAmbient(r, req); err != nil {
			return w, false, err
		}
	}
	var reached *reach
	if administers, err = a.authorize(r, caller.Principal); err == nil {
		reached, err = a.checkReach(r, req, caller)
	}
	if err != nil {
		// The caller is known, so the log can name the key.
		req.Principal = caller.Principal
		return w, false, err
	}
	if reached == nil {
		return w, administers, nil
	}
	delete(r.Header, "Accept-Encoding") // the answer is to be read
	return &witness{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		tell:                  func(answer []byte) { reached.remember(a.logger, answer) },
	}, administers, nil
}

// hold has the request end with the key that it was let in by.
func (a *Auth) hold(req *gate.Request, rings rings, shown shown, caller *principal) {
	held := &lease{from: a.place, use: shown.use}
	if shown.ring == rings.shared {
		held.from = a.shared.File
	}
	if shown.by == byCookie {
		held.session, held.owner = shown.session, caller.owner
	}
	req.Hold(held)
}

// Guards marks the handler as one that lets nobody pass without a key.
func (a *Auth) Guards() {}

// isPreflight reports whether r is a CORS preflight (Fetch standard, 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" &&
		r.Header.Get("Upgrade") == ""
}

func (a *Auth) isPublic(r *http.Request) (bool, error) {
	if a.public.All() {
		return false, nil
	}
	return a.public.Match(r)
}

// identify finds who the caller is from what the request has shown.
func (a *Auth) identify(shown shown, req *gate.Request) (*principal, *gate.Refusal) {
	switch {
	case shown.many:
		return nil, gate.BadRequest("AMBIGUOUS_CREDENTIALS", "More than one key was presented", fmt.Sprintf("more than %d keys in one request", maxShown))
	case shown.wrong != "":
		return nil, gate.Unauthorized(true, shown.wrong)
	case shown.two:
		return nil, gate.BadRequest("AMBIGUOUS_CREDENTIALS", "More than one key was presented", "two different valid keys in one request")
	case shown.use.Key == nil && shown.stranger:
		return nil, gate.Unauthorized(true, "the bearer token is not a key of this site")
	case shown.use.Key == nil && a.guest == nil:
		return nil, gate.Unauthorized(false, "no key was presented")
	case shown.use.Key == nil:
		return a.guest, nil
	}
	key := shown.use.Key
	if !key.AllowsAddr(req.Client) {
		refusal := gate.Forbidden("from", "the key may not be used from this address: add the address to the key's `from`")
		refusal.Event.KeyID = key.ID
		return nil, refusal
	}
	return shown.ring.principals[key.ID], nil
}

// authorize checks that the caller holds every scope that the request needs,
// and reports whether that of administrators is among them.
func (a *Auth) authorize(r *http.Request, caller *gate.Principal) (administers bool, err error) {
	var room [16]int
	for _, i := range a.requireIndex.Near(r, room[:0]) {
		required := a.Require[i]
		needed, err := required.match.Match(r)
		if err != nil {
			return false, err
		}
		if !needed {
			continue
		}
		if caller.Has(required.Scope) {
			administers = administers || required.Scope == adminScope
			continue
		}
		if caller.Anonymous() {
			return false, gate.Unauthorized(false, "no key was presented, and callers without one do not have the scope "+required.Scope)
		}
		refusal := gate.Forbidden("scope "+required.Scope, "the key "+caller.KeyID+" does not have the scope "+required.Scope)
		refusal.Challenge = `error="insufficient_scope", scope="` + required.Scope + `"`
		return false, refusal
	}
	return administers, nil
}

// principal is a gate.Principal with what is set on each request of its key,
// made once.
type principal struct {
	*gate.Principal
	placeholders caddy.ReplacerFunc
	// owner is the name under which what the key makes is remembered: two
	// sites may each have a key of one id.
	owner string
	// entity is the entity that every request of the key carries; "" for the
	// client's own.
	entity string
}

// nobody is the principal of callers of public routes.
var nobody = newPrincipal(&gate.Principal{})

func newPrincipal(p *gate.Principal) *principal {
	var id, plan, scopes any = p.KeyID, p.Plan, strings.Join(p.Scopes, " ")
	return &principal{Principal: p, placeholders: func(name string) (any, bool) {
		switch name {
		case "http.auth.user.id":
			return id, true
		case "http.auth.user.plan":
			return plan, true
		case "http.auth.user.scopes":
			return scopes, true
		case agentPlaceholder:
			return "", true // where checkReach has set none
		}
		return nil, false
	}}
}

// enter makes the principal known to the handlers that follow.
func (p *principal) enter(r *http.Request, req *gate.Request) {
	req.Principal = p.Principal
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(p.placeholders)
	}
}

var (
	_ caddy.Provisioner           = (*Auth)(nil)
	_ caddy.CleanerUpper          = (*Auth)(nil)
	_ caddyhttp.MiddlewareHandler = (*Auth)(nil)
	_ gate.Step                   = (*Auth)(nil)
	_ gate.Recognizer             = (*Auth)(nil)
)
