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
	options := gate.Options{"max_clients": gate.Word(&l.MaxClients, gate.Placeholder(whole)), "key_places": gate.Word(&l.KeyPlaces, gate.Placeholder(whole))}
	if l.Redis != nil {
		maps.Copy(options, l.Redis.caddyfile())
	}
	return errors.Join(append(mistakes, options.ParseBlock(d))...)
}

// caddyfile are the options of the store.
func (r *Redis) caddyfile() gate.Options {
	return gate.Options{
		"user":     gate.Word(&r.User, gate.CheckPlaceholder),
		"password": gate.Word(&r.Password, gate.CheckPlaceholder, func(string) error { return r.checkPassword() }),
		"ca":       gate.Word(&r.CA, gate.CheckPlaceholder),
		"prefix":   gate.Word(&r.Prefix, gate.CheckPlaceholder),
		"budget": gate.Word(&r.Budget, gate.Placeholder(func(gate.Duration) error {
			_, err := r.budget(gate.Literal)
			return err
		})),
	}
}

var _ caddyfile.Unmarshaler = (*Limits)(nil)
