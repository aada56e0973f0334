package gate

import (
	"encoding/json"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
)

// Line is a line of a Caddyfile.
type Line struct {
	// Words are the words that stand there, without braces.
	Words  []string `json:"words"`
	File   string   `json:"file"`
	Number int      `json:"number"`
}

var notesLines atomic.Bool

// NoteLines says whether the handlers of Caddyfiles that are adapted from now on
// carry the lines in which they are written, in a member "lines" of their JSON.
// That JSON is for looking something up. It is never loaded: a configuration
// does not change with the line that it is written in.
func NoteLines(on bool) { notesLines.Store(on) }

// Noted is the parser of a directive, whose handler carries its lines when
// lines are noted. It notes besides what the Caddyfile alone tells.
func Noted(parse httpcaddyfile.UnmarshalHandlerFunc) httpcaddyfile.UnmarshalHandlerFunc {
	return func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		noteAdmin(h)
		var lines []Line
		if notesLines.Load() {
			lines = linesOf(h.Dispenser)
		}
		h.Next()
		at := h.Token()
		noteLine(h.Dispenser)
		h.Reset()
		handler, err := parse(h)
		if err != nil {
			places.Forget() // nothing is provisioned that could be wrong there
			return nil, err
		}
		NoteModule(at, handler)
		if lines == nil {
			return handler, nil
		}
		return &noted{handler, lines}, nil
	}
}

// linesOf reads the lines of a directive and goes back to its beginning.
func linesOf(d *caddyfile.Dispenser) (lines []Line) {
	defer d.Reset()
	for d.Next() {
		token := d.Token()
		if token.Text == "{" || token.Text == "}" {
			continue
		}
		if n := len(lines); n > 0 && lines[n-1].File == token.File && lines[n-1].Number == token.Line {
			lines[n-1].Words = append(lines[n-1].Words, token.Text)
			continue
		}
		lines = append(lines, Line{[]string{token.Text}, token.File, token.Line})
	}
	return lines
}

// noted is a handler with the lines in which it is written.
type noted struct {
	caddyhttp.MiddlewareHandler
	lines []Line
}

// CaddyModule returns the handler's module information.
func (n *noted) CaddyModule() caddy.ModuleInfo {
	return n.MiddlewareHandler.(caddy.Module).CaddyModule()
}

// MarshalJSON writes the handler with its lines.
func (n *noted) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(n.MiddlewareHandler)
	if err != nil {
		return nil, err
	}
	members := make(map[string]any)
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	members["lines"] = n.lines
	return json.Marshal(members)
}
