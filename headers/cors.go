package headers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"github.com/gatehouse-dev/caddy-gatehouse/headers/cors"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(new(CORS)) }

// CORS lets pages of the named origins, and of no others, use the site from a
// browser (Fetch standard, section 3.3).
//
// It answers every preflight itself, before any key is asked for, so that none
// ever reaches the backend: an allowed one with 204, any other with 403, no
// CORS header and a security event. Every other response that leaves, refusals
// and the proxy's errors included, carries the CORS headers of this policy and
// no others; those of the backend are dropped. Requests without an Origin pass
// untouched.
//
// WebSockets are outside of CORS: a browser opens them to anywhere and leaves
// it to the server to look at the Origin. So upgrades, and everything under
// /socket.io/, are refused with 403 for a page of another origin that is not
// allowed. Pages of the site's own origin always may.
type CORS struct {
	// Off allows no other origin, as an empty list does.
	Off bool `json:"off,omitempty"`

	// Origins are the allowed origins: exact ones (https://app.example.com),
	// every subdomain of a name (https://*.example.com), or * for all. An
	// entry may hold several, separated by commas, and may be a placeholder for
	// such a list; one that stands for nothing allows nothing. A * that comes
	// from a placeholder takes the place of all others and switches
	// credentials off, with a warning. The origin "null", a * that is written
	// with credentials, and, with credentials, plain http beyond loopback and
	// the subdomains of public suffixes are refused.
	Origins []string `json:"origins,omitempty"`

	// Credentials lets pages send cookies. Keys in headers do not need it.
	// Default: off.
	Credentials bool `json:"credentials,omitempty"`

	// Methods are the methods that pages may use; GET, HEAD and POST always
	// are. Default: GET, POST, PUT, PATCH, DELETE.
	Methods []string `json:"methods,omitempty"`

	// Headers are the request headers that pages may set. Default:
	// Content-Type, Authorization, X-API-KEY, X-Agent-ID, X-Entity-Id.
	Headers []string `json:"headers,omitempty"`

	// Expose are the response headers that pages may read. Default: RateLimit,
	// RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,
	// Retry-After, X-Request-Id, X-Total-Count.
	Expose []string `json:"expose,omitempty"`

	// MaxAge is how long a browser may remember a preflight, up to 24h; 0: not
	// at all. Default: 2h, which is the most that Chromium does.
	MaxAge gate.Duration `json:"max_age,omitempty"`

	door   *gate.Door
	policy *cors.Policy
	// origins and credentials are what the policy was made of.
	origins     []string
	credentials bool
}

// CaddyModule returns the Caddy module information.
func (*CORS) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_cors", New: func() caddy.Module { return new(CORS) }}
}

// Provision resolves the placeholders and makes the policy. All mistakes come
// in one report.
func (c *CORS) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(c)(&err)
	if c.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	config, err := c.config(c.door.App(), ctx.Logger())
	if err != nil {
		return fmt.Errorf("agent_cors: %w", err)
	}
	if c.policy, err = cors.New(config); err != nil {
		return fmt.Errorf("agent_cors: %w", err)
	}
	c.origins, c.credentials = config.Origins, config.Credentials
	c.door.Hang(c)
	return nil
}

// Sit tells of the origins that are allowed.
func (c *CORS) Sit(site *gate.SitePortrait) {
	site.Origins = append(site.Origins, c.origins...)
	site.Credentials = site.Credentials || c.credentials
}

