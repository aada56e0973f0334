package ratelimit

import (
	"errors"
	"maps"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// UnmarshalCaddyfile sets up the counters' part from Caddyfile tokens. Syntax:
//
//	limits [memory | redis <url>] {
//		max_clients <number>
//		key_places  <number>
//		user        <name>
//		password    <placeholder>
//		ca          <file>
//		prefix      <word>
//		budget      <duration>
//	}
//
// The last five belong to redis.
func (l *Limits) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	var mistakes []error
	switch args := d.RemainingArgs(); {
	case len(args) == 0, len(args) == 1 && args[0] == "memory":
	case args[0] == "redis" && len(args) == 2:
		l.Redis = &Redis{URL: args[1]}
		mistakes = append(mistakes, wrap(d, errors.Join(gate.CheckPlaceholder(args[1]), l.Redis.check())))
	case args[0] == "redis":
		return d.Err("limits redis takes one URL, such as redis://127.0.0.1:6379")
	default:
		return d.Errf("limits %s: write limits, limits memory, or limits redis <url>", args[0])
	}
	number := func(into *Number) gate.Option {
		return gate.Option{Parse: func(d *caddyfile.Dispenser) error {
			text, err := gate.OneArg(d)
			if *into = Number(text); err != nil {
				return err
			}
			return checkNumber(d, *into)
		}}
	}
	options := gate.Options{"max_clients": number(&l.MaxClients), "key_places": number(&l.KeyPlaces)}
	if l.Redis != nil {
		maps.Copy(options, l.Redis.caddyfile())
	}
	return errors.Join(append(mistakes, options.ParseBlock(d))...)
}

// caddyfile are the options of the store.
func (r *Redis) caddyfile() gate.Options {
	value := func(into *string, check func() error) gate.Option {
		return gate.Option{Parse: func(d *caddyfile.Dispenser) (err error) {
			if *into, err = gate.OneArg(d); err != nil {
				return err
			}
			return wrap(d, errors.Join(gate.CheckPlaceholder(*into), check()))
		}}
	}
	fine := func() error { return nil }
	return gate.Options{
		"user":     value(&r.User, fine),
		"password": value(&r.Password, r.checkPassword),
		"ca":       value(&r.CA, fine),
		"prefix":   value(&r.Prefix, fine),
		"budget": {Parse: func(d *caddyfile.Dispenser) error {
			text, err := gate.OneArg(d)
			if r.Budget = gate.Duration(text); err != nil {
				return err
			}
			if err = gate.CheckPlaceholder(text); err == nil && !gate.IsPlaceholder(text) {
				_, err = r.budget(literal)
			}
			return wrap(d, err)
		}},
	}
}

var _ caddyfile.Unmarshaler = (*Limits)(nil)
