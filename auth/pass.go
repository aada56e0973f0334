package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
)

// pass is what stands for a key that was shown before: a browser's cookie, or a
// ticket. It is bound to the secret by which the key was shown, so it ends with
// that secret, with the key, and with the signing key, whichever is first.
type pass struct {
	ends            time.Time // in whole seconds
	keyID, secretID string
	nonce           string // tells one ticket from another; "" in a cookie
	signed, mac     string // the text before the signature, and the signature's bytes
}

// passKind keeps a cookie from being used as a ticket, and the reverse.
type passKind string

const (
	cookiePass passKind = "cookie"
	ticketPass passKind = "ticket"
)

// The fields of a pass are separated by a character that no id has, and that
// needs no escaping in cookies (RFC 6265, 4.1.1) and queries (RFC 3986, 2.3).
const (
	passSeparator = "~"
	passFields    = 5
	maxPass       = 512
)

// signingKey signs passes.
type signingKey []byte

const signingKeyLength = sha256.Size

// seal writes a pass for a secret, which stands for its hash in the signature.
func (k signingKey) seal(kind passKind, site string, p pass, hash keys.Hash) string {
	p.signed = strings.Join([]string{strconv.FormatInt(p.ends.Unix(), 36), p.keyID, p.secretID, p.nonce}, passSeparator)
	return p.signed + passSeparator + base64.RawURLEncoding.EncodeToString(k.sign(kind, site, p.signed, hash))
}

func (k signingKey) sign(kind passKind, site, signed string, hash keys.Hash) []byte {
	mac := hmac.New(sha256.New, k)
	for _, part := range []string{string(kind), site, signed} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	mac.Write(hash[:])
	return mac.Sum(nil)
}

// proves reports whether a pass was sealed for a secret of that hash.
func (k signingKey) proves(kind passKind, site string, p pass, hash keys.Hash) bool {
	return hmac.Equal([]byte(p.mac), k.sign(kind, site, p.signed, hash))
}

// parsePass reads a pass, whose signature is still to be proved.
func parsePass(text string) (p pass, ok bool) {
	if len(text) > maxPass {
		return p, false
	}
	fields := strings.Split(text, passSeparator)
	if len(fields) != passFields {
		return p, false
	}
	ends, err := strconv.ParseInt(fields[0], 36, 64)
	if err != nil || strconv.FormatInt(ends, 36) != fields[0] || keys.CheckID(fields[1]) != nil || fields[2] == "" {
		return p, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(fields[4])
	if err != nil || len(mac) != sha256.Size {
		return p, false
	}
	return pass{
		ends:     time.Unix(ends, 0),
		keyID:    fields[1],
		secretID: fields[2],
		nonce:    fields[3],
		signed:   text[:strings.LastIndex(text, passSeparator)],
		mac:      string(mac),
	}, true
}

// prove returns the use of the key that a pass stands for, with the ring that
// the key is in. The pass has to be of this site, and the key and the secret
// valid now. Whether the pass itself has ended is for the caller to ask.
func (a *Auth) prove(rings rings, kind passKind, p pass, now time.Time) (keys.Use, *ring) {
	key := a.signing.Load()
	if key == nil {
		return keys.Use{}, nil
	}
	return rings.resume(p.keyID, p.secretID, now, func(hash keys.Hash) bool {
		return key.proves(kind, a.site, p, hash)
	})
}

// sealFor writes a pass of that length of life for a use of a key; "" where
// there is no signing key. It does not outlive the secret.
func (a *Auth) sealFor(kind passKind, use keys.Use, nonce string, now time.Time, life time.Duration) (text string, p pass) {
	key := a.signing.Load()
	if key == nil {
		return "", pass{}
	}
	p = pass{ends: now.Add(life), keyID: use.Key.ID, secretID: use.Secret.ID, nonce: nonce}
	if ends := use.Ends(); !ends.IsZero() && ends.Before(p.ends) {
		p.ends = ends
	}
	return key.seal(kind, a.site, p, use.Secret.Hash), p
}

// signingKeyPlace is where the key lies in Caddy's storage. Gates that share a
// storage share it, so that each accepts the passes of the others.
const signingKeyPlace = "gatehouse/sessions/signing.key"

// signingKey returns the key that is kept, or nil if there is none yet.
func (s caddyStorage) signingKey() (signingKey, error) {
	data, err := s.storage.Load(s.ctx, signingKeyPlace)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key that signs cookies and tickets from Caddy's storage (%s): %w", signingKeyPlace, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != signingKeyLength {
		return nil, fmt.Errorf("the key that signs cookies and tickets is damaged in Caddy's storage (%s): remove it, and a new one is made at the next start; "+
			"browsers then show their keys once more", signingKeyPlace)
	}
	return key, nil
}

// makeSigningKey returns the key that is kept, and makes it if there is none.
func (s caddyStorage) makeSigningKey() (key signingKey, err error) {
	if err := s.storage.Lock(s.ctx, signingKeyPlace); err != nil {
		return nil, fmt.Errorf("locking %s in Caddy's storage: %w", signingKeyPlace, err)
	}
	defer func() { err = errors.Join(err, s.storage.Unlock(s.ctx, signingKeyPlace)) }()
	if key, err = s.signingKey(); key != nil || err != nil {
		return key, err // another gate has just made it
	}
	key = make(signingKey, signingKeyLength)
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
