// Package gatehouse is the front gate for AI-agent backends: Caddy modules
// that put an agent server, ElizaOS first, safely on the internet.
//
// Importing this package brings all of them, so that one `--with` builds the
// gate into Caddy with xcaddy. What each part does is documented in the
// packages below: gate (the door), auth (keys), backend (the way to the
// backend), events (the security log).
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
