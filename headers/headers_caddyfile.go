package headers

import (
	"errors"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/headers/policy"
)

// ParseHeaders sets up the handler agent_headers from Caddyfile tokens. Syntax:
//
//	agent_headers [<matcher>] [api | web | elizaos | media] {
//		<override> ...
//		for <matcher> api | web | elizaos | media {
//			enabled <placeholder>
//			<override> ...
//		}
//	}
//
// The overrides are:
//
//	csp <directive> <source>... | off
//	hsts <max age> [include_subdomains] [preload]
//	frame_options deny | sameorigin
//	referrer_policy <policy>
//	permissions_policy <feature> none | * | off | [self] [<origin>...]
//	coop | corp | coep <value>
//	cache_control <directive>...
//	attachment
//	set <name> <value>
//	remove <name>...
func ParseHeaders(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Headers)
	h.Next()
	var mistake error
	switch args := h.RemainingArgs(); len(args) {
	case 0:
	case 1:
		handler.Preset = args[0]
		mistake = checkPreset(h.Dispenser, handler.Preset)
	default:
		mistake = h.Err("agent_headers takes one preset; headers of your own are set in its block")
	}
	options := handler.options()
	options["for"] = gate.Option{Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
		v, err := parseVariant(h, d)
		handler.For = append(handler.For, v)
		return err
	}}
	return handler, errors.Join(mistake, options.ParseBlock(h.Dispenser))
}

func checkPreset(d *caddyfile.Dispenser, name string) error {
	if _, known := policy.Preset(name); !known {
		return d.WrapErr(errUnknownPreset(name))
	}
	return nil
}

func parseVariant(h httpcaddyfile.Helper, d *caddyfile.Dispenser) (*Variant, error) {
	v := new(Variant)
	set, ok, err := h.WithDispenser(d).MatcherToken()
	if err != nil {
		return v, err
	}
	if !ok {
		return v, d.Err("for is written `for <matcher> <preset>`; a matcher is a path (/media/*) or a name (@name)")
	}
	if set == nil {
		return v, d.Err("for * matches everything: write that preset behind agent_headers")
	}
	v.MatchRaw = caddyhttp.RawMatcherSets{set}
	if !d.NextArg() || d.CountRemainingArgs() > 0 {
		return v, d.Err("for is written `for <matcher> <preset>`")
	}
	v.Preset = d.Val()
	mistake := checkPreset(d, v.Preset)
	options := v.options()
	options["enabled"] = gate.Word(&v.Enabled, gate.CheckPlaceholder)
	return v, errors.Join(mistake, options.ParseBlock(d))
}

// options are the overrides as options of a block. Each is judged alone where
// it stands literally; what contradicts what is found when all are known.
func (o *Overrides) options() gate.Options {
	// option reads the arguments into an Overrides of one option, judges that,
	// and takes it over.
	option := func(repeat bool, read func(args []string, into *Overrides) error) gate.Option {
		return gate.Option{Repeat: repeat, Parse: func(d *caddyfile.Dispenser) error {
			args := d.RemainingArgs()
			if err := literally(d, args, func() error {
				var single Overrides
				if err := read(args, &single); err != nil {
					return err
				}
				scratch, _ := policy.Preset(policy.API)
				return single.apply(&scratch, gate.Literal)
			}); err != nil {
				return err
			}
			if err := read(args, o); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}}
	}
	word := func(usage string, field func(*Overrides) *string) gate.Option {
		return option(false, func(args []string, into *Overrides) error {
			if len(args) != 1 {
				return errors.New("write it as: " + usage)
			}
			*field(into) = args[0]
			return nil
		})
	}
	lists := func(usage string, field func(*Overrides) *map[string][]string) gate.Option {
		return option(true, func(args []string, into *Overrides) error {
			if len(args) == 0 {
				return errors.New("write it as: " + usage)
			}
			return put(field(into), args[0], slices.Clip(args[1:]))
		})
	}
	return gate.Options{
		"csp":                lists("csp <directive> <source>...", func(o *Overrides) *map[string][]string { return &o.CSP }),
		"permissions_policy": lists("permissions_policy <feature> none | * | self | <origin>...", func(o *Overrides) *map[string][]string { return &o.PermissionsPolicy }),
		"hsts": option(false, func(args []string, into *Overrides) error {
			if len(args) == 0 {
				return errors.New("write it as: hsts <max age> [include_subdomains] [preload]")
			}
			into.HSTS = &HSTS{MaxAge: gate.Duration(args[0])}
			for i, arg := range args[1:] {
				switch {
				case arg == "include_subdomains" && !slices.Contains(args[1:i+1], arg):
					into.HSTS.IncludeSubdomains = true
				case arg == "preload" && !slices.Contains(args[1:i+1], arg):
					into.HSTS.Preload = true
				default:
					return errors.New("write it as: hsts <max age> [include_subdomains] [preload]")
				}
			}
			return nil
		}),
		"frame_options":   word("frame_options deny | sameorigin", func(o *Overrides) *string { return &o.FrameOptions }),
		"referrer_policy": word("referrer_policy <policy>", func(o *Overrides) *string { return &o.ReferrerPolicy }),
		"coop":            word("coop <policy>", func(o *Overrides) *string { return &o.COOP }),
		"corp":            word("corp <policy>", func(o *Overrides) *string { return &o.CORP }),
		"coep":            word("coep <policy>", func(o *Overrides) *string { return &o.COEP }),
		"cache_control": option(false, func(args []string, into *Overrides) error {
			if into.CacheControl = args; len(args) == 0 {
				return errors.New("write `cache_control` with one directive or more")
			}
			return nil
		}),
		"attachment": option(false, func(args []string, into *Overrides) error {
			if into.Attachment = true; len(args) > 0 {
				return errors.New("attachment takes no argument")
			}
			return nil
		}),
		"set": option(true, func(args []string, into *Overrides) error {
			if len(args) != 2 {
				return errors.New("write it as: set <name> <value>, with quotes around a value that has spaces")
			}
			return put(&into.Set, args[0], args[1])
		}),
		"remove": option(true, func(args []string, into *Overrides) error {
			if len(args) == 0 {
				return errors.New("write `remove` with one header name or more")
			}
			into.Remove = append(into.Remove, args...)
			return nil
		}),
	}
}

// put puts a value into a map under a name that is not taken.
func put[V any](into *map[string]V, name string, value V) error {
	if _, taken := (*into)[name]; taken {
		return errors.New(name + " is there twice")
	}
	if *into == nil {
		*into = make(map[string]V)
	}
	(*into)[name] = value
	return nil
}
