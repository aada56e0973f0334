package gate

import (
	"slices"
	"strings"
)

// EveryScope is the scope that stands for all of them.
const EveryScope = "*"

// Principal is who a request was authenticated as. A caller without a key has
// a Principal too, with an empty KeyID and the scopes of `anonymous`.
type Principal struct {
	// KeyID is the stable id of the key, the same over rotations. Limits and
	// logs hang on it.
	KeyID string
	// Scopes is what the caller may do.
	Scopes []string
	// Plan names the limits that the key has bought, if any.
	Plan string
	// Shared is true for a key from the environment, which many people use:
	// it is limited by key and address together.
	Shared bool
	// Agents are the ids of the agents that the caller may reach. Empty: all.
	Agents []string
}

// Has reports whether the principal holds a scope.
func (p *Principal) Has(scope string) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, EveryScope)
}

// Limited reports whether the principal may reach some agents only.
func (p *Principal) Limited() bool { return len(p.Agents) > 0 }

// MayReach reports whether the principal may reach an agent. Ids are compared
// without regard to case.
func (p *Principal) MayReach(agent string) bool {
	return !p.Limited() || slices.ContainsFunc(p.Agents, func(own string) bool { return strings.EqualFold(own, agent) })
}

// Anonymous reports whether the caller presented no key.
func (p *Principal) Anonymous() bool { return p.KeyID == "" }
