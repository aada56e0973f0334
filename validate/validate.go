// Package validate is the handler agent_validate: which requests have a form
// that the backend should see at all. How bodies are read lies in the engines
// jsonsyntax and upload; this package says of which requests what is asked.
package validate

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

func init() { caddy.RegisterModule(new(Validate)) }

// Validate refuses requests whose form is wrong, before the backend reads them:
// methods, content types, sizes, ids in paths, JSON and uploaded files.
//
// Nothing is asked that is not configured. Each option is a list of rules. Of
// the rules whose matcher matches a request the last decides; a rule without a
// matcher decides where none does. The value "off" asks for nothing.
//
// Bodies stream. What they hold is checked as they pass, in memory that does
// not grow with them: a body that turns out to be wrong is cut off before its
// end, so that the backend never gets it whole, and the client gets the answer.
// That is no failure of the backend, so it counts against none.
type Validate struct {
	// Methods are the methods that requests may have; GET includes HEAD, and the
	// CONNECT by which a WebSocket is opened over HTTP/2 and 3.
	// Others get 405 with Allow.
	Methods []*MethodRule `json:"methods,omitempty"`
	// ContentTypes are the media types that bodies of POST, PUT and PATCH may
	// have, whatever their parameters. Others, and none, get 400 with the code
	// INVALID_CONTENT_TYPE. A request without a body needs none.
	ContentTypes []*TypeRule `json:"content_types,omitempty"`
	// MaxBody is how long bodies may be. Longer ones get 413.
	MaxBody []*SizeRule `json:"max_body,omitempty"`
	// IDs names a route table: the ids in the paths of its routes are UUIDs,
	// or the request gets 400 with the code INVALID_ID. Default: not checked.
	IDs string `json:"ids,omitempty"`
	// JSON is how deep the JSON of bodies may nest that are declared as
	// application/json. What is no JSON, or nests deeper, gets 400 with the
	// code INVALID_JSON; a compressed body, which cannot be checked, 415.
	JSON []*DepthRule `json:"json,omitempty"`
	// Files are the media types of files that multipart/form-data may carry.
	// A file whose name, declared type and first bytes do not agree with one
	// of them gets 400 with the code INVALID_FILE_TYPE.
	Files []*FileRule `json:"files,omitempty"`

	door  *gate.Door
	table gate.RouteTable
}

// CaddyModule returns the Caddy module information.
func (*Validate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_validate", New: func() caddy.Module { return new(Validate) }}
}

// Provision resolves the rules. All mistakes come in one report.
func (v *Validate) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(v)(&err)
	if v.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	var mistakes []error
	if len(v.Methods)+len(v.ContentTypes)+len(v.MaxBody)+len(v.JSON)+len(v.Files) == 0 && v.IDs == "" {
		mistakes = append(mistakes, errNothing)
	}
	if v.IDs != "" {
		v.table, err = gate.RouteTableOf(v.IDs)
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes,
		provision(ctx, v.door, "methods", v.Methods),
		provision(ctx, v.door, "content_type", v.ContentTypes),
		provision(ctx, v.door, "max_body", v.MaxBody),
		provision(ctx, v.door, "json", v.JSON),
		provision(ctx, v.door, "files", v.Files))
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("agent_validate: %w", err)
	}
	return nil
}

var errNothing = errors.New("it asks for nothing: write what to ask for in its block, such as `max_body 2MB`")

func (v *Validate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return v.door.Through(w, r, next, v)
}

// Serve refuses a request whose form is wrong, or passes it on with its body
// under watch.
func (v *Validate) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	if err := req.CheckPath(); err != nil {
		return err
	}
	if err := v.checkMethod(r); err != nil {
		return err
	}
	if v.table != nil {
		if err := checkIDs(req.RouteIn(v.table, r).IDs, req.Path()); err != nil {
			return err
		}
	}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return next.ServeHTTP(w, r)
	}
	if err := v.checkContentType(r); err != nil {
		return err
	}
	if err := v.watchBody(r, req); err != nil {
		return err
	}
	return next.ServeHTTP(w, r)
}

// Sit tells how long bodies may be.
func (v *Validate) Sit(site *gate.SitePortrait) {
	for _, rule := range v.MaxBody {
		if rule.match.All() && rule.max > 0 {
			site.MaxBody = rule.max
		}
	}
}

func (v *Validate) checkMethod(r *http.Request) error {
	rule, err := choose(v.Methods, r)
	if rule == nil || err != nil {
		return err
	}
	if rule.off() || slices.Contains(rule.Methods, r.Method) || gate.IsGet(r.Method) && slices.Contains(rule.Methods, http.MethodGet) {
		return nil
	}
	refusal := gate.InvalidInput(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Method not allowed", "the method is not among those of agent_validate")
	refusal.Allow = rule.allow
	return refusal
}

func (v *Validate) checkContentType(r *http.Request) error {
	if r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != http.MethodPatch {
		return nil
	}
	rule, err := choose(v.ContentTypes, r)
	if rule == nil || rule.off() || err != nil {
		return err
	}
	values := r.Header["Content-Type"]
	if len(values) == 1 && slices.Contains(rule.types, mediaType(values[0])) {
		return nil
	}
	return invalidContentType("the body's Content-Type is not " + strings.Join(rule.types, " or ") + ": where others are meant, name them with `content_type`")
}

func invalidContentType(reason string) *gate.Refusal {
	return gate.BadRequest("INVALID_CONTENT_TYPE", "Invalid or missing Content-Type header", reason)
}

// mediaType is the type of a Content-Type, in small letters and without its
// parameters (RFC 9110, section 8.3.1).
func mediaType(value string) string {
	value, _, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.Trim(value, " \t"))
}

var (
	_ caddy.Provisioner           = (*Validate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Validate)(nil)
	_ gate.Step                   = (*Validate)(nil)
)
