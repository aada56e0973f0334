package auth

import "github.com/gatehouse-dev/caddy-gatehouse/gate"

// Sit tells of the keys that are written in the site, without what opens them.
func (a *Auth) Sit(site *gate.SitePortrait) {
	site.Scopes = append(site.Scopes, a.scopesAsked()...)
	site.Anonymous = append(site.Anonymous, a.Anonymous...)
	for _, k := range a.Keys {
		from := k.Secret
		switch {
		case k.New:
			from = "new"
		case k.Hash != "":
			from = "hash"
		}
		site.Keys = append(site.Keys, gate.KeyPortrait{ID: k.ID, From: from, Scopes: k.Scopes, Plan: k.Plan, Bits: a.bits[k.ID]})
	}
}

var _ gate.Sitter = (*Auth)(nil)
