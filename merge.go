package gatehouse

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// line is a line of a Caddyfile with the block that it opens, if it opens one.
type line struct {
	words       []caddyfile.Token
	opens       bool
	block       []*line
	open, close caddyfile.Token
}

// parseLine reads the line that d stands on, and its block.
func parseLine(d *caddyfile.Dispenser) *line {
	l := &line{words: []caddyfile.Token{d.Token()}}
	for d.NextArg() {
		l.words = append(l.words, d.Token())
	}
	l.block = parseBlock(d, l)
	return l
}

// parseLines reads the lines of the block that opens behind the current token.
func parseLines(d *caddyfile.Dispenser) []*line { return parseBlock(d, new(line)) }

func parseBlock(d *caddyfile.Dispenser, l *line) (block []*line) {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if !l.opens {
			l.opens = true
			d.Prev()
			l.open = d.Token()
			d.Next()
		}
		segment := d.NewFromNextSegment()
		segment.Next()
		block = append(block, parseLine(segment))
	}
	if l.opens {
		l.close = d.Token()
	}
	return block
}

// tokens writes the line out again.
func (l *line) tokens() []caddyfile.Token {
	tokens := slices.Clone(l.words)
	if !l.opens {
		return tokens
	}
	tokens = append(tokens, l.open)
	for _, inner := range l.block {
		tokens = append(tokens, inner.tokens()...)
	}
	return append(tokens, l.close)
}

func (l *line) name() string { return l.words[0].Text }

func (l *line) arg(i int) string {
	if i < len(l.words) {
		return l.words[i].Text
	}
	return ""
}

// errorf is an error that names where the operator wrote the line.
func (l *line) errorf(format string, args ...any) error {
	return fmt.Errorf("%s, at %s:%d", fmt.Sprintf(format, args...), l.words[0].File, l.words[0].Line)
}

// keyed are the options of which there are several, told apart by a key; all
// others are told apart by their name alone.
//
// A requirement's key is its matcher and not its scope: `require admin @mine`
// must not take the preset's own admin routes out.
var keyed = map[string]func(l *line) string{
	"key":     func(l *line) string { return l.arg(1) },
	"tier":    func(l *line) string { return l.arg(1) },
	"plan":    func(l *line) string { return l.arg(1) },
	"for":     func(l *line) string { return l.arg(1) },
	"require": func(l *line) string { return l.arg(2) },
	"public":  func(l *line) string { return l.arg(len(l.words) - 1) },

	"methods":      matchersOf,
	"content_type": matchersOf,
	"max_body":     matchersOf,
	"json":         matchersOf,
	"files":        matchersOf,
}

// matchersOf are the matchers at the end of a line.
func matchersOf(l *line) string {
	var matchers []string
	for _, word := range l.words[1:] {
		if strings.HasPrefix(word.Text, "/") || strings.HasPrefix(word.Text, "@") {
			matchers = append(matchers, word.Text)
		}
	}
	return strings.Join(matchers, " ")
}

// removes reports whether the line takes the option of its key away:
// `tier upload off`, `key ci off`, `require off @x`, `public off /x`.
func (l *line) removes() bool {
	switch l.name() {
	case "key", "tier", "plan":
		return len(l.words) == 3 && l.arg(2) == "off"
	case "require", "public":
		return len(l.words) == 3 && l.arg(1) == "off"
	}
	return false
}

// keyOf is what tells an option of the line from others of its name, "" if that
// is nothing: a transport has one key, which is the backend's.
func (l *line) keyOf(option *line) string {
	key, ok := keyed[option.name()]
	if !ok || l.name() == "transport" {
		return ""
	}
	return key(option)
}

// same reports whether two options of the line are told to be the same one.
func (l *line) same(a, b *line) bool { return a.name() == b.name() && l.keyOf(a) == l.keyOf(b) }

