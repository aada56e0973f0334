package ratelimit

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_rate_limit [<matcher>] [<requests> <window>] {
//		tier <name> [<matcher>...] {
//			limit <requests> <window> [minutes]
//			by key | ip | key_and_ip | <placeholder>
//			count failures
//			free <status>...
//			code <CODE>
//			message <sentence>
//			shadow
//			ipv6_prefix <bits>
//			shared <name>
//		}
//		plan <name> {
//			<tier> <requests> <window> [minutes]
//		}
//		exempt <network>...
//		concurrent <requests> [<matcher>...]
//		stream_max_age <duration>
//		stream_idle <duration>
//		headers draft6 draft11 | off
//	}
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	l := new(RateLimit)
	h.Next()
	var mistakes []error
	var planned []planLine
	if args := h.RemainingArgs(); len(args) > 0 {
		limit, err := limitOf(h.Dispenser, args)
		mistakes = append(mistakes, err)
		l.Tiers = append(l.Tiers, &Tier{Name: defaultTier, Limits: []Limit{limit}})
	}
	mistakes = append(mistakes, gate.Options{
		"tier":   {Repeat: true, Parse: func(d *caddyfile.Dispenser) error { return l.parseTier(h, d) }},
		"plan":   {Repeat: true, Parse: func(d *caddyfile.Dispenser) error { return l.parsePlan(d, &planned) }},
		"exempt": {Repeat: true, Parse: l.parseExempt},
		"concurrent": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			if !d.NextArg() {
				return d.Err("concurrent needs the number of requests and streams that a client may have in flight")
			}
			c := &Concurrent{Requests: gate.Number(d.Val())}
			err := wrap(d, gate.Placeholder(whole)(c.Requests))
			sets, matcherErr := gate.ParseMatchers(h, d)
			c.MatchRaw = sets
			l.Concurrent = append(l.Concurrent, c)
			return errors.Join(err, matcherErr)
		}},
		"stream_max_age": gate.Word(&l.StreamMaxAge, gate.Placeholder(lifetimeOf)),
		"stream_idle":    gate.Word(&l.StreamIdle, gate.Placeholder(lifetimeOf)),
		"headers": {Parse: func(d *caddyfile.Dispenser) error {
			if l.Headers = d.RemainingArgs(); len(l.Headers) == 0 {
				return d.Err("headers takes draft6, draft11 or both, or off")
			}
			_, err := parseFields(l.Headers)
			return wrap(d, err)
		}},
	}.ParseBlock(h.Dispenser))
	for _, line := range planned { // a plan may stand before its tiers
		if !l.hasTier(line.at.Text) {
			mistakes = append(mistakes, fmt.Errorf("plan %s: there is no tier named %s, at %s:%d", line.plan, line.at.Text, line.at.File, line.at.Line))
		}
	}
	err := errors.Join(mistakes...)
	if err == nil && l.limitsNothing() {
		err = h.Err("agent_rate_limit limits nothing: write `agent_rate_limit 100 15m`, or a tier in its block")
	}
	return l, err
}

// wrap adds the place to an error.
func wrap(d *caddyfile.Dispenser, err error) error {
	if err == nil {
		return nil
	}
	return d.WrapErr(err)
}

