package auth

import (
	"errors"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_auth [<matcher>] {
//		accept header <name>
//		accept bearer
//		accept query <name>
//		cookie on | off
//		failures <limit> <window> | off
//		key <id> <secret> | new {
//			scopes <scope>...
//			plan <plan>
//			from <network>...
//			expires <date>
//			agents <id>...
//			entity <uuid>
//		}
//		public <matcher>...
//		anonymous <scope>...
//		require <scope> [<matcher>]
//		routes <table>
//	}
//
// A secret is {env.NAME}, {env.NAME:default}, {file./path} or a literal. A
// literal is hashed while the Caddyfile is adapted, so that neither the JSON
// configuration nor Caddy's autosave holds it.
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	a := new(Auth)
	h.Next()
	if h.NextArg() {
		return nil, h.Errf("`%s`: agent_auth takes no argument but a matcher, such as /api/* or @name: its options stand in a block behind it", h.Val())
	}
	ids := make(map[string]bool)
	return a, gate.Options{
		"accept": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			source, err := parseSource(d)
			a.Accept = append(a.Accept, source)
			return err
		}},
		"cookie": {Parse: func(d *caddyfile.Dispenser) error {
			word, err := gate.OneArg(d)
			if err != nil {
				return err
			}
			if word != "on" && word != "off" {
				return d.Err("cookie is on or off")
			}
			on := word == "on"
			a.Cookie = &on
			return nil
		}},
		"failures": {Parse: func(d *caddyfile.Dispenser) (err error) {
			a.Failures, err = parseFailures(d)
			return err
		}},
		"key": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			key, err := parseKey(d)
			if ids[key.ID] {
				return d.Errf("there are two keys named %s", key.ID)
			}
			ids[key.ID] = true
			a.Keys = append(a.Keys, key)
			return err
		}},
		"public": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			sets, err := gate.ParseMatchers(h, d)
			if err == nil && len(sets) == 0 {
				return d.Err("public needs a path or a @matcher")
			}
			a.PublicRaw = append(a.PublicRaw, sets...)
			return err
		}},
		"anonymous": {Parse: func(d *caddyfile.Dispenser) error {
			if a.Anonymous = d.RemainingArgs(); len(a.Anonymous) == 0 {
				return d.Err("anonymous needs the scopes that callers without a key have")
			}
			return nil
		}},
		"require": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			if !d.NextArg() {
				return d.Err("require needs a scope")
			}
			required := &Requirement{Scope: d.Val()}
			sets, err := gate.ParseMatchers(h, d)
			required.MatchRaw = sets
			a.Require = append(a.Require, required)
			return err
		}},
		"routes": gate.Word(&a.Routes, gate.Readable[string](gate.RouteTableOf)),
	}.ParseBlock(h.Dispenser)
}

func parseSource(d *caddyfile.Dispenser) (source Source, err error) {
	switch args := d.RemainingArgs(); {
	case len(args) == 2 && args[0] == "header":
		source.Header = args[1]
	case len(args) == 2 && args[0] == "query":
		source.Query = args[1]
	case len(args) == 1 && args[0] == "bearer":
		source.Bearer = true
	default:
		return source, d.Err("accept is written `accept header <name>`, `accept bearer` or `accept query <name>`")
	}
	if err := source.check(); err != nil {
		return source, d.WrapErr(err)
	}
	return source, nil
}

func parseFailures(d *caddyfile.Dispenser) (*Failures, error) {
	args := d.RemainingArgs()
	if slices.Equal(args, []string{"off"}) {
		return nil, nil
	}
	if len(args) != 2 {
		return nil, d.Err("failures is written `failures <limit> <window>`, like `failures 10 15m`, or `failures off`")
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, d.Errf("failures %s: the limit is a number", args[0])
	}
	window, err := caddy.ParseDuration(args[1])
	if err != nil {
		return nil, d.Errf("failures %s: the window is a duration like 15m", args[1])
	}
	f := &Failures{Limit: limit, Window: caddy.Duration(window)}
	if err := f.check(); err != nil {
		return nil, d.WrapErr(err)
	}
	return f, nil
}

func parseKey(d *caddyfile.Dispenser) (Key, error) {
	var k Key
	var secret string
	if !d.Args(&k.ID, &secret) || d.CountRemainingArgs() > 0 {
		return k, d.Err("a key is written `key <id> <secret>`, or `key <id> new` to have one made at the first start")
	}
	if err := keys.CheckID(k.ID); err != nil {
		return k, d.WrapErr(err)
	}
	if err := k.takeSecret(secret); err != nil {
		return k, d.WrapErr(err)
	}
	return k, gate.Options{
		"scopes": words(&k.Scopes, func(d *caddyfile.Dispenser) error {
			gate.NotePlace(d, keyScopes(k.ID, k.Scopes))
			return nil
		}),
		"plan": gate.Word(&k.Plan),
		"from": words(&k.From, func(d *caddyfile.Dispenser) error {
			var mistakes []error
			for _, text := range k.From {
				if _, err := parseNetwork(text); err != nil {
					mistakes = append(mistakes, d.WrapErr(err))
				}
			}
			return errors.Join(mistakes...)
		}),
		"expires": gate.Word(&k.Expires, gate.Readable[string](ParseEnd)),
		"agents": words(&k.Agents, func(d *caddyfile.Dispenser) error {
			for _, agent := range k.Agents {
				if err := keys.CheckAgent(agent); err != nil && !gate.IsPlaceholder(agent) {
					return d.WrapErr(err)
				}
			}
			return nil
		}),
		"entity": gate.Word(&k.Entity, gate.CheckPlaceholder),
	}.ParseBlock(d)
}

// takeSecret keeps what is written for a secret: of a literal, the hash.
func (k *Key) takeSecret(secret string) error {
	if secret == "new" {
		k.New = true
		return nil
	}
	if err := gate.CheckPlaceholder(secret); err != nil {
		return err
	}
	if gate.IsPlaceholder(secret) {
		k.Secret = secret
		return nil
	}
	if err := keys.Weak(secret); err != nil {
		return err
	}
	k.Hash = keys.HashSecret(secret).String()
	return nil
}

// words is an option of one word or more, which are judged when all are read.
func words(into *[]string, judge func(d *caddyfile.Dispenser) error) gate.Option {
	return gate.Option{Parse: func(d *caddyfile.Dispenser) error {
		name := d.Val()
		if *into = d.RemainingArgs(); len(*into) == 0 {
			return d.Errf("%s is empty", name)
		}
		return judge(d)
	}}
}
