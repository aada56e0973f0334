package headers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/headers/cors"
)

// ParseCORS sets up the handler agent_cors from Caddyfile tokens. Syntax:
//
//	agent_cors [<matcher>] off | <origin>... {
//		credentials [on | off]
//		methods <method>...
//		headers <name>...
//		expose <name>...
//		max_age <duration>
//	}
func ParseCORS(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c := new(CORS)
	h.Next()
	at := *h.Dispenser // for what is found when the block has been read
	args := h.RemainingArgs()
	if slices.Equal(args, []string{"off"}) {
		c.Off = true
	} else {
		c.Origins = args
	}
	var mistake error
	switch {
	case len(args) == 0:
		mistake = h.Err("agent_cors needs the origins whose pages may use this site, or off")
	case !c.Off:
		mistake = checkOrigins(h.Dispenser, c.Origins)
	}
	names := func(into *[]string, check func([]string) error) gate.Option {
		return gate.Option{Parse: func(d *caddyfile.Dispenser) error {
			option := d.Val()
			if *into = d.RemainingArgs(); len(*into) == 0 {
				return d.Errf("%s is empty", option)
			}
			return literally(d, *into, func() error { return check(*into) })
		}}
	}
	some := []string{"https://app.example.com"} // the names are judged with any origin
	err := gate.Options{
		"credentials": {Parse: func(d *caddyfile.Dispenser) error {
			switch args := d.RemainingArgs(); {
			case len(args) == 0, slices.Equal(args, []string{"on"}):
				c.Credentials = true
			case !slices.Equal(args, []string{"off"}):
				return d.Err("credentials is on or off")
			}
			return nil
		}},
		"methods": names(&c.Methods, func(n []string) error { _, err := cors.New(cors.Config{Origins: some, Methods: n}); return err }),
		"headers": names(&c.Headers, func(n []string) error { _, err := cors.New(cors.Config{Origins: some, Headers: n}); return err }),
		"expose":  names(&c.Expose, func(n []string) error { _, err := cors.New(cors.Config{Origins: some, Expose: n}); return err }),
		"max_age": gate.Word(&c.MaxAge, gate.Placeholder(func(max gate.Duration) error {
			age, err := max.Value(gate.Literal, 0)
			if err == nil && age < 0 {
				err = fmt.Errorf("max_age %s: it cannot be negative", max)
			}
			if err == nil {
				_, err = cors.New(cors.Config{Origins: some, MaxAge: age})
			}
			return err
		})),
	}.ParseBlock(h.Dispenser)
	if err = errors.Join(mistake, err); err == nil && !c.Off {
		err = literally(&at, c.Origins, func() error {
			_, err := cors.New(cors.Config{Origins: cors.Split(strings.Join(c.Origins, ",")), Credentials: c.Credentials})
			return err
		})
	}
	return c, err
}

// ParseCORSDirective reads the directive with its matcher. A * is the origin,
// where other directives would take it for a matcher of everything.
func ParseCORSDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	anyOrigin := h.NextArg() && h.Val() == cors.AnyOrigin
	h.Reset()
	var matcher caddy.ModuleMap
	if !anyOrigin {
		var err error
		h.Next()
		if matcher, err = h.ExtractMatcherSet(); err != nil {
			return nil, err
		}
	}
	handler, err := gate.Noted(ParseCORS)(h)
	if err != nil {
		return nil, err
	}
	return h.NewRoute(matcher, handler), nil
}

// checkOrigins judges the origins that stand there literally.
func checkOrigins(d *caddyfile.Dispenser, entries []string) error {
	var mistakes []error
	for _, entry := range entries {
		mistakes = append(mistakes, literally(d, []string{entry}, func() error {
			var found []error
			for _, origin := range cors.Split(entry) {
				found = append(found, cors.CheckOrigin(origin))
			}
			return errors.Join(found...)
		}))
	}
	return errors.Join(mistakes...)
}
