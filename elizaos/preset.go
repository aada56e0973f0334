// Package elizaos is what Gatehouse knows of ElizaOS 1.x, as data: the preset,
// written in the directives that everybody can write, and the table of the
// server's routes. No request takes another way for its sake. The rooms that
// read what the server says or is set to (its errors in backend, its variables
// in gate and admin) know those by themselves.
package elizaos

import (
	_ "embed"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

//go:embed elizaos.caddyfile
var preset string

func init() {
	gate.RegisterPreset("elizaos", preset)
	gate.RegisterRouteTable("elizaos", compile(routes))
	gate.RegisterPages("elizaos", pages)
	gate.RegisterErrors("elizaos", misjudged)
}
