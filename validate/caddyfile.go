package validate

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// defaultDepth is how deep JSON may nest where nobody says otherwise.
const defaultDepth = "64"

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_validate [<matcher>] {
//		methods <method>... | off [<matcher>...]
//		content_type <type>... | off [<matcher>...]
//		max_body <size> | off [<matcher>...]
//		ids <route table>
//		json [<depth> | off] [<matcher>...]
//		files <type>... | off [<matcher>...]
//	}
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	v := new(Validate)
	h.Next()
	if h.NextArg() {
		return nil, h.Errf("`%s`: agent_validate takes no argument but a matcher, such as /api/* or @name: its options stand in a block behind it", h.Val())
	}
	err := gate.Options{
		"methods":      words(h, &v.Methods, func(r *MethodRule, words []string) { r.Methods = words }),
		"content_type": words(h, &v.ContentTypes, func(r *TypeRule, words []string) { r.Types = words }),
		"files":        words(h, &v.Files, func(r *FileRule, words []string) { r.Types = words }),
		"max_body":     words(h, &v.MaxBody, func(r *SizeRule, words []string) { r.Size = value(words, "") }),
		"json":         words(h, &v.JSON, func(r *DepthRule, words []string) { r.Depth = value(words, defaultDepth) }),
		"ids":          gate.Word(&v.IDs, gate.Readable[string](gate.RouteTableOf)),
	}.ParseBlock(h.Dispenser)
	if err == nil && len(v.Methods)+len(v.ContentTypes)+len(v.MaxBody)+len(v.JSON)+len(v.Files) == 0 && v.IDs == "" {
		err = h.WrapErr(errNothing)
	}
	return v, err
}

// notYet is the resolver of a time when placeholders cannot be resolved: that is
// done when the configuration is loaded.
func notYet(value string) (string, error) {
	if gate.IsPlaceholder(value) {
		return "", errNotYet
	}
	return value, nil
}

var errNotYet = errors.New("placeholders cannot be resolved yet")

// value is the one word of a rule. Several are joined, so that they are refused
// as what they are.
func value(words []string, otherwise gate.Number) gate.Number {
	if len(words) == 0 {
		return otherwise
	}
	return gate.Number(strings.Join(words, " "))
}

// words is an option that makes a rule of words and matchers.
func words[R any, P interface {
	*R
	rule
}](h httpcaddyfile.Helper, into *[]P, set func(P, []string)) gate.Option {
	return gate.Option{Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
		name := d.Val()
		made := P(new(R))
		var found []string
		for d.NextArg() {
			if strings.HasPrefix(d.Val(), "/") || strings.HasPrefix(d.Val(), "@") {
				d.Prev()
				break
			}
			found = append(found, d.Val())
		}
		set(made, found)
		sets, err := gate.ParseMatchers(h, d)
		made.where().MatchRaw = sets
		var mistakes []error
		for _, word := range found {
			mistakes = append(mistakes, gate.CheckPlaceholder(word))
		}
		if err := made.resolve(notYet); !errors.Is(err, errNotYet) {
			mistakes = append(mistakes, err)
		}
		*into = append(*into, made)
		if wrong := errors.Join(mistakes...); wrong != nil {
			err = errors.Join(err, d.Errf("%s: %w", name, wrong))
		}
		return err
	}}
}
