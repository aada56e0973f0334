package securitylog

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"golang.org/x/net/http/httpguts"
)

// ParseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_security_log [<matcher>] {
//		detect all | <class>...
//		block  all | <class>...
//		ignore all | <class> <matcher>...
//		header <name>...
//		body   <matcher>...
//	}
func ParseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(SecurityLog)
	h.Next()
	if h.NextArg() {
		return nil, h.Errf("`%s`: agent_security_log takes no argument but a matcher, such as /api/* or @name: its options stand in a block behind it", h.Val())
	}
	err := gate.Options{
		"detect": {Parse: func(d *caddyfile.Dispenser) error { return parseClasses(d, &s.Detect) }},
		"block":  {Parse: func(d *caddyfile.Dispenser) error { return parseClasses(d, &s.Block) }},
		"ignore": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			exception, err := parseException(h, d)
			s.Ignore = append(s.Ignore, exception)
			return err
		}},
		"header": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error { return parseHeaders(d, &s.Headers) }},
		"body": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			sets, err := gate.ParseMatchers(h, d)
			if err == nil && len(sets) == 0 {
				return d.Err("body needs a path or a @matcher: the requests whose bodies are to be looked at")
			}
			s.BodiesRaw = append(s.BodiesRaw, sets...)
			return err
		}},
	}.ParseBlock(h.Dispenser)
	if err == nil {
		if _, mistake := chosen(s.Detect, s.Block); mistake != nil {
			err = h.WrapErr(mistake)
		}
	}
	return s, err
}

func parseClasses(d *caddyfile.Dispenser, into *[]string) error {
	option := d.Val()
	if *into = d.RemainingArgs(); len(*into) == 0 {
		return d.Errf("%s needs classes, such as `%s sqli traversal`, or `%s all`", option, option, option)
	}
	if _, err := classSet(*into); err != nil {
		return d.WrapErr(fmt.Errorf("%s: %w", option, err))
	}
	return nil
}

func parseException(h httpcaddyfile.Helper, d *caddyfile.Dispenser) (*Exception, error) {
	exception := new(Exception)
	if !d.NextArg() {
		return exception, d.Err("ignore is written `ignore <class> <matcher>`")
	}
	exception.Class = d.Val()
	if _, err := classSet([]string{exception.Class}); err != nil {
		return exception, d.WrapErr(fmt.Errorf("ignore: %w", err))
	}
	sets, err := gate.ParseMatchers(h, d)
	if err == nil && len(sets) == 0 {
		return exception, d.Errf("ignore %s: say in which requests, by a path or a @matcher; to look for it nowhere, leave it out of detect", exception.Class)
	}
	exception.MatchRaw = sets
	return exception, err
}

func parseHeaders(d *caddyfile.Dispenser, into *[]string) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("header needs the names of headers")
	}
	var mistakes []error
	for _, name := range args {
		if err := checkHeader(name); err != nil {
			mistakes = append(mistakes, d.WrapErr(err))
		}
	}
	*into = append(*into, args...)
	return errors.Join(mistakes...)
}

// checkHeader judges the name of a header to look at.
func checkHeader(name string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is no name of a header", name)
	}
	return nil
}
