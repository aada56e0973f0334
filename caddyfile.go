package gatehouse

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/access"
	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/headers"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog"
	"github.com/gatehouse-dev/caddy-gatehouse/validate"
)

// handlerDirectives are the directives of one handler each, in the order in
// which a request meets them. In the `gatehouse` directive they stand without
// the prefix "agent_".
var handlerDirectives = []struct {
	name  string
	parse httpcaddyfile.UnmarshalHandlerFunc
}{
	{"agent_gate", gate.ParseCaddyfile},
	{"agent_headers", headers.ParseHeaders},
	{"agent_cors", headers.ParseCORS},
	{"agent_ip", access.ParseCaddyfile},
	{"agent_security_log", securitylog.ParseCaddyfile},
	{"agent_auth", auth.ParseCaddyfile},
	{"agent_rate_limit", ratelimit.ParseCaddyfile},
	{"agent_validate", validate.ParseCaddyfile},
}

func init() {
	for _, directive := range handlerDirectives {
		if directive.name == "agent_cors" {
			httpcaddyfile.RegisterDirective(directive.name, headers.ParseCORSDirective)
		} else {
			httpcaddyfile.RegisterHandlerDirective(directive.name, gate.Noted(directive.parse))
		}
		// agent_gate is the outermost place of the site, so that every error
		// leaves by its door. The others share one anchor and so keep the
		// order of the list; it lies before the one that other modules use
		// (basic_auth), so that no order of initialisation changes theirs.
		position, anchor := httpcaddyfile.Before, "basicauth"
		if directive.name == "agent_gate" {
			position, anchor = httpcaddyfile.After, "tracing"
		}
		httpcaddyfile.RegisterDirectiveOrder(directive.name, position, anchor)
	}
	httpcaddyfile.RegisterDirective("gatehouse", parseGatehouse)
	// It ends in the proxy, so encode, respond and handle must come before it.
	httpcaddyfile.RegisterDirectiveOrder("gatehouse", httpcaddyfile.After, "route")
}
