package backend

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// UnmarshalCaddyfile sets up the transport from Caddyfile tokens. Syntax:
//
//	transport agent_backend {
//		key <placeholder>
//		header <name>
//		socket_key <placeholder>
//		listens <address>
//		spread <requests> [<path>...]
//		errors <backend>
//		conceal <parent>.<member> [unless <scope>]
//		salt <placeholder>
//		<option of transport http> ...
//	}
func (t *Transport) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	name := d.Token()
	if d.NextArg() {
		return d.ArgErr()
	}
	// The options of Caddy's own transport are collected and handed to it.
	var rest []caddyfile.Token
	options := gate.Options{
		"key":        {Parse: placeholder(&t.Key)},
		"socket_key": {Parse: placeholder(&t.SocketKey)},
		"header":     {Parse: text(&t.Header)},
		"listens":    {Parse: text(&t.Listens)},
		"salt":       {Parse: text(&t.Salt)},
		"errors": {Parse: func(d *caddyfile.Dispenser) (err error) {
			if t.Errors, err = gate.OneArg(d); err != nil {
				return err
			}
			if _, err = gate.ErrorsOf(t.Errors); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}},
		"spread":  {Repeat: true, Parse: t.parseSpread},
		"conceal": {Repeat: true, Parse: t.parseConceal},
	}
	var own []caddyfile.Token
	var open, shut caddyfile.Token
	for d.NextBlock(0) {
		if open.Text == "" {
			d.Prev()
			open = d.Token()
			d.Next()
		}
		segment := d.NextSegment()
		if _, ours := options[segment.Directive()]; ours {
			own = append(own, segment...)
		} else {
			rest = append(rest, segment...)
		}
	}
	if open.Text == "" {
		return nil
	}
	shut = d.Token()
	wrap := func(tokens []caddyfile.Token) *caddyfile.Dispenser {
		all := append([]caddyfile.Token{name, open}, tokens...)
		return caddyfile.NewDispenser(append(all, shut))
	}
	block := wrap(own)
	block.Next()
	if err := options.ParseBlock(block); err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	return t.HTTPTransport.UnmarshalCaddyfile(wrap(rest))
}

func (t *Transport) parseSpread(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("spread needs the number of requests that one source address may carry, such as 500")
	}
	requests, err := strconv.Atoi(args[0])
	if err != nil {
		return d.Errf("spread %s: this is no number", args[0])
	}
	share := Share{Requests: requests, Paths: args[1:]}
	if err := checkShares([]Share{share}); err != nil {
		return d.WrapErr(err)
	}
	t.Spread = append(t.Spread, share)
	return nil
}

func (t *Transport) parseConceal(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 1 && (len(args) != 3 || args[1] != "unless") {
		return d.Err("conceal is written `conceal settings.secrets`, or `conceal settings.secrets unless admin` for those who may see it")
	}
	c := &Concealed{Member: args[0]}
	if len(args) == 3 {
		c.Unless = args[2]
	}
	if err := c.provision(); err != nil {
		return d.WrapErr(err)
	}
	t.Conceal = append(t.Conceal, c)
	return nil
}

func text(into *string) func(d *caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) (err error) {
		*into, err = gate.OneArg(d)
		return err
	}
}

func placeholder(into *string) func(d *caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		value, err := gate.OneArg(d)
		if err != nil {
			return err
		}
		if !gate.IsPlaceholder(value) {
			return d.WrapErr(errLiteral(name))
		}
		if err := gate.CheckPlaceholder(value); err != nil {
			return d.WrapErr(err)
		}
		*into = value
		return nil
	}
}

var _ caddyfile.Unmarshaler = (*Transport)(nil)