// shortcuts are lines of the gatehouse block that stand for an option of a directive.
var shortcuts = map[string]string{"error_format": "agent_gate", "ui": "agent_gate", "media": "agent_auth"}

// spelledOut is the option that a shortcut stands for; nil if it changes nothing.
func spelledOut(over *line) (*line, error) {
	if over.name() != "media" {
		return over, nil
	}
	switch {
	case len(over.words) == 2 && over.arg(1) == "private" && !over.opens:
		return nil, nil
	case len(over.words) != 2 || over.arg(1) != "public" || over.opens:
		return nil, over.errorf("media is public or private")
	}
	public := slices.Clone(over.words)
	public[0].Text, public[1].Text = "public", "/media/*"
	return &line{words: public}, nil
}

// mergeOverrides merges the lines of a gatehouse block into a preset's route.
// An option replaces the preset's option of the same name (and key); nothing
// else of the preset disappears.
func mergeOverrides(route *line, overrides []*line, at caddyfile.Token) error {
	seen := make(map[string]bool)
	for _, over := range overrides {
		name := over.name()
		if strings.HasPrefix(name, "@") {
			if strings.HasPrefix(name, "@gh_") {
				return over.errorf("the matcher %s: names that start with @gh_ are the presets' own", name)
			}
			route.add(over)
			continue
		}
		if seen[name] {
			return over.errorf("%s is there twice", name)
		}
		seen[name] = true
		if directive, ok := shortcuts[name]; ok {
			option, err := spelledOut(over)
			if err != nil {
				return err
			}
			if option != nil {
				if err := find(route.block, directive).merge([]*line{option}); err != nil {
					return err
				}
			}
			continue
		}
		target, err := overridden(route, over)
		if err != nil {
			return err
		}
		if err := target.override(over); err != nil {
			return err
		}
	}
	return nil
}

