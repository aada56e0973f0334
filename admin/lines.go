package admin

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// caddyfile finds the lines of a Caddyfile that handlers of the gate that runs
// are written in. The configuration itself does not tell them, so the file is
// adapted again; a handler that is another in the file than in the gate has
// none.
type caddyfile struct {
	gate         *client
	plain, noted any
}

// openCaddyfile opens the Caddyfile that the flags name, or the one in this
// folder; nil if there is none.
func openCaddyfile(gate *client) (*caddyfile, error) {
	path := gate.config
	if path == "" {
		if _, err := os.Stat("Caddyfile"); err != nil {
			return nil, nil
		}
		path = "Caddyfile"
	}
	if !isCaddyfile(path, gate.adapter) {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &caddyfile{gate: gate}
	if c.plain, err = adaptFile(path, text, false); err != nil {
		return nil, err
	}
	c.noted, err = adaptFile(path, text, true)
	return c, err
}

func adaptFile(path string, text []byte, lines bool) (adapted any, err error) {
	gate.NoteLines(lines)
	defer gate.NoteLines(false)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": path})
	if err != nil {
		return nil, err
	}
	return adapted, json.Unmarshal(config, &adapted)
}

// lines are those of the handler at a path of the configuration that runs.
func (c *caddyfile) lines(at string) []gate.Line {
	var running any
	if c == nil || at == "" || c.gate.get("/config/"+at, &running) != nil || !reflect.DeepEqual(running, follow(c.plain, at)) {
		return nil
	}
	handler, _ := follow(c.noted, at).(map[string]any)
	text, err := json.Marshal(handler["lines"])
	if err != nil {
		return nil
	}
	var lines []gate.Line
	_ = json.Unmarshal(text, &lines) // none, of a handler that has none
	return lines
}

// follow goes down a path in a tree of JSON.
func follow(tree any, path string) any {
	for step := range strings.SplitSeq(path, "/") {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// fill puts the lines into a trial.
func (c *caddyfile) fill(t *gate.Trial) {
	for i := range t.Steps {
		if lines := c.lines(t.Steps[i].At); len(lines) > 0 {
			t.Steps[i].Line = place(lines[0])
		}
	}
	if t.Refused != nil {
		c.fillRefused(t.Refused)
	}
}

// fillRefused puts the lines that decided into a refusal.
func (c *caddyfile) fillRefused(told *gate.Refused) {
	var said []string
	for _, line := range deciding(c.lines(told.At), told) {
		said = append(said, fmt.Sprintf("%s `%s`", place(line), strings.Join(line.Words, " ")))
	}
	told.Line = strings.Join(said, ", ")
}

// place is how a line is named. Those of a preset are not in any file of the
// operator's.
func place(line gate.Line) string {
	if preset := gate.OfPreset(line.File); preset != "" {
		return fmt.Sprintf("line %d of `gatehouse preset %s`", line.Number, preset)
	}
	return fmt.Sprintf("%s:%d", line.File, line.Number)
}

// options are the options that decide, by the code or the rule of a refusal.
var options = map[string]string{
	"METHOD_NOT_ALLOWED": "methods", "INVALID_CONTENT_TYPE": "content_type", "PAYLOAD_TOO_LARGE": "max_body",
	"INVALID_ID": "ids", "INVALID_JSON": "json", "INVALID_FILE_TYPE": "files", "INVALID_MULTIPART": "files",
	"AUTH_RATE_LIMIT_EXCEEDED": "failures", "ui": "ui", "allow": "allow", "cors handshake": "agent_cors", "cors preflight": "agent_cors",
}

// deciding are the lines of a directive that made it refuse: of its options, or
// its first.
func deciding(lines []gate.Line, told *gate.Refused) []gate.Line {
	if len(lines) == 0 {
		return nil
	}
	rule, of, _ := strings.Cut(told.Rule, " ")
	wanted := func(words []string) bool {
		option := options[told.Code]
		switch {
		case told.Class != "":
			return words[0] == "block" && slices.ContainsFunc(words[1:], func(class string) bool {
				return class == "all" || slices.Contains(strings.FieldsFunc(told.Class, func(r rune) bool { return r == ',' || r == ' ' }), class)
			})
		case rule == "scope":
			return len(words) > 1 && words[0] == "require" && words[1] == of
		case rule == "deny":
			return words[0] == "deny" && slices.Contains(words, of)
		case option == "" && told.Tier != "":
			return len(words) > 1 && words[0] == "tier" && words[1] == told.Tier || words[0] == told.Tier
		case options[told.Rule] != "":
			option = options[told.Rule]
		}
		return words[0] == option
	}
	var found []gate.Line
	for i, line := range lines {
		if !wanted(line.Words) {
			continue
		}
		found = append(found, line)
		if line.Words[0] != "tier" {
			continue
		}
		for _, inner := range lines[i+1:] { // its limits, up to the next tier
			if inner.Words[0] == "tier" || inner.Words[0] == "plan" {
				break
			}
			if inner.Words[0] == "limit" {
				found = append(found, inner)
			}
		}
	}
	if len(found) == 0 {
		return lines[:1]
	}
	return found
}
