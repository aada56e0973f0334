// Package gate is what every handler of Gatehouse shares: what the gate knows
// of a request (its id, the client's address, the cleaned path, the principal
// that it was authenticated as), and the one door by which a request is
// refused. It also holds the interfaces through which rooms of one floor serve
// each other, and the app that holds what all sites share.
//
// It knows the vocabulary of events and nothing of keys, limits or backends.
package gate

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(Gate{}) }

// Gate is the outermost handler of a guarded site. It gives each request an
// id, cleans its path once for every check and for the backend, and turns each
// error that leaves the site, whichever handler it comes from, into a response
// in one format.
//
// A request id leaves as X-Request-Id with every response; an id that the
// client sent is not believed. The path is percent-decoded once, and its
// empty, "." and ".." segments are resolved (RFC 3986, section 6.2.2). A path
// that servers read differently (an encoded slash, a backslash, a control
// character, a semicolon, invalid UTF-8, double encoding) is refused with 400 and
// the code INVALID_PATH by the next handler that judges requests, and so is a
// query with a "#".
//
// While the gate goes on without something that it needs (a shared store that is
// away, a key file that is broken), answers at /healthz carry the response field
// `Gatehouse-Health: degraded`. Their status is the backend's: the gate serves.
//
// Fields that a request's Connection names are taken out (RFC 9110, section
// 7.6.1), and so are its trailers, and fields such as X-Original-URL and
// X-HTTP-Method-Override, which have some backends take the request for another; an Upgrade to anything but websocket is
// ignored.
type Gate struct {
	// ErrorFormat is how refusals are written: "elizaos" (what ElizaOS'
	// documents show), "code" (an object with code and message on every
	// status), "problem" (RFC 9457), or "caddy" (the site's handle_errors
	// answer). Default: elizaos.
	ErrorFormat Format `json:"error_format,omitempty"`

	// Realm is the realm of WWW-Authenticate (RFC 9110, section 11.5).
	// Default: agents.
	Realm string `json:"realm,omitempty"`

	// Semicolons is what becomes of paths with a semicolon, encoded or not:
	// "refuse", since some backends take what follows it for parameters and the
	// rest for the path (RFC 3986, section 3.3), or "pass", for a backend to which
	// it is a letter. A dot segment with one ("..;") is always refused.
	// Default: refuse.
	Semicolons Semicolons `json:"semicolons,omitempty"`

	// Aliases have paths taken for others, for every check and for the backend,
	// unless a browser asks for a page to show (a navigation). Default: none.
	Aliases []Alias `json:"aliases,omitempty"`

	// Pages names the backend whose web UI the site has: "elizaos". Its files
	// and pages are open to everybody while UI is on, and nobody gets them
	// while it is off. Default: the site has none.
	Pages string `json:"pages,omitempty"`

	// UI switches the web UI: true, 1, yes or on; anything else is off. It may
	// be a placeholder. Default: off.
	UI string `json:"ui,omitempty"`

	// AllowUnsafe accepts dangerous settings of the site for which the
	// configuration would be refused. Each is an event at every start.
	// Default: none is accepted.
	AllowUnsafe []Accepted `json:"allow_unsafe,omitempty"`

	door *Door
	ui   *webUI // nil: the site has none
}

// CaddyModule returns the Caddy module information.
func (Gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_gate", New: func() caddy.Module { return new(Gate) }}
}

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_gate [<matcher>] {
//		error_format elizaos | code | problem | caddy
//		realm <realm>
//		semicolons refuse | pass
//		alias <from> <to>
//		pages <backend>
//		ui on | off | <placeholder>
//		allow_unsafe <finding> "<reason>"
//	}
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	g := new(Gate)
	h.Next()
	if h.NextArg() {
		return nil, h.Errf("`%s`: agent_gate takes no argument but a matcher, such as /api/* or @name: its options stand in a block behind it", h.Val())
	}
	return g, Options{
		"error_format": Word(&g.ErrorFormat, Readable[Format](ParseFormat)),
		"realm":        Word(&g.Realm, checkRealm),
		"semicolons":   Word(&g.Semicolons, Semicolons.check),
		"alias": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			args := d.RemainingArgs()
			if len(args) != 2 {
				return d.Err("alias takes two paths, such as `alias /agents /api/agents`")
			}
			alias := Alias{args[0], args[1]}
			if err := alias.check(); err != nil {
				return d.WrapErr(err)
			}
			g.Aliases = append(g.Aliases, alias)
			if err := checkAliases(g.Aliases); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}},
		"pages": Word(&g.Pages, func(name string) error {
			_, err := newWebUI(name, "")
			return err
		}),
		"ui":           Word(&g.UI, CheckPlaceholder),
		"allow_unsafe": parseAllowUnsafe(&g.AllowUnsafe, ofSite),
	}.ParseBlock(h.Dispenser)
}

