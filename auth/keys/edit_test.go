package keys

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var atNoon = Edit{Now: noon}

func add(t testing.TB, d *Document, id string, e Edit) string {
	t.Helper()
	minted, err := d.Add(Key{ID: id, Scopes: []string{"chat"}}, e)
	require.NoError(t, err)
	return minted.Reveal()
}

// outcomes says what becomes of a secret at a time.
func outcome(t testing.TB, d *Document, pepper []byte, secret string, at time.Time) Outcome {
	t.Helper()
	r, err := NewRing(d.Keys, pepper)
	require.NoError(t, err)
	return r.Look(secret, at).Outcome
}

func TestAdd(t *testing.T) {
	var d Document
	minted, err := d.Add(Key{ID: "ci", Scopes: []string{"chat"}, Expires: noon.Add(time.Hour + time.Millisecond)}, atNoon)
	require.NoError(t, err)
	require.Equal(t, "ci", minted.Key)
	require.Equal(t, "1", minted.ID)
	ours, ok := Shape(minted.Reveal())
	require.True(t, ours && ok)
	require.Equal(t, Found, outcome(t, &d, nil, minted.Reveal(), noon))
	require.Equal(t, Expired, outcome(t, &d, nil, minted.Reveal(), noon.Add(time.Hour)))

	refused := func(k Key, want string) error {
		t.Helper()
		before := d.Clone()
		_, err := d.Add(k, atNoon)
		require.ErrorContains(t, err, want)
		require.Equal(t, before, &d)
		return err
	}
	require.ErrorIs(t, refused(Key{ID: "ci", Scopes: []string{"chat"}}, "key ci exists already (active)"), ErrExists)
	refused(Key{ID: "-", Scopes: []string{"chat"}}, "character 1")
	refused(Key{ID: "a"}, "it has no scope")
	refused(Key{ID: "a", Scopes: []string{"chat"}, Expires: noon}, "is in the past")
	refused(Key{ID: "a", Scopes: []string{"chat"}, Secrets: []Secret{{}}}, "brings no secrets along")
	refused(Key{ID: "a", Scopes: []string{"chat"}, Shared: true}, "not shared")
}

func TestImport(t *testing.T) {
	token := "q6BdRzpMqkPCtl5KsQbzZp4H+f/l0S3KXvGHJHDKk0E="
	for name, under := range map[string][]byte{"plain": nil, "peppered": pepper} {
		t.Run(name, func(t *testing.T) {
			e := Edit{Now: noon, Pepper: under}
			var d Document
			require.NoError(t, d.Import(Key{ID: "env", Scopes: []string{"*"}}, token, e))
			text, err := d.Encode()
			require.NoError(t, err)
			back, err := ParseDocument(text)
			require.NoError(t, err)
			require.Equal(t, Found, outcome(t, back, under, token, noon))
			require.Equal(t, Unknown, outcome(t, back, under, strings.TrimRight(token, "="), noon))

			err = d.Import(Key{ID: "again", Scopes: []string{"*"}}, token, e)
			require.ErrorIs(t, err, ErrExists)
			require.ErrorContains(t, err, "as a secret of key env")
			require.NotContains(t, err.Error(), token)
		})
	}
	err := new(Document).Import(Key{ID: "env", Scopes: []string{"*"}}, "your-secure-token-here", atNoon)
	require.ErrorContains(t, err, "key env: the key is a sample")
}

func TestImportedTokenIsRecognisedAcrossASeal(t *testing.T) {
	token := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32)))
	var d Document
	require.NoError(t, d.Import(Key{ID: "env", Scopes: []string{"*"}}, token, atNoon))
	require.ErrorIs(t, d.Import(Key{ID: "again", Scopes: []string{"*"}}, token, Edit{Now: noon, Pepper: pepper}), ErrExists)
}

func TestSeal(t *testing.T) {
	var d Document
	first := add(t, &d, "first", atNoon)
	second := add(t, &d, "second", Edit{Now: noon, Pepper: pepper})
	for _, k := range d.Keys {
		require.True(t, k.Secrets[0].Peppered, "adding under a pepper seals the whole file")
	}
	require.Equal(t, Found, outcome(t, &d, pepper, first, noon))
	require.Equal(t, Found, outcome(t, &d, pepper, second, noon))
	_, err := NewRing(d.Keys, nil)
	require.ErrorContains(t, err, "GATEHOUSE_PEPPER")

	before := d.Clone()
	for name, wrong := range map[string][]byte{"none": nil, "another": []byte("another pepper, long enough")} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, d.CheckPepper(wrong), ErrPepper)
			_, err := d.Add(Key{ID: "third", Scopes: []string{"chat"}}, Edit{Now: noon, Pepper: wrong})
			require.ErrorIs(t, err, ErrPepper)
			_, err = d.Rotate("first", time.Hour, "", Edit{Now: noon, Pepper: wrong})
			require.ErrorIs(t, err, ErrPepper)
			require.Equal(t, before, &d)
			_, err = d.Clone().Revoke("first", "", 0, Edit{Now: noon, Pepper: wrong})
			require.NoError(t, err, "taking a key back must not wait for a pepper")
		})
	}
	require.NoError(t, d.CheckPepper(pepper))
	require.NoError(t, new(Document).CheckPepper(nil))
	require.NoError(t, new(Document).CheckPepper(pepper))
	require.ErrorContains(t, new(Document).Seal([]byte("salt")), "at least 16 characters")
	require.NotContains(t, new(Document).Seal([]byte("salt")).Error(), "salt")
}

