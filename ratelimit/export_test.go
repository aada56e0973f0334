package ratelimit

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
)

// SlotsInUse is the number of slots that are taken in this process.
func SlotsInUse() (n int) {
	pool.Range(func(_, value any) bool {
		n += value.(*counters).slots.used()
		return true
	})
	return n
}

// PoliciesKept is the number of values of RateLimit-Policy that are kept.
func (l *RateLimit) PoliciesKept() int {
	if known := l.policies.Load(); known != nil {
		return len(*known)
	}
	return 0
}

// MaxKeyLabels is the number of key ids with a label of their own.
const MaxKeyLabels = maxKeyLabels

// CountNewKeys counts a request of each of n keys that nobody has seen, apart
// from what the process has counted.
func CountNewKeys(n int) {
	k := newKeyMetrics()
	run := rand.Text()
	for i := range n {
		k.count(&gate.Principal{KeyID: fmt.Sprintf("%s-%d", run, i)}, true)
	}
}

// ResetElsewhere resets a client in the store, as another gate does that shares
// it with the one that runs.
func ResetElsewhere(t *testing.T, o redis.Options, s Subject) {
	t.Helper()
	app, err := gate.Active()
	if err != nil {
		t.Fatal(err)
	}
	l, _ := gate.Part[*Limits](app)
	_, who, err := s.client(l.counters)
	if err != nil {
		t.Fatal(err)
	}
	other, err := redis.Open(o, l.store)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := l.resetThere(other, *who); err != nil {
		t.Fatal(err)
	}
}
