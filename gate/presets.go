package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A preset is a chain of directives for a kind of backend, written in the
// Caddyfile's own language. The `gatehouse` directive reads it as if the
// operator had written it; `gatehouse preset` prints it.

// upstreamsToken stands in a preset's text where the backend's addresses belong.
const upstreamsToken = "{upstreams}"

var presets = make(map[string]string)

// RegisterPreset registers a preset's text: the lines of a route, in the order
// of the handlers, with {upstreams} where the backend's addresses belong. It
// is called while the program starts and panics if the name is taken.
func RegisterPreset(name, text string) {
	if _, taken := presets[name]; taken {
		panic("preset " + name + " is registered already")
	}
	presets[name] = text
}

// Preset returns a preset as a `route` block, with the upstreams put in.
func Preset(name string, upstreams []string) (string, error) {
	text, ok := presets[name]
	if !ok {
		return "", fmt.Errorf("there is no preset %q: there is %s", name, strings.Join(slices.Sorted(maps.Keys(presets)), " and "))
	}
	text = strings.ReplaceAll(text, upstreamsToken, strings.Join(upstreams, " "))
	var b strings.Builder
	b.WriteString("route {\n")
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteByte('\t')
		}
		b.WriteString(line)
	}
	b.WriteString("}\n")
	return b.String(), nil
}