func TestRotate(t *testing.T) {
	for name, under := range map[string][]byte{"plain": nil, "peppered": pepper} {
		t.Run(name, func(t *testing.T) {
			e := Edit{Now: noon, Pepper: under}
			var d Document
			old := add(t, &d, "ci", e)
			minted, err := d.Rotate("ci", time.Hour, "", e)
			require.NoError(t, err)
			require.Equal(t, "2", minted.ID)
			require.Equal(t, noon.Add(time.Hour), minted.OldEnds)
			require.False(t, minted.Repeated)
			for at, want := range map[time.Duration]Outcome{0: Found, time.Hour - 1: Found, time.Hour: Expired} {
				require.Equal(t, want, outcome(t, &d, under, old, noon.Add(at)))
				require.Equal(t, Found, outcome(t, &d, under, minted.Reveal(), noon.Add(at)))
			}

			third, err := d.Rotate("ci", 10*time.Hour, "", e)
			require.NoError(t, err)
			require.Equal(t, noon.Add(time.Hour), d.Keys[0].Secrets[0].NotAfter, "an earlier end stays")
			require.Equal(t, noon.Add(10*time.Hour), d.Keys[0].Secrets[1].NotAfter)
			require.Equal(t, Found, outcome(t, &d, under, third.Reveal(), noon.Add(10*time.Hour)))

			_, err = d.Rotate("ci", 0, "", e)
			require.NoError(t, err)
			require.Equal(t, Expired, outcome(t, &d, under, third.Reveal(), noon), "no overlap ends the old at once")
		})
	}
}

func TestRotateRefuses(t *testing.T) {
	var d Document
	add(t, &d, "gone", atNoon)
	_, err := d.Revoke("gone", "", 0, atNoon)
	require.NoError(t, err)
	_, err = d.Add(Key{ID: "short", Scopes: []string{"chat"}, Expires: noon.Add(time.Hour)}, atNoon)
	require.NoError(t, err)
	before := d.Clone()
	_, err = d.Rotate("gone", 0, "", atNoon)
	require.ErrorIs(t, err, ErrEnded)
	require.ErrorContains(t, err, "key gone is revoked")
	_, err = d.Rotate("short", 0, "", Edit{Now: noon.Add(time.Hour)})
	require.ErrorIs(t, err, ErrEnded)
	_, err = d.Rotate("nobody", 0, "", atNoon)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = d.Rotate("short", -1, "", atNoon)
	require.ErrorContains(t, err, "not negative")
	secret := mint(t)
	_, err = d.Rotate(secret, 0, "", atNoon)
	require.Error(t, err)
	require.NotContains(t, err.Error(), secret)
	require.Equal(t, before, &d)
}

func TestRotateIsIdempotentUnderAToken(t *testing.T) {
	var d Document
	add(t, &d, "ci", atNoon)
	add(t, &d, "other", atNoon)
	first, err := d.Rotate("ci", time.Hour, "job-4711", atNoon)
	require.NoError(t, err)
	text, err := d.Encode()
	require.NoError(t, err)
	require.NotContains(t, string(text), "job-4711")
	back, err := ParseDocument(text)
	require.NoError(t, err)

	again, err := back.Rotate("ci", 2*time.Hour, "job-4711", Edit{Now: noon.Add(time.Minute)})
	require.NoError(t, err)
	require.True(t, again.Repeated)
	require.Empty(t, again.Reveal())
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, first.OldEnds, again.OldEnds)
	require.Equal(t, &d, back, "nothing changed")

	other, err := back.Rotate("other", time.Hour, "job-4711", atNoon)
	require.NoError(t, err)
	require.False(t, other.Repeated, "a token belongs to one key")
	next, err := back.Rotate("ci", time.Hour, "job-4712", atNoon)
	require.NoError(t, err)
	require.False(t, next.Repeated)
	again, err = back.Rotate("ci", time.Hour, "job-4711", atNoon)
	require.NoError(t, err)
	require.True(t, again.Repeated)
	require.Equal(t, first.ID, again.ID, "the first is still known after the second")
	plain, err := back.Rotate("ci", time.Hour, "", atNoon)
	require.NoError(t, err)
	require.False(t, plain.Repeated, "no token is no token")
	back.Keys[0].Secrets[0].Request = HashSecret("")
	plain, err = back.Rotate("ci", time.Hour, "", atNoon)
	require.NoError(t, err)
	require.False(t, plain.Repeated, "whatever the file says")
}

