package gate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
// lines are noted.
func Noted(parse httpcaddyfile.UnmarshalHandlerFunc) httpcaddyfile.UnmarshalHandlerFunc {
	return func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		if !notesLines.Load() {
			return parse(h)
		}
		lines := linesOf(h.Dispenser)
		handler, err := parse(h)
		if err != nil {
			return nil, err
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

// places are where lines stand that a check may find fault with, by their words,
// until a configuration is started.
var places struct {
	sync.Mutex
	of map[string][]string
}

// NotePlace keeps where an option stands that was just read, for a check that
// is made when its handler is provisioned.
func NotePlace(d *caddyfile.Dispenser, option string, args []string) {
	place := fmt.Sprintf("%s:%d", d.File(), d.Line())
	line := option + " " + strings.Join(args, " ")
	places.Lock()
	defer places.Unlock()
	if places.of == nil {
		places.of = make(map[string][]string)
	}
	if !slices.Contains(places.of[line], place) {
		places.of[line] = append(places.of[line], place)
	}
}

// PlaceOf says where an option with these arguments stands, with a colon and a
// blank behind it: Caddyfile:12. It is "" where nobody knows: the configuration
// came as JSON, as that of a reload from the command line does.
func PlaceOf(option string, args []string) string {
	places.Lock()
	defer places.Unlock()
	if found := places.of[option+" "+strings.Join(args, " ")]; len(found) > 0 {
		return strings.Join(found, " or ") + ": "
	}
	return ""
}

// forgetPlaces ends what PlaceOf knows: a configuration that comes later may
// have its lines elsewhere.
func forgetPlaces() {
	places.Lock()
	defer places.Unlock()
	clear(places.of)
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
