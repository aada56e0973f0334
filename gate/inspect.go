package gate

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"go.uber.org/zap"
)

// Guard is a handler that lets nobody pass without authentication.
type Guard interface {
	caddyhttp.MiddlewareHandler
	// Guards distinguishes the handler; it does nothing.
	Guards()
}

// Backend is a transport that knows that it stands behind the gate.
type Backend interface {
	http.RoundTripper
	// Inspect looks at the backend when the configuration is started, and
	// warns of what would let callers reach it past the gate.
	Inspect(upstreams []string)
}

// inspect walks the handlers of the configuration when it starts, for what no
// handler can see of itself: who stands beside it.
func (a *App) inspect() error {
	a.warnOfUnreadFiles()
	app := httpApp(a.ctx)
	if app == nil {
		return nil // no server, nothing to inspect
	}
	var mistakes []error
	var sites []*site
	for name, server := range app.Servers {
		i := inspection{logger: a.logger.With(zap.String("server", name))}
		walk(server.Routes, passed{}, i.look)
		mistakes = append(mistakes, i.mistakes...)
		sites = append(sites, sitesOf(server)...)
	}
	a.sites.Store(&sites)
	a.paths.Store(newConfigPaths(app.Servers))
	a.warnOfStaleAcceptances(sites)
	a.warnOfPatterns(sites)
	return places.Told(errors.Join(mistakes...), "")
}

// passed is what a request has passed on the way to a handler.
type passed struct {
	guard     bool   // a Guard
	sockets   bool   // a SocketGuard
	rewritten bool   // the path, after a Guard had judged it
	step      string // the first agent handler, which opened the door
}

// walk shows every handler of the routes, in the order in which requests come
// to them, with what they have passed before, and returns what they have passed
// behind the routes: nothing of those that exclude each other.
func walk(routes caddyhttp.RouteList, before passed, look func(caddyhttp.MiddlewareHandler, passed)) passed {
	for _, route := range routes {
		inside := before
		for _, handler := range route.Handlers {
			look(handler, inside)
			if sub, ok := handler.(*caddyhttp.Subroute); ok {
				walk(sub.Routes, inside, look)
			}
			inside.pass(handler)
		}
		if route.Group == "" {
			before = inside
		}
	}
	return before
}

func (p *passed) pass(handler caddyhttp.MiddlewareHandler) {
	if _, ok := handler.(Guard); ok {
		p.guard = true
	}
	if guard, ok := handler.(SocketGuard); ok && guard.JudgesSockets() {
		p.sockets = true
	}
	if rewriter, ok := handler.(*rewrite.Rewrite); ok && p.guard && rewritesPath(rewriter) {
		p.rewritten = true
	}
	if _, ok := handler.(Step); ok && p.step == "" {
		p.step = handler.(caddy.Module).CaddyModule().ID.Name()
	}
}

// inspection finds what is dangerous in the handlers of a server.
type inspection struct {
	logger   *zap.Logger
	mistakes []error
}

func (i *inspection) look(handler caddyhttp.MiddlewareHandler, before passed) {
	switch h := handler.(type) {
	case *reverseproxy.Handler:
		i.proxy(h, before)
	case *Gate:
		switch before.step {
		case "":
		case "agent_gate":
			i.mistakes = append(i.mistakes, places.At(errors.New("there are two agent_gate in one site, and the settings of the second would not hold: put them into one"), "agent_gate"))
		default:
			i.mistakes = append(i.mistakes, places.At(fmt.Errorf("%s stands before agent_gate, whose settings would not hold: "+
				"beside the directive `gatehouse`, write it inside its block, without the prefix agent_", before.step), before.step))
		}
	}
}

func (i *inspection) proxy(h *reverseproxy.Handler, before passed) {
	upstreams := upstreamsOf(h)
	if before.step != "" && !before.guard {
		i.logger.Warn("a reverse_proxy stands behind agent directives, and none of them is agent_auth: everybody who reaches the site can use the backend: "+
			"write agent_auth with a key, or, if that is meant, with `anonymous <scope>`",
			zap.Strings("upstreams", upstreams), zap.String("behind", before.step))
	}
	if backend, ok := h.Transport.(Backend); ok {
		backend.Inspect(upstreams)
		return
	}
	if before.sockets {
		i.mistakes = append(i.mistakes, fmt.Errorf("the reverse_proxy to %s stands behind agent_auth with `routes`, and nobody would read what clients say on sockets: "+
			"write `transport agent_backend` in its block", strings.Join(upstreams, ", ")))
	}
	if before.guard {
		i.logger.Warn("a reverse_proxy behind agent_auth uses a plain transport: the backend's key would stand in logs, "+
			"and what the backend says of itself, of CORS and of limits goes out: write `transport agent_backend` in its block",
			zap.Strings("upstreams", upstreams))
	}
	if before.guard && (before.rewritten || rewritesPath(h.Rewrite)) {
		i.logger.Warn("the path is rewritten after agent_auth has judged it, so the backend gets paths that nobody has judged: "+
			"put rewrite, uri and handle_path before the agent directives, or write `transport agent_backend`, which refuses such requests",
			zap.Strings("upstreams", upstreams))
	}
}

// rewritesPath reports whether a rewrite may change a path, and not only the
// method or the query.
func rewritesPath(r *rewrite.Rewrite) bool {
	return r != nil && (r.URI != "" || r.StripPathPrefix != "" || r.StripPathSuffix != "" || len(r.URISubstring)+len(r.PathRegexp) > 0)
}

func upstreamsOf(h *reverseproxy.Handler) []string {
	var upstreams []string
	for _, upstream := range h.Upstreams {
		upstreams = append(upstreams, upstream.Dial)
	}
	return upstreams
}

// warnOfUnreadFiles tells of env files in the working folder that nobody reads.
func (a *App) warnOfUnreadFiles() {
	var read []string
	for _, name := range a.EnvFile {
		if path, err := filepath.Abs(name); err == nil {
			read = append(read, path)
		}
	}
	for _, name := range []string{".env", ".env.production"} {
		path, err := filepath.Abs(name)
		if err != nil || slices.Contains(read, path) {
			continue
		}
		if _, err := os.Stat(path); err == nil {
			a.logger.Warn("an env file lies in this folder and is not read: if it is meant, name it with `env_file` in the global option gatehouse",
				zap.String("file", path))
		}
	}
}
