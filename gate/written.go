package gate

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
)

// Where something is written is noted while a Caddyfile is adapted: the lines of
// blocks by Options, those of directives by Noted. What is found wrong when a
// module is provisioned says of which line it is (places.At), and the module's
// errors are told with it (Tell).

// noteLine notes the line that a dispenser stands on, from there to its end.
func noteLine(d *caddyfile.Dispenser) {
	at := placeOf(d.Token())
	words := []string{d.Val()}
	for d.NextArg() {
		words = append(words, d.Val())
		if IsPlaceholder(d.Val()) {
			places.Note(at, d.Val()) // what it stands for is found wherever it is used
		}
	}
	d.Reset()
	d.Next()
	places.Note(at, words...)
}

// NotePlace notes where the dispenser stands under words that are not those of
// the line, or of a line that no Options have read.
func NotePlace(d *caddyfile.Dispenser, words ...string) {
	NoteLine(d.Token(), words...)
}

// NoteLine is NotePlace, of a line that begins with a token.
func NoteLine(at caddyfile.Token, words ...string) {
	places.Note(placeOf(at), words...)
}

// NoteModule notes where a module is written, by all that it is: there may be
// many lines with the name of its directive.
func NoteModule(at caddyfile.Token, module any) {
	places.Note(placeOf(at), identityOf(module))
}

// identityOf is what tells a handler from others, in one form whatever became of
// its JSON on the way.
func identityOf(handler any) string {
	text, err := json.Marshal(handler)
	if err != nil {
		return ""
	}
	var members any
	if err := json.Unmarshal(text, &members); err != nil {
		return ""
	}
	text, _ = json.Marshal(members)
	return fmt.Sprintf("%T %s", handler, text)
}

// Tell is deferred at the beginning of a module's Provision, while it is as it
// was configured, and has the error begin with its place:
//
//	defer gate.Tell(h)(&err)
//
// Mistakes that are of no line of their own are of the module's, which is its
// directive's, or the one that begins with the words given.
func Tell(module caddy.Module, words ...string) func(*error) {
	if len(words) == 0 {
		words = []string{module.CaddyModule().ID.Name()}
	}
	place := places.Of(identityOf(module))
	return func(err *error) { *err = places.Told(*err, place, words...) }
}

// inPreset stands between the name of a preset and the place of the operator's
// line that it was expanded for, in the name of the file that its lines are of.
const inPreset = ".caddyfile for "

// PresetFile is the file that the lines of a preset are of, which was expanded
// for the operator's line.
func PresetFile(preset string, line caddyfile.Token) string {
	return preset + inPreset + placeOf(line)
}

// ofPreset are places in a preset, in errors of Caddy's parser.
var ofPreset = regexp.MustCompile(`(\w+)` + regexp.QuoteMeta(inPreset) + `([^\n]*?:\d+):(\d+)`)

// TellPresetLines has a text name lines of a preset by the operator's line. They
// are in no file of the operator's; `gatehouse preset` prints them.
func TellPresetLines(text string) string {
	return ofPreset.ReplaceAllString(text, "$2 (line $3 of `gatehouse preset $1`)")
}

// placeOf is how the place of a token is written.
func placeOf(t caddyfile.Token) string {
	return TellPresetLines(fmt.Sprintf("%s:%d", t.File, t.Line))
}

// OfPreset takes apart the name of a file that PresetFile has made; "" for any other.
func OfPreset(file string) string {
	preset, _, found := strings.Cut(file, inPreset)
	if !found {
		return ""
	}
	return preset
}
