// Package gatehouse is the front gate for AI-agent backends: Caddy modules
// that put an agent server, ElizaOS first, safely on the internet.
//
// Importing this package brings all of them, so that one `--with` builds the
// gate into Caddy with xcaddy. This package itself holds the names of the
// directives, their order, and the directive gatehouse. What each part does is
// documented in the packages below, in the order in which a request meets
// them: gate (the request and the door), headers (security headers and CORS),
// access (address lists), securitylog (attack patterns), auth (keys),
// ratelimit (limits), validate (the form of requests), backend (the way to the
// backend); and events (the security log), elizaos (the preset), admin (the
// command line).
package gatehouse

import (
	// Every package that registers modules, routes or presets is named here,
	// and nowhere else.
	_ "github.com/gatehouse-dev/caddy-gatehouse/access"
	_ "github.com/gatehouse-dev/caddy-gatehouse/admin"
	_ "github.com/gatehouse-dev/caddy-gatehouse/auth"
	_ "github.com/gatehouse-dev/caddy-gatehouse/backend"
	_ "github.com/gatehouse-dev/caddy-gatehouse/elizaos"
	_ "github.com/gatehouse-dev/caddy-gatehouse/gate"
	_ "github.com/gatehouse-dev/caddy-gatehouse/headers"
	_ "github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
	_ "github.com/gatehouse-dev/caddy-gatehouse/securitylog"
	_ "github.com/gatehouse-dev/caddy-gatehouse/validate"
)
