package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
)

// prove returns the use of the key that a pass stands for, with the ring that
// the key is in. The pass has to be of this site, and the key and the secret
// valid now. Whether the pass itself has ended is for the caller to ask.
func (a *Auth) prove(rings rings, kind pass.Kind, p pass.Pass, now time.Time) (keys.Use, *ring) {
	key := a.signing.Load()
	if key == nil {
		return keys.Use{}, nil
	}
	return rings.resume(p.KeyID, p.SecretID, now, func(hash keys.Hash) bool {
		return key.Proves(kind, a.site, p, hash)
	})
}

// sealFor writes a pass of that length of life for a use of a key; "" where
// there is no signing key. It does not outlive the secret.
func (a *Auth) sealFor(kind pass.Kind, use keys.Use, nonce string, now time.Time, life time.Duration) (text string, p pass.Pass) {
	key := a.signing.Load()
	if key == nil {
		return "", pass.Pass{}
	}
	p = pass.Pass{Ends: now.Add(life), KeyID: use.Key.ID, SecretID: use.Secret.ID, Nonce: nonce}
	if ends := use.Ends(); !ends.IsZero() && ends.Before(p.Ends) {
		p.Ends = ends
	}
	return key.Seal(kind, a.site, p, use.Secret.Hash), p
}

// signingKeyPlace is where the key lies in Caddy's storage. Gates that share a
// storage share it, so that each accepts the passes of the others.
const signingKeyPlace = "gatehouse/sessions/signing.key"

// signingKey returns the key that is kept, or nil if there is none yet.
func (s caddyStorage) signingKey() (pass.Key, error) {
	data, err := s.storage.Load(s.ctx, signingKeyPlace)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key that signs cookies and tickets from Caddy's storage (%s): %w", signingKeyPlace, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != pass.KeyLength {
		return nil, fmt.Errorf("the key that signs cookies and tickets is damaged in Caddy's storage (%s): remove it, and a new one is made at the next start; "+
			"browsers then show their keys once more", signingKeyPlace)
	}
	return key, nil
}

// makeSigningKey returns the key that is kept, and makes it if there is none.
func (s caddyStorage) makeSigningKey() (key pass.Key, err error) {
	if err := s.storage.Lock(s.ctx, signingKeyPlace); err != nil {
		return nil, fmt.Errorf("locking %s in Caddy's storage: %w", signingKeyPlace, err)
	}
	defer func() { err = errors.Join(err, s.storage.Unlock(s.ctx, signingKeyPlace)) }()
	if key, err = s.signingKey(); key != nil || err != nil {
		return key, err // another gate has just made it
	}
	key = make(pass.Key, pass.KeyLength)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := s.storage.Store(s.ctx, signingKeyPlace, []byte(hex.EncodeToString(key))); err != nil {
		return nil, fmt.Errorf("keeping the key that signs cookies and tickets in Caddy's storage (%s): %w", signingKeyPlace, err)
	}
	return key, nil
}

// provisionSigning reads the signing key, or has it made when the configuration
// is started, and not when it is only validated. Cookies and tickets are a
// convenience: without a key there are none, and the log says why.
func (a *Auth) provisionSigning() {
	complain := func(err error) {
		a.logger.Error("there are no cookies and no tickets: browsers cannot open sockets and files with their key: " + err.Error())
	}
	key, err := a.stored.signingKey()
	switch {
	case err != nil:
		complain(err)
	case key != nil:
		a.signing.Store(&key)
	default:
		a.door.App().OnStart(func() error {
			key, err := a.stored.makeSigningKey()
			if err != nil {
				complain(err)
				return nil
			}
			a.signing.Store(&key)
			return nil
		})
	}
}
