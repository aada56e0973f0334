package doctor

import (
	"fmt"
	"strings"
)

// healthPath is open in the presets, for load balancers.
const healthPath = "/healthz"

// checkOpen asks which paths answer somebody who has no key.
func checkOpen(d *Deployment, r *Result) {
	for _, s := range d.guarded() {
		var open []string
		for _, a := range s.Open {
			if a.Path != healthPath {
				open = append(open, fmt.Sprintf("%s %s (%d)", a.Method, a.Path, a.Status))
			}
		}
		switch {
		case s.Unreachable != "" || s.Refused == nil:
			r.warn("see the check certificate", "%s could not be asked", s.Name)
		case len(open) == 0:
			r.ok("%s asks for a key everywhere it was tried, but for %s", s.Name, healthPath)
		case len(s.Anonymous) > 0:
			r.warn("if only callers with a key are meant, take the line `anonymous` out of agent_auth",
				"%s lets callers without a key have %s: %s", s.Name, strings.Join(s.Anonymous, " "), strings.Join(open, ", "))
		default:
			r.fail("take the `public` line that opens it out of agent_auth, or the handler that answers before it",
				"%s answers without a key: %s", s.Name, strings.Join(open, ", "))
		}
	}
}
