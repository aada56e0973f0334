package keys

import (
	"slices"
	"time"
)

// ChangeKind is what has become of a key between two states of the key file.
type ChangeKind string

const (
	// KeyAdded is a key that was not there before.
	KeyAdded ChangeKind = "added"
	// SecretAdded is a further secret of a key: a rotation.
	SecretAdded ChangeKind = "rotated"
	// KeyRevoked is a key that was taken back.
	KeyRevoked ChangeKind = "revoked"
	// SecretRevoked is a secret that was taken back, or removed before its end.
	SecretRevoked ChangeKind = "secret revoked"
	// KeyRemoved is a key that the file no longer has.
	KeyRemoved ChangeKind = "removed"
	// RightsChanged is a key whose rights, or whose end, are others than before, also one whose revocation is gone.
	RightsChanged ChangeKind = "rights changed"
	// EndChanged is a secret whose end is another, or whose revocation is gone, without a rotation.
	EndChanged ChangeKind = "end changed"
)

// Change is one thing that happened to a key.
type Change struct {
	Kind ChangeKind
	// Key and Secret are ids. Secret is empty where the key as a whole is meant.
	Key, Secret string
}

// Changes tells what has happened to keys, in the order of their file, those that are gone at the end. Times of last use
// do not count. It sees what was done, whoever did it: a command, a program, or an editor.
func Changes(before, after []Key, now time.Time) []Change {
	known := make(map[string]*Key, len(before))
	for i := range before {
		known[before[i].ID] = &before[i]
	}
	var changes []Change
	for i := range after {
		k := &after[i]
		old := known[k.ID]
		delete(known, k.ID)
		if old == nil {
			changes = append(changes, Change{KeyAdded, k.ID, ""})
			continue
		}
		changes = append(changes, k.changes(old, now)...)
	}
	for i := range before {
		if known[before[i].ID] != nil {
			changes = append(changes, Change{KeyRemoved, before[i].ID, ""})
		}
	}
	return changes
}

func (k *Key) changes(old *Key, now time.Time) []Change {
	var changes []Change
	tell := func(kind ChangeKind, secret string) { changes = append(changes, Change{kind, k.ID, secret}) }
	if old.Revoked.IsZero() && !k.Revoked.IsZero() {
		tell(KeyRevoked, "")
	}
	if !k.sameRights(old) {
		tell(RightsChanged, "")
	}
	was := make(map[Hash]*Secret, len(old.Secrets))
	for i := range old.Secrets {
		was[old.Secrets[i].Hash] = &old.Secrets[i]
	}
	rotated := slices.ContainsFunc(k.Secrets, func(s Secret) bool { return was[s.Hash] == nil })
	for i := range k.Secrets {
		s := &k.Secrets[i]
		earlier := was[s.Hash]
		delete(was, s.Hash)
		switch {
		case earlier == nil:
			tell(SecretAdded, s.ID)
		case earlier.Revoked.IsZero() && !s.Revoked.IsZero():
			tell(SecretRevoked, s.ID)
		case s.Revoked.IsZero() && !earlier.Revoked.IsZero(), !rotated && !s.NotAfter.Equal(earlier.NotAfter):
			tell(EndChanged, s.ID)
		}
	}
	for i := range old.Secrets {
		s := &old.Secrets[i]
		if state := s.State(now); was[s.Hash] != nil && (state == StateActive || state == StateEnding) {
			tell(SecretRevoked, s.ID)
		}
	}
	return changes
}

// sameRights compares what a key may do, and whether a revocation was taken out of the file.
func (k *Key) sameRights(old *Key) bool {
	return slices.Equal(k.Scopes, old.Scopes) && slices.Equal(k.Agents, old.Agents) && slices.Equal(k.From, old.From) &&
		slices.Equal(k.Sites, old.Sites) && k.Plan == old.Plan && k.Entity == old.Entity && k.Expires.Equal(old.Expires) &&
		(old.Revoked.IsZero() || !k.Revoked.IsZero())
}
