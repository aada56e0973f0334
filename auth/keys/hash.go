package keys

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// HashPrefix stands before the hex digits of a plain SHA-256 hash, in key files and in configuration.
const HashPrefix = "sha256:"

// PepperedPrefix stands before the hex digits of a hash that was made under a pepper.
const PepperedPrefix = "hmac-sha256:"

// Hash is SHA-256 of a secret, or HMAC-SHA-256(pepper, SHA-256(secret)) under a pepper.
// Which of the two it is stands beside it, in [Secret.Peppered].
type Hash [sha256.Size]byte

// ordinaryLength is more than any usual key has.
const ordinaryLength = 128

// HashSecret returns the SHA-256 of a secret as it is presented: no byte is trimmed or decoded.
func HashSecret(secret string) Hash {
	// The copy of a secret of ordinary length lies on the stack; a conversion would lie on the heap from 33 bytes up.
	return sha256.Sum256(append(make([]byte, 0, ordinaryLength), secret...))
}

// Peppered returns HMAC-SHA-256(pepper, h), or h itself when the pepper is empty.
func (h Hash) Peppered(pepper []byte) Hash {
	if len(pepper) == 0 {
		return h
	}
	p := newPepperPads(pepper)
	return p.sum(h)
}

// String returns the hash in the form that [ParseHash] reads: "sha256:" and 64 hex digits.
func (h Hash) String() string {
	return HashPrefix + hex.EncodeToString(h[:])
}

// ParseHash reads "sha256:" followed by 64 hex digits. Its errors never repeat what it was given, since that may be a
// secret which was put in the wrong place.
func ParseHash(s string) (Hash, error) {
	digits, ok := strings.CutPrefix(s, HashPrefix)
	if !ok {
		return Hash{}, errors.New(`a key hash starts with "sha256:"; a secret itself does not belong here`)
	}
	return parseDigits(digits)
}

func parseDigits(digits string) (Hash, error) {
	var h Hash
	if len(digits) != hex.EncodedLen(len(h)) {
		return Hash{}, fmt.Errorf("a key hash has %d hex digits, this one has %d characters", hex.EncodedLen(len(h)), len(digits))
	}
	if _, err := hex.Decode(h[:], []byte(digits)); err != nil {
		return Hash{}, errors.New("a key hash has hex digits only (0-9, a-f)")
	}
	if h == (Hash{}) {
		return Hash{}, errors.New("a key hash of zeros only is no hash of any secret")
	}
	return h, nil
}

// equal compares in constant time.
func (h Hash) equal(other *Hash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// pepperPads are the two padded HMAC keys of RFC 2104, made once for a pepper. crypto/hmac would allocate a state for
// each message; a message of one hash needs none.
type pepperPads struct {
	inner, outer [sha256.BlockSize]byte
}

func newPepperPads(pepper []byte) pepperPads {
	var key [sha256.BlockSize]byte
	if len(pepper) > len(key) {
		sum := sha256.Sum256(pepper)
		copy(key[:], sum[:])
	} else {
		copy(key[:], pepper)
	}
	var p pepperPads
	for i, b := range key {
		p.inner[i] = b ^ 0x36
		p.outer[i] = b ^ 0x5c
	}
	return p
}

func (p *pepperPads) sum(h Hash) Hash {
	var message [sha256.BlockSize + sha256.Size]byte
	copy(message[:], p.inner[:])
	copy(message[sha256.BlockSize:], h[:])
	inner := sha256.Sum256(message[:])
	copy(message[:], p.outer[:])
	copy(message[sha256.BlockSize:], inner[:])
	return sha256.Sum256(message[:])
}
