package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// AnonymousAdmin is the finding of a site that lets callers without a key run
// the server, from other machines than its own.
var AnonymousAdmin = gate.RegisterFinding("anonymous_admin")

// anonymousLine is the option that gives scopes to callers without a key.
const anonymousLine = "anonymous"

// adminScope is the scope of what runs a server, in every preset.
const adminScope = "admin"

// checkOpenAdmin refuses the scope admin for callers without a key wherever
// others than this machine can be such callers.
func (a *Auth) checkOpenAdmin() error {
	exposed := a.door.Exposed()
	if !slices.Contains(a.Anonymous, adminScope) || len(exposed) == 0 {
		return nil
	}
	return a.door.Judge(AnonymousAdmin, fmt.Errorf("%sanonymous %s lets everybody who can reach %s run the server (make agents, read its logs and environment, stop it): "+
		"take `admin` out of `anonymous` and give it to a key, or, for this machine alone, write `bind 127.0.0.1` into the site",
		gate.PlaceOf(anonymousLine, a.Anonymous), strings.Join(a.Anonymous, " "), strings.Join(exposed, ", ")))
}
