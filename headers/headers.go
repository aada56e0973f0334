package headers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/headers/policy"
)

func init() { caddy.RegisterModule(new(Headers)) }

// Headers gives every response the security headers of a preset, and takes
// out those that tell which products answer (the OWASP Secure Headers
// Project's list, and Via).
//
// A header that an earlier handler has set, such as Caddy's directive `header`,
// is the operator's word for that route and stays. So does one that a later
// handler sets in its place. What the backend sends under the same name is
// dropped, so that no header leaves twice.
type Headers struct {
	// Preset is the set of headers to begin with: "api" (JSON: nothing may run,
	// be framed or be stored), "web" (the web UI of ElizaOS), "elizaos" (what
	// ElizaOS documents for production) or "media" (uploaded files). Default: api.
	Preset string `json:"preset,omitempty"`

	// Overrides hold for the preset, and for every one in For.
	Overrides

	// For gives some requests another preset. The first entry that matches
	// a request decides.
	For []*Variant `json:"for,omitempty"`

	door *gate.Door
	base *compiled
}

// Variant is the preset that some requests get.
type Variant struct {
	// MatchRaw says which requests get it.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// Preset is the set of headers to begin with.
	Preset string `json:"preset"`

	// Enabled switches the entry: true, 1, yes or on; anything else is off.
	// It is meant for a placeholder. Default: on.
	Enabled string `json:"enabled,omitempty"`

	// Overrides hold for this entry, after those of the handler.
	Overrides

	match    gate.Requests
	compiled *compiled
}

// compiled is a policy in the form in which requests need it.
type compiled struct {
	plain, tls ruling
	attachment bool
}

// ruling is what leaves with a response, and what is taken out of it.
type ruling struct {
	fields  []policy.Field
	removed policy.Names
}

// CaddyModule returns the Caddy module information.
func (*Headers) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_headers", New: func() caddy.Module { return new(Headers) }}
}

// Provision makes the policies. All mistakes come in one report.
func (h *Headers) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(h)(&err)
	if h.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	var mistakes []error
	if h.Preset == "" {
		h.Preset = policy.API
	}
	h.base, err = h.compile(h.Preset)
	mistakes = append(mistakes, err)
	var enabled []*Variant
	for _, v := range h.For {
		on, err := v.provision(ctx, h)
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("for %s: %w", v.Preset, err), "for", v.Preset))
		}
		if on {
			enabled = append(enabled, v)
		}
	}
	h.For = enabled
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("agent_headers: %w", err)
	}
	h.door.Hang(h)
	return nil
}

// compile makes a policy of a preset and overrides.
func (h *Headers) compile(preset string, more ...*Overrides) (*compiled, error) {
	p, known := policy.Preset(preset)
	if !known {
		return nil, errUnknownPreset(preset)
	}
	resolve := h.door.App().Resolve
	mistakes := []error{h.Overrides.apply(&p, resolve)}
	if len(more) > 0 {
		mistakes = nil // they are told of the preset for all requests
	}
	for _, o := range more {
		mistakes = append(mistakes, o.apply(&p, resolve))
	}
	ruling := func(overTLS bool) ruling { return ruling{p.Fields(overTLS), p.Removed(overTLS)} }
	return &compiled{ruling(false), ruling(true), p.Attachment}, errors.Join(mistakes...)
}

func errUnknownPreset(name string) error {
	return fmt.Errorf("there is no preset %q of headers: there is %s", name, strings.Join(policy.PresetNames(), ", "))
}

func (v *Variant) provision(ctx caddy.Context, h *Headers) (enabled bool, err error) {
	if v.MatchRaw == nil {
		return false, errors.New("it has no matcher: the preset for all requests stands behind the directive")
	}
	loaded, err := ctx.LoadModule(v, "MatchRaw")
	if err != nil {
		return false, err
	}
	if v.match, err = gate.ExactRequestsOf(loaded); err != nil {
		return false, err
	}
	if v.compiled, err = h.compile(v.Preset, &v.Overrides); err != nil {
		return false, err
	}
	if v.Enabled == "" {
		return true, nil
	}
	word, err := h.door.App().ResolveOptional(v.Enabled)
	return gate.IsOn(word), err
}

func (h *Headers) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.door.Through(w, r, next, h)
}

// Serve sets the headers and passes the request on.
func (h *Headers) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	c, err := h.choose(r)
	if err != nil {
		return err
	}
	req.Dressed(h)
	return next.ServeHTTP(c.begin(w, gate.OverTLS(r)), r)
}

// Dress sets the headers on a response that comes from a handler before.
func (h *Headers) Dress(w http.ResponseWriter, r *http.Request, _ *gate.Request) {
	c, err := h.choose(r)
	if err != nil {
		c = h.base
	}
	c.begin(w, gate.OverTLS(r))
}

func (h *Headers) choose(r *http.Request) (*compiled, error) {
	for _, v := range h.For {
		if match, err := v.match.Match(r); err != nil {
			return nil, err
		} else if match {
			return v.compiled, nil
		}
	}
	return h.base, nil
}

// headerWriter holds the policy against what the backend writes.
type headerWriter struct {
	gate.LastLook
	*ruling
	attachment bool
	// values are what the header map's entries point to: each request's own,
	// since handlers may edit them in place.
	values [16]string
}

// begin sets the headers, so that refusals have them too, and returns the
// writer that holds them against what comes.
func (c *compiled) begin(w http.ResponseWriter, overTLS bool) *headerWriter {
	hw := &headerWriter{ruling: &c.plain, attachment: c.attachment}
	hw.LastLook = gate.NewLastLook(w, hw)
	if overTLS {
		hw.ruling = &c.tls
	}
	values := hw.values[:]
	if len(hw.fields) > len(values) {
		values = make([]string, len(hw.fields))
	}
	h := w.Header()
	hw.remove(h)
	for i, field := range hw.fields {
		if len(h[field.Name]) == 0 { // what is there is the operator's
			values[i] = field.Value
			h[field.Name] = values[i : i+1 : i+1]
		}
	}
	return hw
}

// Finish drops the backend's copies. Backends' headers are added to what is
// there, so of several values the first is the site's own.
func (w *headerWriter) Finish(status int, h http.Header) {
	for _, field := range w.fields {
		if values := h[field.Name]; len(values) > 1 {
			h[field.Name] = values[:1:1]
		}
	}
	w.remove(h)
	if w.attachment && status >= 200 && status < 300 && !policy.Inline(h.Get("Content-Type")) {
		const disposition = "Content-Disposition"
		if !strings.HasPrefix(strings.ToLower(h.Get(disposition)), "attachment") {
			h.Set(disposition, "attachment")
		}
	}
}

func (u *ruling) remove(h http.Header) {
	for name := range h {
		if u.removed.Has(name) {
			delete(h, name)
		}
	}
}

var (
	_ caddy.Provisioner           = (*Headers)(nil)
	_ caddyhttp.MiddlewareHandler = (*Headers)(nil)
	_ gate.Dresser                = (*Headers)(nil)
)
