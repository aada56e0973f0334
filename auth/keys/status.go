package keys

import "time"

// State is what has become of a key or secret, as lists show it.
type State string

const (
	// StateActive is accepted, with no end closer than the key's own.
	StateActive State = "active"
	// StateEnding is accepted until an end that was given to it: the old secret after a rotation.
	StateEnding State = "ending"
	// StateLocked is a key that nothing opens, since all its secrets have ended; a rotation gives it a new one.
	StateLocked State = "locked"
	// StateExpired has come to its end.
	StateExpired State = "expired"
	// StateRevoked was taken back.
	StateRevoked State = "revoked"
)

// State returns what the secret is by itself, whatever its key is.
func (s *Secret) State(now time.Time) State {
	switch {
	case !s.Revoked.IsZero():
		return StateRevoked
	case s.NotAfter.IsZero():
		return StateActive
	case now.Before(s.NotAfter):
		return StateEnding
	}
	return StateExpired
}

// State returns what the key is: active as long as one of its secrets is accepted.
func (k *Key) State(now time.Time) State {
	switch {
	case !k.Revoked.IsZero():
		return StateRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return StateExpired
	}
	for i := range k.Secrets {
		if state := k.Secrets[i].State(now); state == StateActive || state == StateEnding {
			return StateActive
		}
	}
	return StateLocked
}

// Status is a key as lists show it: everything that may be known of it, without any hash.
type Status struct {
	Key
	State   State          `json:"state"`
	Secrets []SecretStatus `json:"secrets"`
}

// SecretStatus is a secret as lists show it.
type SecretStatus struct {
	Secret
	State State `json:"state"`
}

// String names the key and its state.
func (s Status) String() string { return s.Key.String() + ": " + string(s.State) }

// String names the secret and its state.
func (s SecretStatus) String() string { return s.Secret.String() + ": " + string(s.State) }

// StatusOf lists keys, those of a Document or those of a Ring, with their states at a time.
func StatusOf(keys []Key, now time.Time) []Status {
	list := make([]Status, len(keys))
	for i := range keys {
		k := &keys[i]
		list[i] = Status{Key: k.clone(), State: k.State(now), Secrets: make([]SecretStatus, len(k.Secrets))}
		for j := range k.Secrets {
			list[i].Secrets[j] = SecretStatus{Secret: k.Secrets[j], State: k.Secrets[j].State(now)}
		}
	}
	return list
}
