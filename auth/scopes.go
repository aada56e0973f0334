package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
)

// scopesAsked is every scope that the site asks callers for: by its own lines,
// and by the table of what is said on sockets.
func (a *Auth) scopesAsked() []string {
	asked := a.scopesRequired()
	if a.table != nil {
		asked = append(asked, a.table.Scopes()...)
	}
	return asked
}

// keyScopes is what the scopes of a key's block are kept by, with their line.
func keyScopes(id string, scopes []string) string {
	return "key " + id + " scopes " + strings.Join(scopes, " ")
}

// placeOf is where the line of that option stands, with a colon and a blank
// behind it; "" where nobody knows.
func placeOf(option string, args ...string) string {
	if place := places.Of(append([]string{option}, args...)...); place != "" {
		return place + ": "
	}
	return ""
}

// charactersLine is the option that names character files.
const charactersLine = "characters"

// wanted is what sites want of keys.
type wanted struct {
	scopes, plans []string
	// limited says that they limit callers. Where nobody is limited, a plan is no
	// more than a name for others to use.
	limited bool
}

func wantedBy(sites ...*gate.SitePortrait) *wanted {
	w := new(wanted)
	for _, site := range sites {
		w.scopes = append(w.scopes, site.Scopes...)
		if len(site.Limits) > 0 {
			w.limited, w.plans = true, append(w.plans, site.Plans...)
		}
	}
	w.scopes, w.plans = sortedSet(w.scopes), sortedSet(w.plans)
	return w
}

func sortedSet(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// warnOfScopes tells of scopes that no rule asks for, and of plans that no limits
// know, of the sites' keys and of the key file's: whoever has written them
// believes that they give something. It runs when the configuration is started.
func (k *KeyRing) warnOfScopes() error {
	sites := k.app.Portrait().Sites
	for _, site := range sites {
		here := wantedBy(site)
		for _, key := range site.Keys {
			k.warnOf(here, "the key "+key.ID, placeOf(keyScopes(key.ID, key.Scopes)), key.Scopes)
			k.warnOfPlan(here, "the key "+key.ID, key.Plan)
		}
		k.warnOf(here, "`anonymous`", placeOf(anonymousLine, site.Anonymous...), site.Anonymous)
	}
	k.using.Lock()
	defer k.using.Unlock()
	k.wanted = wantedBy(sites...)
	for _, source := range k.Characters {
		k.warnOf(k.wanted, "`characters "+source.Files+"`", placeOf(charactersLine, append([]string{source.Files}, source.Scopes...)...), source.Scopes)
	}
	k.warnOfFile()
	return nil
}

// warnOfFile tells of such scopes and plans in the key file, once for as long as
// they stand there. k.using is held.
func (k *KeyRing) warnOfFile() {
	if k.document == nil || k.wanted == nil {
		return
	}
	told := make(map[string]bool)
	for i, key := range k.document.Keys {
		if !key.Revoked.IsZero() {
			continue
		}
		what := key.ID + " " + key.Plan + " " + strings.Join(key.Scopes, " ")
		if told[what] = true; !k.toldScopes[what] {
			place := fmt.Sprintf("%s: keys[%d]: ", k.File, i)
			k.warnOf(k.wanted, "the key "+key.ID, place, key.Scopes)
			k.warnOfPlan(k.wanted, place+"the key "+key.ID, key.Plan)
		}
	}
	k.toldScopes = told
}

func (k *KeyRing) warnOfPlan(w *wanted, who, plan string) {
	if plan == "" || !w.limited || slices.Contains(w.plans, plan) {
		return
	}
	k.logger.Warn(fmt.Sprintf("%s has the plan %s, which no agent_rate_limit knows: the limits of its tiers hold for it as for everybody", who, plan),
		zap.Strings("plans", w.plans))
}

func (k *KeyRing) warnOf(w *wanted, who, place string, held []string) {
	for _, scope := range gate.UnaskedScopes(held, w.scopes) {
		k.logger.Warn(fmt.Sprintf("%s%s has the scope %s, which no rule asks for: it gives nothing", place, who, scope),
			zap.Strings("asked", w.scopes))
	}
}