// Provision opens the door.
func (g *Gate) Provision(ctx caddy.Context) (err error) {
	defer Tell(g)(&err)
	door, err := NewDoor(ctx)
	if err != nil {
		return err
	}
	if g.ErrorFormat != "" {
		door.Format = g.ErrorFormat
	}
	if g.Realm != "" {
		door.Realm = g.Realm
	}
	door.Semicolons = g.Semicolons
	if door.server != nil && accepts(g.AllowUnsafe, UnredactedLog) != nil {
		door.accessLog = &accessLog{app: door.app, server: door.server}
	}
	if s := door.server; s != nil && s.Errors != nil && len(s.Errors.Routes) > 0 && door.Format != FormatCaddy {
		ctx.Logger().Warn("handle_errors never sees the errors of this guarded site: agent_gate answers them; to have handle_errors answer, write `error_format caddy` in agent_gate",
			zap.String("error_format", string(door.Format)))
	}
	g.door = door
	enabled, err := door.app.ResolveOptional(g.UI)
	if err == nil && g.Pages == "" && IsOn(enabled) {
		err = places.At(errors.New("ui is on, and nothing says which web UI the site has: write `pages elizaos`, use the preset elizaos, or take `ui` out"), "ui")
	}
	if err != nil || g.Pages == "" {
		return err
	}
	if g.ui, err = newWebUI(g.Pages, enabled); err != nil {
		return err
	}
	if !g.ui.on {
		logger := ctx.Logger()
		door.app.OnStart(func() error {
			logger.Info("the web UI is off: / answers 403; to serve it to everybody set ELIZA_UI_ENABLE=true, or write `ui on`")
			return nil
		})
	}
	return nil
}

// Validate judges the configuration.
func (g *Gate) Validate() error {
	var mistakes []error
	if g.ErrorFormat != "" {
		_, err := ParseFormat(string(g.ErrorFormat))
		mistakes = append(mistakes, err)
	}
	if g.Realm != "" {
		mistakes = append(mistakes, checkRealm(g.Realm))
	}
	mistakes = append(mistakes, g.Semicolons.check())
	for _, alias := range g.Aliases {
		mistakes = append(mistakes, alias.check())
	}
	mistakes = append(mistakes, checkAliases(g.Aliases))
	mistakes = append(mistakes, checkAccepted(g.AllowUnsafe, ofSite))
	return errors.Join(mistakes...)
}

// checkRealm refuses what cannot stand in a quoted string of a header.
func checkRealm(realm string) error {
	for _, r := range realm {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return fmt.Errorf("realm %q: use printable ASCII without quotes and backslashes", realm)
		}
	}
	if realm == "" {
		return errors.New("the realm is empty")
	}
	return nil
}

func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return g.door.Through(w, r, next, g)
}

// Serve takes aliases for what they stand for, notes what the request is to the
// web UI and whether it is a health check, and passes it on. All else that
// agent_gate does, the door does.
func (g *Gate) Serve(w http.ResponseWriter, r *http.Request, req *Request, next caddyhttp.Handler) error {
	if req.unclean != nil {
		return next.ServeHTTP(w, r)
	}
	for _, alias := range g.Aliases {
		if path, ok := alias.apply(req.path); ok && !isNavigation(r) {
			req.setPath(r, path)
			break
		}
	}
	if g.ui != nil {
		g.ui.see(r, req)
	}
	g.door.app.tellHealth(w, req.path)
	return next.ServeHTTP(w, r)
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddy.Validator             = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
	_ Step                        = (*Gate)(nil)
)
