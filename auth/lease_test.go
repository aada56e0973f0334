package auth_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
)

// TestReadersOfOneKeyFile has many configurations read the same key file at
// once, as two do at a reload. Whichever comes last, a use of any of them is
// known to the next.
func TestReadersOfOneKeyFile(t *testing.T) {
	const secret = "a-secret-of-ada-that-is-long"
	ring := func() *keys.Ring {
		r, err := keys.NewRing([]keys.Key{{ID: "ada", Scopes: []string{"read"}, Secrets: []keys.Secret{{ID: "1", Hash: keys.HashSecret(secret)}}}}, nil)
		if err != nil {
			t.Error(err)
		}
		return r
	}
	file := t.TempDir()
	used := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for round := range 50 {
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				r := ring()
				auth.Succeed(file, r)
				if _, outcome := r.Find(secret, used.Add(time.Duration(round)*time.Minute)); outcome != keys.Found {
					t.Error(outcome)
				}
			})
		}
		readers.Wait()
		last := ring()
		auth.Succeed(file, last)
		if got, want := last.Keys()[0].Secrets[0].LastUsed, used.Add(time.Duration(round)*time.Minute); !got.Equal(want) {
			t.Fatalf("round %d: last used %v, want %v", round, got, want)
		}
	}
}
