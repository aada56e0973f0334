package keys

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is done to a document in whatever order: it can be written and read, each secret does what a plain model of
// the rules says, and no secret occurs in anything that is printed.
func TestOperationsFollowTheModel(t *testing.T) {
	type modelSecret struct {
		key, id, secret string
		end             time.Time
		revoked         bool
	}
	rapid.Check(t, func(t *rapid.T) {
		var under []byte
		if rapid.Bool().Draw(t, "pepper") {
			under = pepper
		}
		doc, now := &Document{}, noon
		var secrets []*modelSecret
		revokedKeys := map[string]bool{}
		exists := map[string]bool{}
		ids := []string{"a", "b", "c"}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				minted, err := doc.Add(Key{ID: id, Scopes: []string{"chat"}}, Edit{Now: now, Pepper: under})
				require.Equal(t, exists[id], err != nil)
				if err == nil {
					exists[id] = true
					secrets = append(secrets, &modelSecret{key: id, id: minted.ID, secret: minted.Reveal()})
				}
			},
			"rotate": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				overlap := time.Duration(rapid.IntRange(0, 5).Draw(t, "overlap")) * time.Minute
				minted, err := doc.Rotate(id, overlap, "", Edit{Now: now, Pepper: under})
				require.Equal(t, !exists[id] || revokedKeys[id], err != nil)
				if err != nil {
					return
				}
				for _, s := range secrets {
					if s.key == id && (s.end.IsZero() || s.end.After(now.Add(overlap))) {
						s.end = now.Add(overlap)
					}
				}
				secrets = append(secrets, &modelSecret{key: id, id: minted.ID, secret: minted.Reveal()})
			},
			"revoke": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				_, err := doc.Revoke(id, "", 0, Edit{Now: now})
				require.Equal(t, !exists[id], err != nil)
				revokedKeys[id] = exists[id]
			},
			"revoke secret": func(t *rapid.T) {
				if len(secrets) == 0 {
					return
				}
				s := rapid.SampledFrom(secrets).Draw(t, "secret")
				_, err := doc.Revoke(s.key, s.id, 0, Edit{Now: now})
				require.NoError(t, err)
				s.revoked = true
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				text, err := doc.Encode()
				require.NoError(t, err)
				doc, err = ParseDocument(text)
				require.NoError(t, err)
				r, err := NewRing(doc.Keys, under)
				require.NoError(t, err)
				printed := string(text) + fmt.Sprintf("%v %+v %#v", doc, StatusOf(r.Keys(), now), r.Keys())
				for _, s := range secrets {
					want := Found
					if s.revoked || revokedKeys[s.key] {
						want = Revoked
					} else if !s.end.IsZero() && !now.Before(s.end) {
						want = Expired
					}
					use := r.Look(s.secret, now)
					require.Equal(t, want, use.Outcome, "secret %s of %s", s.id, s.key)
					require.Equal(t, s.key, use.Key.ID)
					require.NotContains(t, printed, s.secret)
				}
			},
		})
	})
}
