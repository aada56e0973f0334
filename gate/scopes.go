package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// UnaskedScope is a scope of a caller that no rule asks for. It gives nothing,
// and is nearly always a slip.
type UnaskedScope struct {
	// Scope is its name; of a long one, which may be a secret in the wrong
	// place, the length.
	Scope string
	// Meant is the scope that was probably meant; "" where none is like it.
	Meant string
}

// String says what was written, and what was probably meant.
func (u UnaskedScope) String() string {
	if u.Meant == "" {
		return u.Scope
	}
	return u.Scope + " (is " + u.Meant + " meant?)"
}

// longScope is how long a secret is at least.
const longScope = 16

// UnaskedScopes are the scopes held that nobody is asked for. Where nobody is
// asked for any, they are the backend's business, and none is unasked.
func UnaskedScopes(held, asked []string) []UnaskedScope {
	var unasked []UnaskedScope
	for _, scope := range held {
		if len(asked) == 0 || scope == EveryScope || slices.Contains(asked, scope) {
			continue
		}
		u := UnaskedScope{Scope: scope, Meant: likest(scope, asked)}
		if len(scope) >= longScope {
			u.Scope = fmt.Sprintf("one of %d characters", len(scope))
		}
		unasked = append(unasked, u)
	}
	return unasked
}

// likest is the name that is most like a word: the same but for capitals, one
// that begins as the other, or one with at most half of the letters changed.
func likest(word string, names []string) string {
	best, least := "", len(word)
	word = strings.ToLower(word)
	for _, name := range names {
		lower := strings.ToLower(name)
		distance := events.Distance(word, lower)
		if strings.HasPrefix(word, lower) || strings.HasPrefix(lower, word) {
			distance = min(distance, 1)
		}
		if distance < least && 2*distance <= max(len(word), len(lower)) {
			best, least = name, distance
		}
	}
	return best
}
