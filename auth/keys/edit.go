package keys

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Edit is what every change to a document needs to know. A change that returns an error has changed nothing.
type Edit struct {
	// Now is the time of the change.
	Now time.Time
	// Pepper is put on all hashes of the document whenever a secret is added. Default: none.
	Pepper []byte
}

// Minted is a new secret. It is the only thing here that holds one: it prints and marshals without it, and Reveal is
// meant to be called once, to show it to the person who asked.
type Minted struct {
	// Key and ID are the id of the key and of the secret in it.
	Key string `json:"key"`
	ID  string `json:"id"`
	// OldEnds is when the secrets end that a rotation replaces.
	OldEnds time.Time `json:"old_ends,omitzero"`
	// Repeated says that the request had been answered before: nothing was minted, and there is no secret to show.
	Repeated bool `json:"repeated,omitempty"`

	// A pointer, since fmt walks into the struct for some verbs and would show a string.
	secret *string
}

// Reveal returns the secret, which is stored nowhere. It is empty when Repeated is set.
func (m Minted) Reveal() string {
	if m.secret == nil {
		return ""
	}
	return *m.secret
}

// String names the secret and does not show it.
func (m Minted) String() string { return fmt.Sprintf("secret %s of key %s", m.ID, m.Key) }

// Format is String for every verb: %d and %#v would walk into the struct.
func (m Minted) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, m.String())
}

// Add mints a key: k says what it may do and has no secrets. An id that is taken is ErrExists, also when its key is
// revoked, so that the limits and the log of one key never become another's.
func (d *Document) Add(k Key, e Edit) (Minted, error) {
	secret, err := NewSecret()
	if err != nil {
		return Minted{}, err
	}
	if err := d.add(k, secret, e); err != nil {
		return Minted{}, err
	}
	return Minted{Key: k.ID, ID: "1", secret: &secret}, nil
}

// Import takes an existing token as the secret of a new key, as it is, so that no client has to change: base64 with its
// + / = included. Only its hash is kept. A weak token is refused (see Weak), a token that opens another key is ErrExists.
func (d *Document) Import(k Key, token string, e Edit) error {
	if err := CheckID(k.ID); err != nil {
		return err
	}
	if err := Weak(token); err != nil {
		return fmt.Errorf("key %s: %w", k.ID, err)
	}
	return d.add(k, token, e)
}

func (d *Document) add(k Key, secret string, e Edit) error {
	if len(k.Secrets) > 0 {
		return errors.New("a new key brings no secrets along")
	}
	k = k.clone()
	k.Secrets = []Secret{e.secret("1", secret)}
	k.Expires = inFile(k.Expires)
	if err := errors.Join(k.check()...); err != nil {
		return err
	}
	if k.Shared {
		return fmt.Errorf("key %s: a key of the key file is not shared", k.ID)
	}
	if !k.Expires.IsZero() && !e.Now.Before(k.Expires) {
		return fmt.Errorf("key %s: its expiry, %s, is in the past", k.ID, k.Expires.Format(time.RFC3339))
	}
	if old := d.Key(k.ID); old != nil {
		way := fmt.Sprintf("`gatehouse key rotate %s` gives it another secret", k.ID)
		if old.ended(e.Now) {
			way = fmt.Sprintf("`gatehouse key remove %s` makes its id free", k.ID)
		}
		return fmt.Errorf("key %s %w (%s); choose another id, or %s", k.ID, ErrExists, old.State(e.Now), way)
	}
	if owner := d.owner(HashSecret(secret), e.Pepper); owner != nil {
		return fmt.Errorf("key %s: this token %w as a secret of key %s; one secret opens one key", k.ID, ErrExists, owner.ID)
	}
	if err := d.Seal(e.Pepper); err != nil {
		return err
	}
	d.Keys = append(d.Keys, k)
	return nil
}

// secret is a new secret as it is kept.
func (e Edit) secret(id, secret string) Secret {
	return Secret{
		ID:       id,
		Hash:     HashSecret(secret).Peppered(e.Pepper),
		Peppered: len(e.Pepper) > 0,
		Created:  inFile(e.Now),
	}
}

// owner returns the key that a secret opens, given its plain hash.
func (d *Document) owner(plain Hash, pepper []byte) *Key {
	peppered := plain.Peppered(pepper)
	for i := range d.Keys {
		for _, s := range d.Keys[i].Secrets {
			if !s.Peppered && s.Hash.equal(&plain) || s.Peppered && s.Hash.equal(&peppered) {
				return &d.Keys[i]
			}
		}
	}
	return nil
}

// forgetEnded is how long a secret that ended is still listed; the next rotation after that drops it.
const forgetEnded = 90 * 24 * time.Hour