// config is the policy's configuration, with the placeholders resolved.
func (c *CORS) config(app *gate.App, logger *zap.Logger) (cors.Config, error) {
	config := cors.Config{Credentials: c.Credentials}
	var mistakes []error
	if !c.Off && len(c.Origins) == 0 {
		mistakes = append(mistakes, errors.New("it names no origin: name those whose pages may use this site, or write off"))
	}
	if c.Off && len(c.Origins) > 0 {
		mistakes = append(mistakes, errors.New("off stands beside origins: write either"))
	}
	anyOrigin := ""
	var literals []string
	for _, entry := range c.Origins {
		text, err := app.ResolveOptional(entry)
		mistakes = append(mistakes, err)
		origins := cors.Split(text)
		if gate.IsPlaceholder(entry) {
			if slices.Contains(origins, cors.AnyOrigin) {
				anyOrigin = entry
			}
		} else {
			literals = append(literals, origins...)
		}
		config.Origins = append(config.Origins, origins...)
	}
	// Several variables may well name one origin; what is written twice is a slip.
	slices.Sort(literals)
	if len(slices.Compact(literals)) < len(literals) {
		mistakes = append(mistakes, errors.New("an origin is there twice"))
	}
	slices.Sort(config.Origins)
	config.Origins = slices.Compact(config.Origins)
	if anyOrigin != "" {
		// It has been the setting of a backend that knows no better; the gate
		// starts with it, but hands out no cookies to the whole world.
		config.Origins = []string{cors.AnyOrigin}
		logger.Warn("every origin is allowed to read responses, so credentials (cookies) are off: name the origins of your own pages instead of *",
			zap.String("variable", anyOrigin), zap.Bool("credentials_dropped", c.Credentials))
		config.Credentials = false
	}
	config.Methods = resolveAll(app, c.Methods, &mistakes)
	config.Headers = resolveAll(app, c.Headers, &mistakes)
	for _, name := range config.Headers {
		if err := c.door.CheckField(name); err != nil {
			logger.Warn("agent_cors lets pages send a header that nobody gets", zap.String("header", name), zap.Error(err))
		}
	}
	config.Expose = resolveAll(app, c.Expose, &mistakes)
	if c.MaxAge != "" {
		age, err := c.MaxAge.Value(app.Resolve, 0)
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("max_age: %w", err), "max_age", string(c.MaxAge)))
		} else if age < 0 {
			mistakes = append(mistakes, places.At(fmt.Errorf("max_age %s: it cannot be negative", c.MaxAge), "max_age", string(c.MaxAge)))
		}
		if config.MaxAge = age; age == 0 {
			config.MaxAge = -1
		}
	}
	return config, errors.Join(mistakes...)
}

func resolveAll(app *gate.App, values []string, mistakes *[]error) []string {
	var resolved []string
	for _, value := range values {
		text, err := app.Resolve(value)
		*mistakes = append(*mistakes, err)
		resolved = append(resolved, text)
	}
	return resolved
}

func (c *CORS) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return c.door.Through(w, r, next, c)
}

// Serve answers a preflight, and has every other response carry the policy's headers.
func (c *CORS) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	req.Dressed(c)
	if cors.IsPreflight(r) {
		if !c.policy.Preflight(w.Header(), r) {
			return c.refused(r, "preflight")
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	cw := new(corsWriter)
	cw.LastLook = gate.NewLastLook(w, cw)
	c.policy.Actual(&cw.answer, w.Header(), r)
	hasOrigin := len(r.Header["Origin"]) > 0
	req.OriginAllowed = hasOrigin && cw.answer.Allowed
	req.CredentialsAllowed = req.OriginAllowed && cw.answer.Credentials()
	if hasOrigin && !req.OriginAllowed && isHandshake(r, req) && !gate.SameOrigin(r) {
		return c.refused(r, "handshake")
	}
	return next.ServeHTTP(cw, r)
}

// Dress puts the policy's headers on a response that comes from a handler before.
func (c *CORS) Dress(w http.ResponseWriter, r *http.Request, _ *gate.Request) {
	answer := new(cors.Answer)
	c.policy.Actual(answer, w.Header(), r)
	answer.Reassert(w.Header())
}

// corsWriter holds the answer against what the backend writes.
type corsWriter struct {
	gate.LastLook
	answer cors.Answer
}

// Finish implements gate.Finisher.
func (w *corsWriter) Finish(_ int, h http.Header) { w.answer.Reassert(h) }

// isHandshake reports whether a request opens, or belongs to, a connection
// that browsers do not guard by CORS. A Socket.IO session that begins by
// polling is one too: it goes on as a WebSocket.
func isHandshake(r *http.Request, req *gate.Request) bool {
	if r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect {
		return true
	}
	return urlpath.Under(req.Path(), gate.SocketIO)
}

// refused is the refusal of a page of another origin. rule says of what.
func (c *CORS) refused(r *http.Request, rule string) *gate.Refusal {
	origin := events.Text(r.Header.Get("Origin"), 256)
	reason := "pages of " + origin + " are not allowed: if it is an origin of yours, name it in agent_cors (or in CORS_ORIGIN)"
	if rule == "preflight" && c.policy.Allows(r.Header.Get("Origin")) {
		reason = "pages of " + origin + " are allowed, but not the method " + events.Text(r.Header.Get("Access-Control-Request-Method"), 32) +
			" with the headers " + events.Text(strings.Join(r.Header["Access-Control-Request-Headers"], ","), 256) +
			": if they are needed, name them with `methods` and `headers` in agent_cors"
	}
	refusal := gate.Forbidden("cors "+rule, reason)
	refusal.Event.Name = events.CrossOriginRefused
	refusal.Event.Message = "[SECURITY] Cross-origin request refused from"
	return refusal
}

var (
	_ caddy.Provisioner           = (*CORS)(nil)
	_ caddyhttp.MiddlewareHandler = (*CORS)(nil)
	_ gate.Dresser                = (*CORS)(nil)
)
