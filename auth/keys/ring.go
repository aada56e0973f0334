package keys

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// Outcome says what became of a secret that was presented. The zero value lets nobody in.
type Outcome uint8

const (
	// Unknown is a secret of no key.
	Unknown Outcome = iota
	// Malformed is a secret of no key that starts with agk_ and has a bad checksum: mistyped or cut short, not guessed.
	Malformed
	// Expired is a known secret whose end, or whose key's end, has come.
	Expired
	// Revoked is a known secret that was taken back, alone or with its key.
	Revoked
	// Reduced is a known secret whose key may do less than when it was presented. Only [Ring.Again] says it.
	Reduced
	// Found is a secret that opens its key.
	Found
)

// String returns the outcome as one lower-case word, for logs. It is never told to a client.
func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case Malformed:
		return "malformed"
	case Expired:
		return "expired"
	case Revoked:
		return "revoked"
	case Reduced:
		return "reduced"
	case Found:
		return "found"
	}
	return "outcome(" + strconv.Itoa(int(o)) + ")"
}

// Ring is an immutable set of keys. It is built once and safe for look-ups from any number of goroutines; when the keys
// change, a new one takes its place. Only the times of last use move in it.
type Ring struct {
	keys   []Key
	byID   map[string]*Key
	byHash index
	pepper *pepperPads
}