func (l *RateLimit) parseTier(h httpcaddyfile.Helper, d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("a tier needs a name")
	}
	t := &Tier{Name: d.Val()}
	file, line := d.File(), d.Line() // what is wrong with the whole of it is told of its first line
	if l.hasTier(t.Name) {
		return d.Errf("there are two tiers named %s", t.Name)
	}
	l.Tiers = append(l.Tiers, t)
	sets, err := gate.ParseMatchers(h, d)
	t.MatchRaw = sets
	mistakes := []error{err, gate.Options{
		"limit": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			limit, err := limitOf(d, d.RemainingArgs())
			t.Limits = append(t.Limits, limit)
			return err
		}},
		"by": {Parse: func(d *caddyfile.Dispenser) error {
			text, err := gate.OneArg(d)
			if err != nil {
				return err
			}
			if _, err := parseBy(text); err != nil {
				return d.WrapErr(err) // and not told again of the whole tier
			}
			t.By = text
			return nil
		}},
		"count": gate.Word(&t.Count),
		"free": {Parse: func(d *caddyfile.Dispenser) error {
			args := d.RemainingArgs()
			if len(args) == 0 {
				return d.Err("free needs statuses, such as 304")
			}
			for _, arg := range args {
				status, err := strconv.Atoi(arg)
				if err != nil {
					return d.Errf("free %s: this is no status", arg)
				}
				t.Free = append(t.Free, status)
			}
			return nil
		}},
		"code":    gate.Word(&t.Code),
		"message": gate.Word(&t.Message),
		"shadow": {Parse: func(*caddyfile.Dispenser) error {
			t.Shadow = true
			return nil
		}},
		"ipv6_prefix": gate.Word(&t.IPv6Prefix, gate.Placeholder(whole)),
		"shared":      gate.Word(&t.Shared),
	}.ParseBlock(d)}
	if err := t.check(); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%w, at %s:%d", err, file, line))
	}
	return errors.Join(mistakes...)
}

// planLine is a line of a plan, which begins with the name of a tier.
type planLine struct {
	plan string
	at   caddyfile.Token
}

func (l *RateLimit) parsePlan(d *caddyfile.Dispenser, lines *[]planLine) error {
	name, err := gate.OneArg(d)
	if err != nil {
		return err
	}
	if _, twice := l.Plans[name]; twice {
		return d.Errf("there are two plans named %s", name)
	}
	tiers := make(map[string][]Limit)
	var mistakes []error
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		tier := d.Val()
		*lines = append(*lines, planLine{name, d.Token()})
		at := d.Token()
		args := d.RemainingArgs()
		gate.NoteLine(at, append([]string{tier}, args...)...)
		limit, err := limitOf(d, args)
		mistakes = append(mistakes, err)
		tiers[tier] = append(tiers[tier], limit)
	}
	if len(tiers) == 0 {
		mistakes = append(mistakes, d.Errf("plan %s is empty: write lines like `api 10000 15m`", name))
	}
	if l.Plans == nil {
		l.Plans = make(map[string]map[string][]Limit)
	}
	l.Plans[name] = tiers
	return errors.Join(mistakes...)
}

func (l *RateLimit) parseExempt(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("exempt needs networks (10.0.0.0/8) or addresses")
	}
	var mistakes []error
	for _, arg := range args {
		err := gate.CheckPlaceholder(arg)
		if err == nil && !gate.IsPlaceholder(arg) {
			_, err = parseNetwork(arg)
		}
		mistakes = append(mistakes, wrap(d, err))
		l.Exempt = append(l.Exempt, arg)
	}
	return errors.Join(mistakes...)
}

// limitOf reads `<requests> <window> [minutes]`.
func limitOf(d *caddyfile.Dispenser, args []string) (limit Limit, err error) {
	if len(args) == 3 && args[2] == "minutes" {
		if _, err := strconv.Atoi(args[1]); err != nil && !gate.IsPlaceholder(args[1]) {
			return limit, d.Errf("limit %s %s minutes: `minutes` stands behind a bare number alone, such as `limit 100 15 minutes`", args[0], args[1])
		}
		limit.Minutes = true
	} else if len(args) != 2 {
		return limit, d.Err("a limit is written `<requests> <window>`, such as `100 15m`; `minutes` may follow a window that is a bare number")
	}
	limit.Requests, limit.Window = gate.Number(args[0]), gate.Duration(args[1])
	err = errors.Join(gate.CheckPlaceholder(args[0]), gate.CheckPlaceholder(args[1]))
	if err == nil && !gate.IsPlaceholder(args[0]) && !gate.IsPlaceholder(args[1]) {
		_, err = limit.resolve(gate.Literal)
	}
	return limit, wrap(d, err)
}

// whole judges a number that is no placeholder.
func whole(n gate.Number) error {
	_, err := n.Int(gate.Literal)
	return err
}

// lifetimeOf judges a duration that is no placeholder.
func lifetimeOf(d gate.Duration) error {
	_, err := positive(d, gate.Literal)
	return err
}
