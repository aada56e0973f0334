package validate

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/validate/upload"
	"golang.org/x/net/http/httpguts"
)

// Where says which requests a rule is for.
type Where struct {
	// MatchRaw matches the requests that the rule is for. Default: those that
	// no rule with a matcher is for.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	match gate.Requests
}

func (w *Where) where() *Where { return w }

// MethodRule says which methods requests may have.
type MethodRule struct {
	Where
	// Methods are the methods, in capitals, or "off" alone.
	Methods []string `json:"methods"`

	allow string // as a header's value
}

// TypeRule says which media types bodies may have.
type TypeRule struct {
	Where
	// Types are the media types, or "off" alone.
	Types []string `json:"types"`

	types []string // in small letters
}

// SizeRule says how long bodies may be.
type SizeRule struct {
	Where
	// Size is the length in bytes, or with a unit as Express writes them: 2mb
	// is 2 MiB. A multipart body may be 64 KiB longer, for the headers of its
	// parts. "off" allows any length.
	Size gate.Number `json:"size"`

	max int64 // -1: any
}

// DepthRule says how deep JSON may nest.
type DepthRule struct {
	Where
	// Depth is the number of brackets within each other, or "off".
	Depth gate.Number `json:"depth"`

	max int // 0: not checked
}

// FileRule says which files uploads may carry.
type FileRule struct {
	Where
	// Types are media types, such as image/png or audio/*, or "off" alone.
	Types []string `json:"types"`

	types upload.Types // nil: not checked
}

// off is the value that asks for nothing.
const off = "off"

func isOff(words []string) bool { return len(words) == 1 && words[0] == off }

func (m *MethodRule) off() bool { return isOff(m.Methods) }
func (t *TypeRule) off() bool   { return isOff(t.Types) }

// rule is what all rules have in common.
type rule interface {
	where() *Where
	// words are those of its value, as they are written.
	words() []string
	// resolve judges the rule's value and makes it ready for requests.
	resolve(resolve gate.Resolver) error
}

// provision makes the rules of one option ready.
func provision[R rule](ctx caddy.Context, door *gate.Door, name string, rules []R) error {
	var mistakes []error
	wrong := func(err error) {
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", name, err))
		}
	}
	general := false
	for _, r := range rules {
		w, line := r.where(), append([]string{name}, r.words()...)
		if w.MatchRaw == nil {
			if general {
				mistakes = append(mistakes, places.At(fmt.Errorf("%s is there twice without a matcher: leave one out, or give it a matcher", name), line...))
			}
			general = true
		} else {
			var err error
			w.match, err = door.LoadRequests(ctx, w, "MatchRaw")
			wrong(places.At(err, line...))
		}
		wrong(places.At(r.resolve(door.App().Resolve), line...))
	}
	return errors.Join(mistakes...)
}

// choose returns the rule that decides about a request; nil if there is none.
func choose[R rule](rules []R, r *http.Request) (chosen R, err error) {
	for i := len(rules) - 1; i >= 0; i-- {
		w := rules[i].where()
		if w.match.All() {
			chosen = rules[i]
			continue
		}
		match, err := w.match.Match(r)
		if match || err != nil {
			return rules[i], err
		}
	}
	return chosen, nil
}

func (m *MethodRule) words() []string { return m.Methods }
func (t *TypeRule) words() []string   { return t.Types }
func (s *SizeRule) words() []string   { return []string{string(s.Size)} }
func (d *DepthRule) words() []string  { return []string{string(d.Depth)} }
func (f *FileRule) words() []string   { return f.Types }

// literal refuses a placeholder in a list of words.
func literal(word string) error {
	if gate.IsPlaceholder(word) {
		return fmt.Errorf("no placeholder can stand here: write out what %s stands for", word)
	}
	return nil
}

func (m *MethodRule) resolve(gate.Resolver) error {
	if len(m.Methods) == 0 {
		return errors.New("name the methods that are allowed, or off")
	}
	if m.off() {
		return nil
	}
	for _, method := range m.Methods {
		if err := literal(method); err != nil {
			return err
		}
		if !httpguts.ValidHeaderFieldName(method) || method != strings.ToUpper(method) {
			return fmt.Errorf("%s is no method: methods are written in capitals", method)
		}
	}
	m.allow = strings.Join(m.Methods, ", ")
	return nil
}

func (t *TypeRule) resolve(gate.Resolver) error {
	if len(t.Types) == 0 {
		return errors.New("name the media types that are allowed, or off")
	}
	if t.off() {
		return nil
	}
	for _, name := range t.Types {
		if err := literal(name); err != nil {
			return err
		}
		kind, subtype, ok := strings.Cut(name, "/")
		if !ok || !httpguts.ValidHeaderFieldName(kind) || !httpguts.ValidHeaderFieldName(subtype) {
			return fmt.Errorf("%s is no media type, such as application/json", name)
		}
		t.types = append(t.types, strings.ToLower(name))
	}
	return nil
}

func (s *SizeRule) resolve(resolve gate.Resolver) (err error) {
	s.max, err = size(s.Size, resolve)
	return err
}

func (d *DepthRule) resolve(resolve gate.Resolver) (err error) {
	d.max, err = depth(d.Depth, resolve)
	return err
}

func (f *FileRule) resolve(gate.Resolver) (err error) {
	if len(f.Types) == 0 {
		return errors.New("name the types of files that are allowed, or off")
	}
	if isOff(f.Types) {
		return nil
	}
	for _, name := range f.Types {
		if err := literal(name); err != nil {
			return err
		}
	}
	f.types, err = upload.ParseTypes(f.Types)
	return err
}
