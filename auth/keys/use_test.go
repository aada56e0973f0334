package keys

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLastUse(t *testing.T) {
	secret, idle := mint(t), mint(t)
	k := simpleKey("ci", secret)
	k.Secrets[0].LastUsed = noon.Add(-time.Hour)
	k.Secrets = append(k.Secrets, Secret{Hash: HashSecret(idle)})
	r := ring(t, simpleKey("first", mint(t)), k)
	lastUsed := func(r *Ring) []time.Time {
		s := r.Keys()[1].Secrets
		return []time.Time{s[0].LastUsed, s[1].LastUsed}
	}
	require.Equal(t, []time.Time{noon.Add(-time.Hour), {}}, lastUsed(r))
	r.Find(secret, noon.Add(time.Second/2))
	require.Equal(t, []time.Time{noon, {}}, lastUsed(r))
	r.Find(secret, noon.Add(-time.Minute))
	require.Equal(t, noon, lastUsed(r)[0], "never backwards")

	next := ring(t, simpleKey("first", mint(t)), k)
	next.Adopt(r)
	next.Adopt(nil)
	require.Equal(t, noon, lastUsed(next)[0])
	r.Find(secret, noon.Add(time.Minute))
	require.Equal(t, noon.Add(time.Minute), lastUsed(next)[0], "requests still running on the old ring count")
}

func TestRefusedPresentationIsNoUse(t *testing.T) {
	secret := mint(t)
	k := simpleKey("ci", secret)
	k.Expires = noon
	r := ring(t, k)
	r.Find(secret, noon.Add(time.Hour))
	require.Zero(t, r.Keys()[0].Secrets[0].LastUsed)
}

func TestRecordUse(t *testing.T) {
	var d Document
	secret := add(t, &d, "ci", atNoon)
	add(t, &d, "idle", atNoon)
	r, err := NewRing(d.Keys, nil)
	require.NoError(t, err)
	require.False(t, d.RecordUse(r.Keys()))
	r.Find(secret, noon.Add(time.Minute))
	require.True(t, d.RecordUse(r.Keys()))
	require.Equal(t, noon.Add(time.Minute), d.Keys[0].Secrets[0].LastUsed)
	require.Zero(t, d.Keys[1].Secrets[0].LastUsed)
	require.False(t, d.RecordUse(r.Keys()), "nothing new")
	live := r.Keys()
	live[0].Secrets[0].LastUsed = noon
	require.False(t, d.RecordUse(live), "never backwards")
	live[0].Secrets[0].LastUsed = noon.Add(time.Hour)
	live[0].Secrets[0].Created = noon.Add(time.Second)
	require.False(t, d.RecordUse(live), "another secret under the same name")
}