// Rotate mints a further secret for a key and gives those it has an end, overlap from now (0: at once; an earlier end
// stays). Id, rights and expiry are unchanged. With an idempotency token, a rotation that was asked for before under the
// same token changes nothing and returns the first one's id with Repeated set. A key that is revoked or expired is
// ErrEnded.
func (d *Document) Rotate(id string, overlap time.Duration, token string, e Edit) (Minted, error) {
	k, err := d.find(id)
	if err != nil {
		return Minted{}, err
	}
	if overlap < 0 {
		return Minted{}, fmt.Errorf("key %s: an overlap is not negative", id)
	}
	if s := k.byRequest(token); s != nil {
		return Minted{Key: id, ID: s.ID, OldEnds: k.oldEnds(s), Repeated: true}, nil
	}
	if k.ended(e.Now) {
		return Minted{}, fmt.Errorf("key %s is %s (%w): a new secret would open nothing; add another key", id, k.State(e.Now), ErrEnded)
	}
	secret, err := NewSecret()
	if err != nil {
		return Minted{}, err
	}
	if err := d.Seal(e.Pepper); err != nil {
		return Minted{}, err
	}
	fresh := e.secret(k.nextSecretID(), secret)
	if token != "" {
		fresh.Request = HashSecret(token)
	}
	ends := inFile(e.Now.Add(overlap))
	k.Secrets = slices.DeleteFunc(k.Secrets, func(s Secret) bool {
		ended := earlier(s.NotAfter, s.Revoked)
		return !ended.IsZero() && e.Now.Sub(ended) > forgetEnded
	})
	for i := range k.Secrets {
		k.Secrets[i].NotAfter = earlier(k.Secrets[i].NotAfter, ends)
	}
	k.Secrets = append(k.Secrets, fresh)
	return Minted{Key: id, ID: fresh.ID, OldEnds: ends, secret: &secret}, nil
}

func (k *Key) byRequest(token string) *Secret {
	if token == "" {
		return nil
	}
	request := HashSecret(token)
	for i := range k.Secrets {
		if k.Secrets[i].Request.equal(&request) {
			return &k.Secrets[i]
		}
	}
	return nil
}

// oldEnds returns the latest end of the secrets before s.
func (k *Key) oldEnds(s *Secret) time.Time {
	var latest time.Time
	for i := range k.Secrets {
		if &k.Secrets[i] == s {
			break
		}
		if end := k.Secrets[i].NotAfter; end.After(latest) {
			latest = end
		}
	}
	return latest
}

// Revoke takes a key back, or only one of its secrets when secretID is not empty, from now on. It returns false when
// that was done before. With ifUnused, it is ErrInUse when a secret concerned was used, or made, within that time: call
// RecordUse first, with the times that the running gate knows. It needs no pepper, since it may be in a hurry.
func (d *Document) Revoke(id, secretID string, ifUnused time.Duration, e Edit) (bool, error) {
	k, err := d.find(id)
	if err != nil {
		return false, err
	}
	var concerned []*Secret
	for i := range k.Secrets {
		if secretID == "" || k.Secrets[i].ID == secretID {
			concerned = append(concerned, &k.Secrets[i])
		}
	}
	if len(concerned) == 0 {
		return false, fmt.Errorf("that secret of key %s was %w; `gatehouse key show %s` lists them", id, ErrNotFound, id)
	}
	revoked := &k.Revoked
	if secretID != "" {
		revoked = &concerned[0].Revoked
	}
	if !revoked.IsZero() {
		return false, nil
	}
	for _, s := range concerned {
		if err := s.busy(id, ifUnused, e.Now); err != nil {
			return false, err
		}
	}
	*revoked = inFile(e.Now)
	return true, nil
}

func (s *Secret) busy(id string, ifUnused time.Duration, now time.Time) error {
	if ifUnused <= 0 || s.State(now) == StateRevoked || s.State(now) == StateExpired {
		return nil
	}
	if now.Sub(s.LastUsed) < ifUnused {
		return fmt.Errorf("secret %s of key %s is %w: it was last used at %s", s.ID, id, ErrInUse, s.LastUsed.Format(time.RFC3339))
	}
	if now.Sub(s.Created) < ifUnused {
		return fmt.Errorf("secret %s of key %s is %w as far as can be told: it was made at %s", s.ID, id, ErrInUse, s.Created.Format(time.RFC3339))
	}
	return nil
}

// Remove deletes a key that is revoked or expired; its id is free again. Any other is ErrEnded, so that a key is never
// taken back without a trace.
func (d *Document) Remove(id string, e Edit) error {
	k, err := d.find(id)
	if err != nil {
		return err
	}
	if !k.ended(e.Now) {
		return fmt.Errorf("key %s is %s (%w): revoke it first", id, k.State(e.Now), ErrEnded)
	}
	d.Keys = slices.DeleteFunc(d.Keys, func(k Key) bool { return k.ID == id })
	return nil
}

// RecordUse takes over the times of last use that are later than the document's, from a ring's Keys, and reports
// whether there were any. Secrets are matched by key, id and the time they were made.
func (d *Document) RecordUse(live []Key) bool {
	type name struct {
		key, secret string
		created     int64
	}
	used := map[name]time.Time{}
	for _, k := range live {
		for _, s := range k.Secrets {
			used[name{k.ID, s.ID, s.Created.Unix()}] = s.LastUsed
		}
	}
	changed := false
	for i := range d.Keys {
		for j := range d.Keys[i].Secrets {
			s := &d.Keys[i].Secrets[j]
			if t := used[name{d.Keys[i].ID, s.ID, s.Created.Unix()}]; t.After(s.LastUsed) {
				s.LastUsed, changed = inFile(t), true
			}
		}
	}
	return changed
}

// ended is whether no secret opens the key any more.
func (k *Key) ended(now time.Time) bool {
	state := k.State(now)
	return state == StateRevoked || state == StateExpired
}

func (d *Document) find(id string) (*Key, error) {
	if k := d.Key(id); k != nil {
		return k, nil
	}
	if err := CheckID(id); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("key %s %w in the key file", id, ErrNotFound)
}
