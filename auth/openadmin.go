package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// AnonymousAdmin is the finding of a site that lets callers without a key run
// the server, from other machines than its own.
var AnonymousAdmin = gate.RegisterFinding("anonymous_admin")

// anonymousLine is the option that gives scopes to callers without a key.
const anonymousLine = "anonymous"

// adminScope is the scope of what runs a server, in every preset.
const adminScope = "admin"

// errByOtherNames is what is accepted with the finding on loopback.
var errByOtherNames = errors.New("callers without a key run the server by any name")

// checkOpenAdmin refuses the scope admin for callers without a key wherever
// others than this machine can be such callers. On this machine they are held to
// its own names.
func (a *Auth) checkOpenAdmin() error {
	if !slices.Contains(a.Anonymous, adminScope) {
		return nil
	}
	exposed := a.door.Exposed()
	if len(exposed) == 0 {
		a.ownNames = a.door.Judge(AnonymousAdmin, errByOtherNames) != nil
		return nil
	}
	danger := a.door.Judge(AnonymousAdmin, fmt.Errorf("anonymous %s lets everybody who can reach %s run the server (make agents, read its logs and environment, stop it): "+
		"take `admin` out of `anonymous` and give it to a key, or, for this machine alone, write `bind 127.0.0.1` into the site",
		strings.Join(a.Anonymous, " "), strings.Join(exposed, ", ")))
	return places.At(danger, append([]string{anonymousLine}, a.Anonymous...)...)
}
