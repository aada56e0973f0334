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
	for _, site := range portrait.Sites {
		for _, key := range site.Keys {
			k.warnOf("the key "+key.ID, gate.PlaceOf(keyScopes(key.ID), key.Scopes), key.Scopes, site.Scopes)
		}
		k.warnOf("`anonymous`", gate.PlaceOf(anonymousLine, site.Anonymous), site.Anonymous, site.Scopes)
	}
	k.using.Lock()
	defer k.using.Unlock()
	k.asked = portrait.Scopes()
	for _, source := range k.Characters {
		k.warnOf("`characters "+source.Files+"`", gate.PlaceOf(charactersLine, append([]string{source.Files}, source.Scopes...)), source.Scopes, k.asked)
	}
	k.warnOfFile()
	return nil
}

// warnOfFile tells of such scopes in the key file, once for as long as they
// stand there. k.using is held.
func (k *KeyRing) warnOfFile() {
	if k.document == nil || k.asked == nil {
		return
	}
	told := make(map[string]bool)
	for i, key := range k.document.Keys {
		if !key.Revoked.IsZero() {
			continue
		}
		what := key.ID + " " + strings.Join(key.Scopes, " ")
		if told[what] = true; !k.toldScopes[what] {
			k.warnOf("the key "+key.ID, fmt.Sprintf("%s: keys[%d]: ", k.File, i), key.Scopes, k.asked)
		}
	}
	k.toldScopes = told
}

func (k *KeyRing) warnOf(who, place string, held, asked []string) {
	for _, scope := range gate.UnaskedScopes(held, asked) {
		k.logger.Warn(fmt.Sprintf("%s%s has the scope %s, which no rule asks for: it gives nothing", place, who, scope),
			zap.Strings("asked", slices.Compact(slices.Sorted(slices.Values(asked)))))
	}
}
