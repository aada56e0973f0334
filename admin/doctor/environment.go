package doctor

import (
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// place is where a variable of the backend is to be set.
func (e Environment) place() string {
	if e.Source == "" || strings.HasPrefix(e.Source, "process ") {
		return "in the environment of the backend"
	}
	return "in " + e.Source
}

// checkNodeEnv is item 4: "Set NODE_ENV=production".
func checkNodeEnv(d *Deployment, r *Result) {
	remedy := "write NODE_ENV=production " + d.Environment.place()
	switch value, known := d.Environment.Values["NODE_ENV"]; {
	case value == "production":
		r.ok("NODE_ENV is production (%s)", d.Environment.Source)
	case known && value != "":
		r.fail(remedy, "NODE_ENV is %q (%s)", value, d.Environment.Source)
	case d.Environment.Source != "":
		r.fail(remedy, "NODE_ENV is not set (%s)", d.Environment.Source)
	default:
		r.warn(remedy+", and name the file with `env_file` in the global option gatehouse", "nobody knows what the backend runs with")
	}
}

// checkServerHost is what keeps the backend from being reached past the gate.
func checkServerHost(d *Deployment, r *Result) {
	remedy := "write SERVER_HOST=127.0.0.1 " + d.Environment.place() + ", and restart the backend"
	value := d.Environment.Values["SERVER_HOST"]
	switch {
	case value != "" && ipaddr.IsLoopback(value):
		r.ok("SERVER_HOST is %s (%s)", value, d.Environment.Source)
	case value != "":
		r.fail(remedy, "SERVER_HOST is %s (%s): the backend listens for others than the gate", value, d.Environment.Source)
	case d.Environment.Source != "":
		r.fail(remedy, "SERVER_HOST is not set (%s): ElizaOS listens on every address then", d.Environment.Source)
	default:
		r.warn(remedy, "nobody knows what the backend runs with")
	}
}
