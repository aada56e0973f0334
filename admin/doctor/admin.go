package doctor

import (
	"fmt"
	"strings"
)

// checkAdmin asks whether an agent, which can be talked into fetching
// localhost, can reach the admin endpoint.
func checkAdmin(d *Deployment, r *Result) {
	const remedy = "write `admin unix//run/gatehouse/admin.sock|0600` in the global options, and run the agents as another user"
	a := d.Admin
	if len(a.Answered) > 0 {
		r.fail(remedy, "an admin endpoint answers at %s, which every program of this machine can fetch, an agent too: it can change the whole configuration", strings.Join(a.Answered, ", "))
	}
	if a.Remote != "" {
		r.warn("take `remote` out of the configuration's `admin` if nobody uses it", "the admin endpoint can be reached from other machines, at %s", a.Remote)
	}
	switch {
	case !a.Unix && len(a.Answered) == 0:
		r.fail(remedy, "the admin endpoint listens on TCP, at %s", a.Address)
	case a.Unix && a.Abstract:
		r.fail(remedy, "the admin endpoint is an abstract socket (%s), which has no owner: every program of this machine can open it", a.Address)
	case a.Unix && a.Mode&0o006 != 0:
		r.fail(remedy, "every user of this machine can open the admin endpoint %s (mode %s)", a.Address, octal(a.Mode))
	case a.Unix && a.Mode&0o060 != 0:
		r.warn("let no agent run in the socket's group; or write |0600", "the group of the admin endpoint %s can open it (mode %s)", a.Address, octal(a.Mode))
	case a.Unix:
		r.ok("the admin endpoint is a socket that its owner alone can open: %s (mode %s)", a.Address, octal(a.Mode))
	}
}

func octal(mode uint32) string { return fmt.Sprintf("%04o", mode) }