// NewRing builds a ring. The keys are copied; hashes not made under the pepper are put under it, so the ring holds only
// peppered ones when there is a pepper. It refuses keys with bad ids, rights or hashes, two keys with one id, and a
// secret that occurs twice; all mistakes come in one joined error.
func NewRing(keys []Key, pepper []byte) (*Ring, error) {
	secrets := 0
	for i := range keys {
		secrets += len(keys[i].Secrets)
	}
	r := &Ring{
		keys:   make([]Key, len(keys)),
		byID:   make(map[string]*Key, len(keys)),
		byHash: newIndex(secrets),
	}
	if len(pepper) > 0 {
		pads := newPepperPads(pepper)
		r.pepper = &pads
	}
	used := make([]atomic.Int64, secrets)
	var errs []error
	for i := range keys {
		r.keys[i] = keys[i].clone()
		k := &r.keys[i]
		if mistakes := k.check(); len(mistakes) > 0 {
			errs = append(errs, mistakes...)
			continue
		}
		if r.byID[k.ID] != nil {
			errs = append(errs, fmt.Errorf("two keys have the id %s; give one of them another", k.ID))
			continue
		}
		r.byID[k.ID] = k
		for j := range k.From {
			k.From[j] = ipaddr.UnmapPrefix(k.From[j]).Masked()
		}
		for j := range k.Secrets {
			if err := r.addSecret(k, j, &used[len(r.byHash.slots)]); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

func (r *Ring) addSecret(k *Key, j int, used *atomic.Int64) error {
	s := &k.Secrets[j]
	if s.ID == "" {
		s.ID = strconv.Itoa(j + 1)
	}
	switch {
	case s.Hash == (Hash{}):
		return fmt.Errorf("key %s: secret %s has no hash", k.ID, s.ID)
	case s.Peppered && r.pepper == nil:
		return fmt.Errorf("key %s: secret %s was stored under a pepper, and none is configured; set the pepper it was made with (GATEHOUSE_PEPPER)", k.ID, s.ID)
	case !s.Peppered && r.pepper != nil:
		s.Hash, s.Peppered = r.pepper.sum(s.Hash), true
	}
	for _, earlier := range k.Secrets[:j] {
		if earlier.ID == s.ID {
			return fmt.Errorf("key %s: two secrets have the id %s", k.ID, s.ID)
		}
	}
	if other := r.byHash.find(&s.Hash); other != nil {
		return fmt.Errorf("key %s: secret %s is also secret %s of key %s; one secret opens one key, give each its own",
			k.ID, s.ID, other.secret.ID, other.key.ID)
	}
	if !s.LastUsed.IsZero() {
		used.Store(s.LastUsed.Unix())
	}
	r.byHash.add(newSlot(k, s, used))
	return nil
}

// earlier returns the earlier of two ends, of which the zero one means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Use is one presentation of a secret: what became of it, and the key and secret that it belongs to.
type Use struct {
	// Outcome must be Found before anything is allowed.
	Outcome Outcome
	// Key and Secret are set for Found, and for Expired and Revoked too, so that a log can name the key whose former
	// owner still comes. They must not be changed.
	Key    *Key
	Secret *Secret
}

// Ends returns when the key or the secret, whichever is first, comes to its end. Zero: never, or there is no key.
func (u Use) Ends() time.Time {
	if u.Key == nil || u.Secret == nil {
		return time.Time{}
	}
	return earlier(u.Key.Expires, u.Secret.NotAfter)
}

// Find returns the key that a secret opens. The key is nil for every outcome but Found, and must not be changed.
func (r *Ring) Find(secret string, now time.Time) (*Key, Outcome) {
	use := r.Look(secret, now)
	if use.Outcome != Found {
		return nil, use.Outcome
	}
	return use.Key, Found
}

// Look is Find with all there is to know. It looks a secret up by its hash, compares in constant time and does the same
// work for every outcome: it hashes, checks the shape, searches and compares, whatever an earlier step has shown. Ends
// count in whole seconds. When the outcome is Found, the time of last use is set. It allocates nothing for secrets of up
// to 128 characters.
//
// A secret longer than MaxSecretLength is Unknown: no key has one, and the client knows the length it sent.
func (r *Ring) Look(secret string, now time.Time) Use {
	use, s := r.look(secret, now)
	if use.Outcome == Found {
		touch(s.used, now)
	}
	return use
}

// Peek is Look without a trace: it sets no time of use.
func (r *Ring) Peek(secret string, now time.Time) Use {
	use, _ := r.look(secret, now)
	return use
}

func (r *Ring) look(secret string, now time.Time) (Use, *slot) {
	tooLong := len(secret) > MaxSecretLength
	if tooLong {
		secret = secret[:MaxSecretLength]
	}
	hash := HashSecret(secret)
	if r.pepper != nil {
		hash = r.pepper.sum(hash)
	}
	ours, checksumOK := Shape(secret)
	s := r.byHash.find(&hash)
	if s == nil || tooLong {
		if ours && !checksumOK {
			return Use{Outcome: Malformed}, nil
		}
		return Use{}, nil
	}
	return Use{Outcome: s.outcome(now), Key: s.key, Secret: s.secret}, s
}

// Knows reports whether a hash is that of a secret of the ring, whatever has become of it. It sets no time of use.
func (r *Ring) Knows(hash Hash) bool {
	if r.pepper != nil {
		hash = r.pepper.sum(hash)
	}
	return r.byHash.find(&hash) != nil
}

// Again says what has become of an earlier use: whether this ring, which may be newer than the one that answered then,
// still lets that secret open that key, and whether the key may do all that it could. Streams are asked about in this way while they are open.
// It sets no time of use.
func (r *Ring) Again(use Use, now time.Time) Outcome {
	if use.Key == nil || use.Secret == nil {
		return Unknown
	}
	hash := use.Secret.Hash
	if r.pepper != nil && !use.Secret.Peppered {
		hash = r.pepper.sum(hash)
	}
	s := r.byHash.find(&hash)
	if s == nil || s.key.ID != use.Key.ID {
		return Unknown
	}
	if outcome := s.outcome(now); outcome != Found || s.key.keeps(use.Key) {
		return outcome
	}
	return Reduced
}

// Resume is Look for somebody who has shown a secret before and now shows what was made for it, a cookie say: the use of a
// key's secret, by their ids. proves says whether it was made for the secret of that hash; it is asked also where there is
// no such key or secret, with a hash that nothing was made for, so that neither can be told from the time that it takes.
func (r *Ring) Resume(key, secret string, now time.Time, proves func(Hash) bool) Use {
	s := &nobody
	if k := r.byID[key]; k != nil {
		for i := range k.Secrets {
			if k.Secrets[i].ID == secret {
				s = r.byHash.find(&k.Secrets[i].Hash)
			}
		}
	}
	if !proves(s.hash) || s == &nobody {
		return Use{}
	}
	use := Use{Outcome: s.outcome(now), Key: s.key, Secret: s.secret}
	if use.Outcome == Found {
		touch(s.used, now)
	}
	return use
}
