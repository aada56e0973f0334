package auth

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// ring is a set of keys, with the principal of each.
type ring struct {
	keys       *keys.Ring
	principals map[string]*principal
	agents     map[string]bool // those that keys are limited to, in small letters
}

// newRing makes the ring of the keys of a place, which is a site or the key file.
func newRing(place string, known []keys.Key, pepper []byte) (*ring, error) {
	found, err := keys.NewRing(known, pepper)
	if err != nil {
		return nil, err
	}
	principals, agents := make(map[string]*principal, len(known)), make(map[string]bool)
	for _, k := range known {
		p := newPrincipal(&gate.Principal{KeyID: k.ID, Scopes: k.Scopes, Plan: k.Plan, Shared: k.Shared, Agents: k.Agents})
		p.owner, p.entity = place+" "+k.ID, k.Entity
		principals[k.ID] = p
		for _, agent := range k.Agents {
			agents[strings.ToLower(agent)] = true
		}
	}
	return &ring{keys: found, principals: principals, agents: agents}, nil
}

// rings are the keys that a request is held against: those written in the
// site, and those that all sites share. They stay the same for one request,
// whatever changes meanwhile.
type rings struct {
	site, shared *ring
	names        []string // of the site, which a shared key may be limited to
	// look is how a secret is looked up: with the time of use set, or without.
	look func(*keys.Ring, string, time.Time) keys.Use
}

func (a *Auth) rings() rings {
	r := rings{site: a.ring.Load(), names: a.siteNames, look: (*keys.Ring).Look}
	if a.shared != nil {
		r.shared = a.shared.current.Load()
	}
	return r
}

// knowAgent reports whether a key is limited to an agent of that id, which is
// in small letters.
func (r rings) knowAgent(id string) bool {
	return r.site != nil && r.site.agents[id] || r.shared != nil && r.shared.agents[id]
}

// resume finds the key that a pass stands for, by its id and that of its
// secret, and asks proves whether the pass was made for the secret of that hash.
func (r rings) resume(key, secret string, now time.Time, proves func(keys.Hash) bool) (keys.Use, *ring) {
	use := r.site.keys.Resume(key, secret, now, proves)
	if use.Key != nil || r.shared == nil {
		return use, r.site
	}
	use = r.shared.keys.Resume(key, secret, now, proves)
	if use.Key != nil && len(use.Key.Sites) > 0 && !slices.ContainsFunc(r.names, use.Key.AllowsSite) {
		return keys.Use{}, r.shared
	}
	return use, r.shared
}

// find looks a secret up. The key is in the ring that is returned with it.
func (r rings) find(secret string, now time.Time) (keys.Use, *ring) {
	use := r.look(r.site.keys, secret, now)
	if use.Key != nil || r.shared == nil {
		return use, r.site
	}
	use = r.look(r.shared.keys, secret, now)
	if use.Key != nil && len(use.Key.Sites) > 0 && !slices.ContainsFunc(r.names, use.Key.AllowsSite) {
		return keys.Use{}, r.shared // a key of another site is no key here
	}
	return use, r.shared
}

// know reports whether a text is a secret of a key, whatever has become of it.
// It sets no time of use.
func (r rings) know(text string) bool {
	hash := keys.HashSecret(text)
	return r.site.keys.Knows(hash) || r.shared != nil && r.shared.keys.Knows(hash)
}
