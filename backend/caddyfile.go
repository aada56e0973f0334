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
//		header <name> [<scheme>]
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
		return d.Err("transport agent_backend takes no arguments: its options stand in a block behind it")
	}
	// The options of Caddy's own transport are collected and handed to it.
	var rest []caddyfile.Token
	options := gate.Options{
		"key":        gate.Word(&t.Key, secret("key"), gate.CheckPlaceholder),
		"socket_key": gate.Word(&t.SocketKey, secret("socket_key"), gate.CheckPlaceholder),
		"header":     {Parse: t.parseHeader},
		"listens":    gate.Word(&t.Listens),
		"salt":       gate.Word(&t.Salt),
		"errors":     gate.Word(&t.Errors, gate.Readable[string](gate.ErrorsOf)),
		"spread":     {Repeat: true, Parse: t.parseSpread},
		"conceal":    {Repeat: true, Parse: t.parseConceal},
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
		gate.NoteModule(name, t)
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
	if len(rest) > 0 {
		if err := t.HTTPTransport.UnmarshalCaddyfile(wrap(rest)); err != nil {
			return err
		}
	}
	gate.NoteModule(name, t)
	return nil
}

func (t *Transport) parseHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return d.Err("header is written `header X-Backend-Key`, or `header Authorization Bearer` for a key with a scheme before it")
	}
	t.Header = args[0]
	if len(args) == 2 {
		t.Scheme = args[1]
	}
	return nil
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

// secret refuses a key that stands in the clear.
func secret(name string) func(string) error {
	return func(value string) error {
		if !gate.IsPlaceholder(value) {
			return errLiteral(name)
		}
		return nil
	}
}

var _ caddyfile.Unmarshaler = (*Transport)(nil)
