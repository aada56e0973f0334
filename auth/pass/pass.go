// Package pass makes and reads what stands for a key that was shown before: a
// browser's cookie, or a ticket, which is good once. Of keys it knows their ids
// and hashes alone.
package pass

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Pass is bound to the secret by which its key was shown, so it ends with that
// secret, with the key, and with the signing key, whichever is first.
type Pass struct {
	Ends            time.Time // in whole seconds
	KeyID, SecretID string
	Nonce           string // tells one ticket from another, and the cookies of one session from those of others

	signed, mac string // the text before the signature, and the signature's bytes
}

// skew is how far the clocks of two gates may be apart that accept each other's passes.
const skew = time.Minute

// Good reports whether the time of a pass that was made for that long a life has
// not come to its end. One that ends later than if it were made now is not good:
// it was made while the clock was ahead.
func (p Pass) Good(now time.Time, life time.Duration) bool {
	left := p.Ends.Sub(now)
	return left > 0 && left <= life+skew
}

// Kind keeps a cookie from being used as a ticket, and the reverse.
type Kind string

// The kinds of passes.
const (
	Cookie Kind = "cookie"
	Ticket Kind = "ticket"
)

// The fields of a pass are separated by a character that no id has, and that
// needs no escaping in cookies (RFC 6265, 4.1.1) and queries (RFC 3986, 2.3).
const (
	separator = "~"
	fields    = 5
	maxLength = 512
)

// Key signs passes.
type Key []byte

// KeyLength is the length of a Key in bytes.
const KeyLength = sha256.Size

// Seal writes a pass for a secret, for which its hash stands in the signature.
func (k Key) Seal(kind Kind, site string, p Pass, hash [sha256.Size]byte) string {
	p.signed = strings.Join([]string{strconv.FormatInt(p.Ends.Unix(), 36), p.KeyID, p.SecretID, p.Nonce}, separator)
	return p.signed + separator + base64.RawURLEncoding.EncodeToString(k.sign(kind, site, p.signed, hash))
}

func (k Key) sign(kind Kind, site, signed string, hash [sha256.Size]byte) []byte {
	mac := hmac.New(sha256.New, k)
	for _, part := range []string{string(kind), site, signed} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	mac.Write(hash[:])
	return mac.Sum(nil)
}

// Proves reports whether a pass was sealed for a secret of that hash.
func (k Key) Proves(kind Kind, site string, p Pass, hash [sha256.Size]byte) bool {
	return hmac.Equal([]byte(p.mac), k.sign(kind, site, p.signed, hash))
}

// Parse reads a pass, whose signature is still to be proved.
func Parse(text string) (p Pass, ok bool) {
	if len(text) > maxLength {
		return p, false
	}
	parts := strings.Split(text, separator)
	if len(parts) != fields {
		return p, false
	}
	ends, err := strconv.ParseInt(parts[0], 36, 64)
	if err != nil || strconv.FormatInt(ends, 36) != parts[0] || parts[1] == "" || parts[2] == "" {
		return p, false
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(mac) != sha256.Size {
		return p, false
	}
	return Pass{
		Ends:     time.Unix(ends, 0),
		KeyID:    parts[1],
		SecretID: parts[2],
		Nonce:    parts[3],
		signed:   text[:strings.LastIndex(text, separator)],
		mac:      string(mac),
	}, true
}
