// Package keys is the engine that decides which key a secret belongs to: the format of secrets, their hashes, the
// look-up, the key file and what may be done to it. It knows nothing of HTTP and imports nothing of Caddy, so the
// handler, the command line and the admin API share it.
//
// A [Key] has a stable id and one or more secrets. Limits, logs and cookies hang on the id, so a key can be rotated
// without a second quota. A [Ring] is an immutable set of keys, made for look-ups from many goroutines. A [Document] is
// the key file in memory, a [File] its place on disk and a [Watcher] tells when it changes.
//
// No secret is ever kept: it is hashed where it enters and forgotten. Nothing here prints one.
package keys

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// Secret is one secret of a key, as its hash. Zero times mean: not known, no end, never used, not revoked. As JSON and as
// text it shows everything but the hash; only a [Document] writes that.
type Secret struct {
	// Hash is SHA-256 of the secret, or HMAC(pepper, SHA-256(secret)) when Peppered is set.
	Hash Hash `json:"-"`
	// Created is when the secret was made or imported, NotAfter the first moment at which it is no longer accepted,
	// LastUsed (in whole seconds) when it was last presented.
	Created  time.Time `json:"created,omitzero"`
	NotAfter time.Time `json:"not_after,omitzero"`
	LastUsed time.Time `json:"last_used,omitzero"`
	// ID names the secret among those of its key, in lists and in commands. Default: its number, "1" being the oldest.
	ID string `json:"id"`
	// Revoked is when the secret was taken back.
	Revoked time.Time `json:"revoked,omitzero"`
	// Peppered says that Hash was made under a pepper. NewRing puts the pepper on hashes that were not.
	Peppered bool `json:"peppered,omitempty"`
	// Request is the hash of the idempotency token of the rotation that made the secret, zero when there was none.
	Request Hash `json:"-"`
}

// Key is who may do what: an id with its secrets and its rights. Empty lists of agents, addresses and sites restrict
// nothing. As JSON it is what the admin API shows.
type Key struct {
	// ID is the stable name of the key, that limits, logs and cookies hang on.
	ID string `json:"id"`
	// Scopes are what the key may do; "*" holds every scope. A key has at least one.
	Scopes []string `json:"scopes"`
	// Agents are the ids of the agents that the key may reach. Default: all.
	Agents []string `json:"agents,omitempty"`
	// Plan names the limits that hold for the key. Default: the tiers' own.
	Plan string `json:"plan,omitempty"`
	// From are the networks that the key may be presented from. Default: everywhere.
	From []netip.Prefix `json:"from,omitempty"`
	// Sites are the names of the sites where the key is good. Default: all that share the ring.
	Sites []string `json:"sites,omitempty"`
	// Entity is the entity id that every request of the key carries. Default: the client's own.
	Entity string `json:"entity,omitempty"`
	// Expires is the first moment at which the key is no longer accepted. Default: never.
	Expires time.Time `json:"expires,omitzero"`
	// Shared says that many people use the key, since it comes from the environment: it is limited by key and address
	// together.
	Shared bool `json:"shared,omitempty"`
	// Secrets are one or more; each of them opens the key until it ends.
	Secrets []Secret `json:"secrets"`
	// Revoked is when the key was taken back with all its secrets.
	Revoked time.Time `json:"revoked,omitzero"`
}

// AllScopes is the scope that holds every other.
const AllScopes = "*"

// Has reports whether the key holds a scope. "*" holds every scope.
func (k *Key) Has(scope string) bool {
	for _, s := range k.Scopes {
		if s == scope || s == AllScopes {
			return true
		}
	}
	return false
}

// AllowsAddr reports whether the key may be presented from an address. An IPv4 address written as IPv6 (::ffff:10.0.0.1)
// is the IPv4 address. An invalid address is allowed only where the key is not restricted.
func (k *Key) AllowsAddr(addr netip.Addr) bool {
	if len(k.From) == 0 {
		return true
	}
	addr = addr.Unmap().WithZone("")
	for _, network := range k.From {
		if ipaddr.UnmapPrefix(network).Contains(addr) {
			return true
		}
	}
	return false
}

// AllowsSite reports whether the key is good at a site, whose name is compared without regard to case.
func (k *Key) AllowsSite(name string) bool {
	return allowed(k.Sites, name)
}

// AllowsAgent reports whether the key may reach an agent, whose id is compared without regard to case. A key without a
// list may reach all, and also requests that name none.
func (k *Key) AllowsAgent(id string) bool {
	return allowed(k.Agents, id)
}

func allowed(list []string, name string) bool {
	if len(list) == 0 {
		return true
	}
	for _, one := range list {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

// keeps reports whether the key may do, as whom and from where, all that it could as old.
func (k *Key) keeps(old *Key) bool {
	lost := func(scope string) bool { return !k.Has(scope) }
	return !slices.ContainsFunc(old.Scopes, lost) && holds(k.Agents, old.Agents) && holds(k.Sites, old.Sites) &&
		(len(k.From) == 0 || slices.Equal(k.From, old.From)) && (k.Entity == "" || k.Entity == old.Entity)
}

// holds reports whether a list, of which an empty one is all, has everything that another has.
func holds(list, other []string) bool {
	lacks := func(name string) bool { return !allowed(list, name) }
	return len(list) == 0 || len(other) > 0 && !slices.ContainsFunc(other, lacks)
}

// clone returns a copy that shares no memory with k that could change.
func (k *Key) clone() Key {
	c := *k
	c.Scopes = slices.Clone(k.Scopes)
	c.Agents = slices.Clone(k.Agents)
	c.From = slices.Clone(k.From)
	c.Sites = slices.Clone(k.Sites)
	c.Secrets = slices.Clone(k.Secrets)
	return c
}

// String names the key and its rights, without the hashes of its secrets.
func (k Key) String() string {
	return fmt.Sprintf("key %s (scopes %s, %d secrets)", k.ID, strings.Join(k.Scopes, " "), len(k.Secrets))
}

// GoString is String, so that %#v shows no hash either.
func (k Key) GoString() string { return k.String() }

// String names the secret without its hash.
func (s Secret) String() string {
	return fmt.Sprintf("secret %s", s.ID)
}

// GoString is String, so that %#v shows no hash either.
func (s Secret) GoString() string { return s.String() }