// overridden finds the directive of the preset that a line of the block
// overrides, or adds one.
func overridden(route, over *line) (*line, error) {
	name := over.name()
	switch name {
	case "reverse_proxy":
		return find(route.block, name), nil
	case "backend":
		return find(find(route.block, "reverse_proxy").block, "transport"), nil
	}
	known := map[string]bool{"reverse_proxy": true, "backend": true}
	for _, directive := range handlerDirectives {
		short := strings.TrimPrefix(directive.name, "agent_")
		known[short] = true
		if short != name {
			continue
		}
		if l := find(route.block, directive.name); l != nil {
			return l, nil
		}
		added := over.words[0]
		added.Text = directive.name
		l := &line{words: []caddyfile.Token{added}, opens: over.opens, open: over.open, close: over.close}
		route.add(l)
		return l, nil
	}
	for short := range shortcuts {
		known[short] = true
	}
	return nil, over.errorf("gatehouse knows no %q: %sin its block stand %s, and @matchers", name,
		whereFrom(name, known), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// homes are the places of what people write straight into the block.
var homes = map[string]string{
	"key": "auth", "public": "auth", "anonymous": "auth", "require": "auth", "accept": "auth", "failures": "auth", "cookie": "auth",
	"tier": "rate_limit", "limit": "rate_limit", "plan": "rate_limit", "concurrent": "rate_limit", "exempt": "rate_limit",
	"allow": "ip", "deny": "ip", "block": "security_log", "detect": "security_log", "max_body": "validate", "origins": "cors",
	"allow_unsafe": "gate", "realm": "gate",
}

// whereFrom says where a line belongs that does not stand in the block, if it
// can be told.
func whereFrom(name string, known map[string]bool) string {
	if short, ok := strings.CutPrefix(name, "agent_"); ok && known[short] {
		return "here it is called " + short + "; "
	}
	if home, ok := homes[name]; ok {
		return "it belongs into a block `" + home + " { ... }`; "
	}
	switch name {
	case "env_file", "keys", "limits", "audit":
		return "it belongs into the global option gatehouse, at the top of the file; "
	}
	return ""
}

// add puts a line of the operator's before the route's last one, so that what
// follows it comes from another file, and so is never taken for its argument.
// The directives are sorted when they are parsed.
func (l *line) add(added *line) {
	l.block = slices.Insert(l.block, len(l.block)-1, added)
}

func find(block []*line, name string) *line {
	for _, l := range block {
		if l.name() == name {
			return l
		}
	}
	return nil
}

// override merges a directive of the block into that of the preset: arguments
// replace the preset's, options are merged.
func (l *line) override(over *line) error {
	if len(over.words) > 1 {
		if l.name() == "reverse_proxy" || l.name() == "transport" {
			return over.errorf("%s takes no arguments here: the backend's addresses stand behind the preset's name", over.name())
		}
		l.words = slices.Concat(l.words[:1], over.words[1:])
		for i := range l.words {
			// Words of one line have to come from one place.
			l.words[i].File, l.words[i].Line = over.words[0].File, over.words[0].Line
		}
		l.open.File, l.open.Line = over.words[0].File, over.words[0].Line
	}
	return l.merge(over.block)
}

// merge merges options into the line's block. What is to be taken out has to be
// there: who writes `key clinet off` must not believe that the key is gone.
func (l *line) merge(options []*line) error {
	if len(options) == 0 {
		return nil
	}
	if !l.opens {
		last := l.words[len(l.words)-1]
		l.opens = true
		l.open = caddyfile.Token{File: last.File, Line: last.Line, Text: "{"}
		// What stands in between comes from another file, and so on other lines.
		l.close = caddyfile.Token{File: last.File, Line: last.Line, Text: "}"}
	}
	var replaced []*line // options of the preset that are gone already
	for i, option := range options {
		if option.removes() {
			before := len(l.block)
			l.block = slices.DeleteFunc(l.block, func(have *line) bool { return l.same(have, option) })
			if len(l.block) == before {
				return option.errorf("%s: there is none to take out%s", option.text(), l.others(option))
			}
			continue
		}
		if l.keyOf(option) != "" {
			if slices.ContainsFunc(options[:i], func(above *line) bool { return l.same(above, option) && !above.removes() }) {
				return option.errorf("%s: a line above says the same option already, and one of the two would be lost", option.text())
			}
			if i := slices.IndexFunc(l.block, func(have *line) bool { return l.same(have, option) }); i >= 0 {
				if err := l.block[i].refine(option); err != nil {
					return err
				}
				continue
			}
		} else if !slices.ContainsFunc(replaced, func(r *line) bool { return l.same(r, option) }) {
			// The first line of that name takes all the preset's of that name
			// away; further ones add to it.
			l.block = slices.DeleteFunc(l.block, func(have *line) bool { return l.same(have, option) })
			replaced = append(replaced, option)
		}
		l.block = append(l.block, option)
	}
	return nil
}

// text is the line as it is written, without its block.
func (l *line) text() string {
	var words []string
	for _, word := range l.words {
		words = append(words, word.Text)
	}
	return strings.Join(words, " ")
}

// others are the options of that name that the line has, for a message.
func (l *line) others(of *line) string {
	var keys []string
	for _, have := range l.block {
		if have.name() == of.name() {
			keys = append(keys, l.keyOf(have))
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return ", there is " + strings.Join(keys, ", ")
}

// refine changes a keyed option: what the override says replaces, what it
// leaves out stays.
func (l *line) refine(over *line) error {
	at := l.words[0]
	if len(over.words) >= len(l.words) {
		l.words = over.words
		if l.opens {
			last := l.words[len(l.words)-1]
			l.open = caddyfile.Token{File: last.File, Line: last.Line, Text: "{"}
		} else if over.opens {
			// The block ends in the preset, where another file begins: what
			// follows may stand further up in the operator's than the block does.
			l.opens, l.open, l.close = true, over.open, caddyfile.Token{File: at.File, Line: at.Line, Text: "}"}
		}
	}
	return l.merge(over.block)
}
