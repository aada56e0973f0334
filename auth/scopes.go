package auth

import (
	"fmt"
	"slices"
	"strings"

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
func keyScopes(id string) string { return "key " + id + " scopes" }

// charactersLine is the option that names character files.
const charactersLine = "characters"

// warnOfScopes tells of scopes that no rule asks for, of the sites' keys and
// of the key file's: whoever has written them believes that they give
// something. It runs when the configuration is started.
func (k *KeyRing) warnOfScopes() error {
	portrait := k.app.Portrait()
	var plans []string
	for _, site := range portrait.Sites {
		if len(site.Limits) > 0 {
			plans = append(append([]string{}, plans...), site.Plans...)
		}
	}
	for _, site := range portrait.Sites {
		for _, key := range site.Keys {
			k.warnOf("the key "+key.ID, gate.PlaceOf(keyScopes(key.ID), key.Scopes), key.Scopes, site.Scopes)
			if len(site.Limits) > 0 {
				k.warnOfPlan("the key "+key.ID, key.Plan, append([]string{}, site.Plans...))
			}
		}
		k.warnOf("`anonymous`", gate.PlaceOf(anonymousLine, site.Anonymous), site.Anonymous, site.Scopes)
	}
	k.using.Lock()
	defer k.using.Unlock()
	k.asked, k.plans = portrait.Scopes(), plans
	for _, source := range k.Characters {
		k.warnOf("`characters "+source.Files+"`", gate.PlaceOf(charactersLine, append([]string{source.Files}, source.Scopes...)), source.Scopes, k.asked)
	}
	k.warnOfFile()
	return nil
}

// warnOfFile tells of such scopes in the key file, once for as long as they
// stand there. k.using is held.
func (k *KeyRing) warnOfFile() {
	if k.document == nil || k.asked == nil && k.plans == nil {
		return
	}
	told := make(map[string]bool)
	for i, key := range k.document.Keys {
		if !key.Revoked.IsZero() {
			continue
		}
		what := key.ID + " " + key.Plan + " " + strings.Join(key.Scopes, " ")
		if told[what] = true; !k.toldScopes[what] {
			k.warnOf("the key "+key.ID, fmt.Sprintf("%s: keys[%d]: ", k.File, i), key.Scopes, k.asked)
			k.warnOfPlan(fmt.Sprintf("%s: keys[%d]: the key %s", k.File, i, key.ID), key.Plan, k.plans)
		}
	}
	k.toldScopes = told
}

// warnOfPlan tells of a plan that no limits know; known is nil where nothing is
// limited, and a plan is no more than a name for others to use.
func (k *KeyRing) warnOfPlan(who, plan string, known []string) {
	if plan == "" || known == nil || slices.Contains(known, plan) {
		return
	}
	k.logger.Warn(fmt.Sprintf("%s has the plan %s, which no agent_rate_limit knows: the limits of its tiers hold for it as for everybody", who, plan),
		zap.Strings("plans", slices.Compact(slices.Sorted(slices.Values(known)))))
}

func (k *KeyRing) warnOf(who, place string, held, asked []string) {
	for _, scope := range gate.UnaskedScopes(held, asked) {
		k.logger.Warn(fmt.Sprintf("%s%s has the scope %s, which no rule asks for: it gives nothing", place, who, scope),
			zap.Strings("asked", slices.Compact(slices.Sorted(slices.Values(asked)))))
	}
}
