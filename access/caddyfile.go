package access

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_ip [<matcher>] [<allowed network>...] {
//		allow <network>...
//		allow file <path>
//		deny <network>...
//		deny file <path>
//	}
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	ip := new(IP)
	h.Next()
	mistake := takeNetworks(h.Dispenser, h.RemainingArgs(), &ip.Allow)
	err := gate.Options{
		"allow": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error { return parseList(d, &ip.Allow, &ip.AllowFile) }},
		"deny":  {Repeat: true, Parse: func(d *caddyfile.Dispenser) error { return parseList(d, &ip.Deny, &ip.DenyFile) }},
	}.ParseBlock(h.Dispenser)
	if err = errors.Join(mistake, err); err == nil && len(ip.Allow)+len(ip.AllowFile)+len(ip.Deny)+len(ip.DenyFile) == 0 {
		err = h.Err("agent_ip has neither an allow nor a deny list, so it would do nothing: name networks, or take it out")
	}
	return ip, err
}

func parseList(d *caddyfile.Dispenser, networks, files *[]string) error {
	option := d.Val()
	args := d.RemainingArgs()
	switch {
	case len(args) == 0:
		return d.Errf("%s needs networks (10.0.0.0/8), or `file <path>`", option)
	case args[0] == "file" && len(args) == 2:
		*files = append(*files, args[1])
		return nil
	case args[0] == "file":
		return d.Errf("%s file takes one path", option)
	}
	return takeNetworks(d, args, networks)
}

// takeNetworks takes networks and placeholders for them.
func takeNetworks(d *caddyfile.Dispenser, args []string, into *[]string) error {
	var mistakes []error
	for _, arg := range args {
		err := gate.CheckPlaceholder(arg)
		if err == nil && !gate.IsPlaceholder(arg) {
			if _, err = ipaddr.ParseNetwork(arg); err != nil {
				err = fmt.Errorf("%q: %w", arg, err)
			}
		}
		if err != nil {
			mistakes = append(mistakes, d.WrapErr(err))
		}
		*into = append(*into, arg)
	}
	return errors.Join(mistakes...)
}