func TestRotateForgetsWhatEndedLongAgo(t *testing.T) {
	var d Document
	add(t, &d, "ci", atNoon)
	for i := range 5 {
		_, err := d.Rotate("ci", time.Hour, "", Edit{Now: noon.Add(time.Duration(i) * 24 * time.Hour)})
		require.NoError(t, err)
	}
	require.Len(t, d.Keys[0].Secrets, 6)
	minted, err := d.Rotate("ci", time.Hour, "", Edit{Now: noon.Add(time.Hour + forgetEnded + 36*time.Hour)})
	require.NoError(t, err)
	require.Equal(t, "7", minted.ID)
	var left []string
	for _, s := range d.Keys[0].Secrets {
		left = append(left, s.ID)
	}
	require.Equal(t, []string{"3", "4", "5", "6", "7"}, left)
}

func TestRevoke(t *testing.T) {
	var d Document
	old := add(t, &d, "ci", atNoon)
	minted, err := d.Rotate("ci", time.Hour, "", atNoon)
	require.NoError(t, err)

	changed, err := d.Revoke("ci", "1", 0, atNoon)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, Revoked, outcome(t, &d, nil, old, noon))
	require.Equal(t, Found, outcome(t, &d, nil, minted.Reveal(), noon))

	changed, err = d.Revoke("ci", "", 0, atNoon)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, Revoked, outcome(t, &d, nil, minted.Reveal(), noon))

	changed, err = d.Revoke("ci", "", time.Hour, Edit{Now: noon.Add(time.Minute)})
	require.NoError(t, err)
	require.False(t, changed, "done before")
	require.Equal(t, noon, d.Keys[0].Revoked, "the first time stays")

	_, err = d.Revoke("nobody", "", 0, atNoon)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = d.Revoke("ci", "9", 0, atNoon)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "gatehouse key show ci")
}

func TestRevokeIfUnused(t *testing.T) {
	day := 24 * time.Hour
	make := func(lastUsed time.Time) *Document {
		var d Document
		add(t, &d, "ci", Edit{Now: noon.Add(-30 * day)})
		d.Keys[0].Secrets[0].LastUsed = lastUsed
		_, err := d.Rotate("ci", 60*day, "", Edit{Now: noon.Add(-2 * day)})
		require.NoError(t, err)
		return &d
	}
	for name, c := range map[string]struct {
		lastUsed time.Time
		secret   string
		unused   time.Duration
		want     error
	}{
		"used an hour ago":              {noon.Add(-time.Hour), "1", day, ErrInUse},
		"used a day ago":                {noon.Add(-day), "1", day, nil},
		"never used, made long ago":     {time.Time{}, "1", day, nil},
		"never used, made just now":     {time.Time{}, "2", 3 * day, ErrInUse},
		"never used, made before":       {time.Time{}, "2", day, nil},
		"the key, one secret in use":    {noon.Add(-time.Hour), "", day, ErrInUse},
		"the key, no secret in use":     {noon.Add(-3 * day), "", day, nil},
		"in use, no condition":          {noon.Add(-time.Second), "1", 0, nil},
		"used in the future (bad clock": {noon.Add(time.Hour), "1", day, ErrInUse},
	} {
		t.Run(name, func(t *testing.T) {
			d := make(c.lastUsed)
			before := d.Clone()
			changed, err := d.Revoke("ci", c.secret, c.unused, atNoon)
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.want == nil, changed)
			if c.want != nil {
				require.Equal(t, before, d)
			}
		})
	}
	d := make(noon.Add(-time.Hour))
	_, err := d.Revoke("ci", "1", 0, atNoon)
	require.NoError(t, err)
	_, err = d.Revoke("ci", "", day, atNoon)
	require.NoError(t, err, "a secret that is revoked already does not keep the key")
}

func TestRemove(t *testing.T) {
	var d Document
	add(t, &d, "ci", atNoon)
	require.ErrorIs(t, d.Remove("ci", atNoon), ErrEnded)
	require.ErrorIs(t, d.Remove("nobody", atNoon), ErrNotFound)
	_, err := d.Revoke("ci", "", 0, atNoon)
	require.NoError(t, err)
	_, err = d.Add(Key{ID: "ci", Scopes: []string{"chat"}}, atNoon)
	require.ErrorIs(t, err, ErrExists, "a revoked key keeps its id")
	require.NoError(t, d.Remove("ci", atNoon))
	add(t, &d, "ci", atNoon)
}
