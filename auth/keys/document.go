package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Version is the version of the key file's format.
const Version = 1

// Document is a key file in memory. The zero value is an empty file. It is not safe for concurrent use.
type Document struct {
	// Keys are all keys, revoked and expired ones included, in the order of the file.
	Keys []Key
	// PepperCheck tells whether a pepper is the one that the hashes were made under; empty when there is none.
	PepperCheck string
}

// Errors that a caller tells apart, to choose an exit code or a status. They come wrapped in a message that names the key.
var (
	// ErrNotFound is returned for a key or secret that the file does not have.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for a new key whose id, or whose secret, is taken.
	ErrExists = errors.New("exists already")
	// ErrInUse is returned by Revoke for a secret that was used within the time given.
	ErrInUse = errors.New("still in use")
	// ErrEnded is returned for a change to a key that is revoked or expired, and for the removal of one that is not.
	ErrEnded = errors.New("wrong state")
	// ErrPepper is returned when the pepper is not the one that the file's hashes were made under.
	ErrPepper = errors.New("wrong pepper")
)

// Key returns the key of an id, to be read or changed, or nil.
func (d *Document) Key(id string) *Key {
	for i := range d.Keys {
		if d.Keys[i].ID == id {
			return &d.Keys[i]
		}
	}
	return nil
}

// Clone returns a copy that shares nothing with d.
func (d *Document) Clone() *Document {
	c := &Document{Keys: slices.Clone(d.Keys), PepperCheck: d.PepperCheck}
	for i := range c.Keys {
		c.Keys[i] = d.Keys[i].clone()
	}
	return c
}

// CheckPepper returns ErrPepper, with an explanation, unless pepper is the one that the hashes were made under. A
// document without peppered hashes agrees with every pepper, and with none.
func (d *Document) CheckPepper(pepper []byte) error {
	switch {
	case d.PepperCheck == "":
		return nil
	case len(pepper) == 0:
		return fmt.Errorf("%w: the key file was made under a pepper and none is given; set the one it was made with (GATEHOUSE_PEPPER)", ErrPepper)
	case !hmac.Equal([]byte(pepperCheck(pepper)), []byte(d.PepperCheck)):
		return fmt.Errorf("%w: the key file was made under another pepper than the one given, so none of its keys would be recognised; give it the one it was made with", ErrPepper)
	}
	return nil
}

// pepperCheck is a value that only the right pepper makes, and that no secret hashes to.
func pepperCheck(pepper []byte) string {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("gatehouse pepper check"))
	return hex.EncodeToString(mac.Sum(nil)[:pepperCheckLength])
}

const pepperCheckLength = 16

// Seal puts the pepper on every hash that was made without, which needs no secret. The pepper has at least 16
// characters; without one Seal only checks that none is missing.
func (d *Document) Seal(pepper []byte) error {
	if err := d.CheckPepper(pepper); err != nil || len(pepper) == 0 {
		return err
	}
	if len(pepper) < MinSecretLength {
		return fmt.Errorf("%w: a pepper has at least %d characters; make one with `openssl rand -base64 32`", ErrPepper, MinSecretLength)
	}
	pads := newPepperPads(pepper)
	for i := range d.Keys {
		for j := range d.Keys[i].Secrets {
			if s := &d.Keys[i].Secrets[j]; !s.Peppered {
				s.Hash, s.Peppered = pads.sum(s.Hash), true
			}
		}
	}
	d.PepperCheck = pepperCheck(pepper)
	return nil
}

// check returns every mistake in the document: what NewRing would refuse, and what could not be read back.
func (d *Document) check() error {
	var errs []error
	ids := make(map[string]bool, len(d.Keys))
	type stored struct {
		hash     Hash
		peppered bool
	}
	owner := make(map[stored]string, len(d.Keys))
	for i := range d.Keys {
		k := &d.Keys[i]
		if mistakes := k.check(); len(mistakes) > 0 {
			errs = append(errs, mistakes...)
			continue
		}
		if ids[k.ID] {
			errs = append(errs, fmt.Errorf("two keys have the id %s; give one of them another", k.ID))
		}
		ids[k.ID] = true
		secretIDs := map[string]bool{}
		for j := range k.Secrets {
			s := &k.Secrets[j]
			if !isToken(s.ID) {
				errs = append(errs, fmt.Errorf("key %s: secret %d needs an id, made of letters, digits and . _ : -", k.ID, j+1))
				continue
			}
			if secretIDs[s.ID] {
				errs = append(errs, fmt.Errorf("key %s: two secrets have one id, the second of them is number %d", k.ID, j+1))
			}
			secretIDs[s.ID] = true
			if s.Hash == (Hash{}) {
				errs = append(errs, fmt.Errorf("key %s: secret %d has no hash", k.ID, j+1))
				continue
			}
			if s.Peppered && d.PepperCheck == "" {
				errs = append(errs, fmt.Errorf("key %s: secret %d was made under a pepper, but the file has no pepper_check", k.ID, j+1))
			}
			if other, taken := owner[stored{s.Hash, s.Peppered}]; taken {
				errs = append(errs, fmt.Errorf("key %s: secret %d is also a secret of key %s; one secret opens one key", k.ID, j+1, other))
			}
			owner[stored{s.Hash, s.Peppered}] = k.ID
		}
	}
	return errors.Join(errs...)
}

// nextSecretID returns the number after the highest that a secret of the key has.
func (k *Key) nextSecretID() string {
	highest := 0
	for _, s := range k.Secrets {
		if n, err := strconv.Atoi(s.ID); err == nil && n > highest {
			highest = n
		}
	}
	return strconv.Itoa(highest + 1)
}
