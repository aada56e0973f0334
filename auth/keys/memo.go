package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Memo is what is kept of keys so that changes can be told after a restart: all that [Changes] compares, with a digest
// in the place of each hash, by which another secret is seen to be another and nobody gets in. As JSON it can lie in a file.
type Memo []memoKey

type memoKey struct {
	Key
	Secrets []memoSecret `json:"secrets"`
}

type memoSecret struct {
	Secret
	Digest string `json:"digest"`
}

// digestBytes are enough to tell the secrets of one file apart.
const digestBytes = 12

// NewMemo is the memo of keys. When they were last used is not in it.
func NewMemo(known []Key) Memo {
	memo := make(Memo, 0, len(known))
	for i := range known {
		k := memoKey{Key: known[i].clone()}
		for _, s := range k.Key.Secrets {
			digest := sha256.Sum256(append([]byte("gatehouse audit "), s.Hash[:]...))
			s.LastUsed = time.Time{}
			k.Secrets = append(k.Secrets, memoSecret{s, hex.EncodeToString(digest[:digestBytes])})
		}
		k.Key.Secrets = nil
		memo = append(memo, k)
	}
	return memo
}

// keys are keys that [Changes] compares as it would those that the memo was made of.
func (m Memo) keys() []Key {
	known := make([]Key, 0, len(m))
	for _, kept := range m {
		k := kept.Key
		k.Secrets = nil
		for _, s := range kept.Secrets {
			s.Hash = Hash{}
			_, _ = hex.Decode(s.Hash[:], []byte(s.Digest[:min(len(s.Digest), 2*digestBytes)])) // a broken digest is another secret
			k.Secrets = append(k.Secrets, s.Secret)
		}
		known = append(known, k)
	}
	return known
}

// Changes tells what has happened to keys since the memo was made.
func (m Memo) Changes(after []Key, now time.Time) []Change {
	return Changes(m.keys(), NewMemo(after).keys(), now)
}
