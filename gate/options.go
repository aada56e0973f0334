package gate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Option is one option of a directive's block.
type Option struct {
	// Repeat allows the option to occur more than once.
	Repeat bool
	// Parse reads the option. The dispenser holds its tokens alone, block
	// included, and stands on its name.
	Parse func(d *caddyfile.Dispenser) error
}

// Options are the options of a directive's block, by name.
type Options map[string]Option

// ParseBlock reads the block that follows on the current line, if there is
// one. Unknown and repeated options are errors. It does not stop at the first
// mistake: an operator gets all of them, each with its file and line, in one
// report. Where the lines stand is noted for what can only be found later.
func (o Options) ParseBlock(d *caddyfile.Dispenser) error {
	var mistakes []error
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		segment := d.NewFromNextSegment()
		segment.Next()
		noteLine(segment)
		name := segment.Val()
		option, known := o[name]
		switch {
		case !known:
			mistakes = append(mistakes, segment.Errf("unknown option %s: the options here are %s",
				name, strings.Join(slices.Sorted(maps.Keys(o)), ", ")))
			continue
		case seen[name] && !option.Repeat:
			mistakes = append(mistakes, segment.Errf("the option %s is there twice", name))
			continue
		}
		seen[name] = true
		if err := option.Parse(segment); err != nil {
			mistakes = append(mistakes, withHint(err, segment))
		} else if segment.NextArg() || segment.NextBlock(0) {
			mistakes = append(mistakes, segment.Errf("%s: nothing may follow here", name))
		}
	}
	return errors.Join(mistakes...)
}

// withHint adds to a mistake what the way in which its line is written tells:
// people bring quotes and commas along from other languages.
func withHint(err error, d *caddyfile.Dispenser) error {
	d.Reset()
	d.Next()
	for d.NextArg() {
		switch text := d.Val(); {
		case strings.HasPrefix(text, "'") && !strings.HasSuffix(text, "'") || strings.ContainsAny(text, "“”‘’„«»"):
			return fmt.Errorf("%w (a value with spaces stands in double quotes, any other in none)", err)
		case strings.Contains(strings.TrimSuffix(text, ","), ",") && !strings.ContainsAny(text, " {"):
			return fmt.Errorf("%w (several values are separated by spaces alone)", err)
		}
	}
	return err
}

// OneArg reads the one argument of an option, and nothing else.
func OneArg(d *caddyfile.Dispenser) (string, error) {
	name, args := d.Val(), d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s takes one argument, got %d", name, len(args))
	}
	return args[0], nil
}

// Word is an option of one argument, which is kept in into and judged by the
// checks in turn.
func Word[S ~string](into *S, checks ...func(S) error) Option {
	return Option{Parse: func(d *caddyfile.Dispenser) error {
		text, err := OneArg(d)
		if err != nil {
			return err
		}
		*into = S(text)
		for _, check := range checks {
			if err := check(*into); err != nil {
				return d.WrapErr(err)
			}
		}
		return nil
	}}
}

// Placeholder is a check for values that may be placeholders: of those it judges
// the form, and literals by the check given, which may be nil.
func Placeholder[S ~string](literal func(S) error) func(S) error {
	return func(value S) error {
		if err := CheckPlaceholder(string(value)); err != nil || literal == nil || IsPlaceholder(string(value)) {
			return err
		}
		return literal(value)
	}
}

// Readable makes a check of a function that reads a value.
func Readable[S ~string, T any](read func(string) (T, error)) func(S) error {
	return func(value S) error {
		_, err := read(string(value))
		return err
	}
}

// Literal is the Resolver for values of which it is known that they are no
// placeholders.
func Literal(value string) (string, error) { return value, nil }

// ParseMatchers reads request matchers, of which any may match, to the end of
// the line: paths, and the site's named matchers.
func ParseMatchers(h httpcaddyfile.Helper, d *caddyfile.Dispenser) (caddyhttp.RawMatcherSets, error) {
	var sets caddyhttp.RawMatcherSets
	for d.CountRemainingArgs() > 0 {
		// MatcherToken leaves d on the token, be it a matcher or not.
		set, ok, err := h.WithDispenser(d).MatcherToken()
		if err != nil {
			return nil, d.WrapErr(err)
		}
		if !ok {
			return nil, d.Errf("%s is no matcher: write a path (/api/*) or a named matcher (@name)", d.Val())
		}
		if set == nil { // "*": everything
			set = caddy.ModuleMap{"path": h.JSON(caddyhttp.MatchPath{"*"})}
		}
		notePatterns(d, set)
		sets = append(sets, set)
	}
	return sets, nil
}
