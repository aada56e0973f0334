package ratelimit

import (
	"fmt"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// SlotsInUse is the number of slots that are taken in this process.
func SlotsInUse() (n int) {
	pool.Range(func(_, value any) bool {
		n += value.(*counters).slots.used()
		return true
	})
	return n
}

// MaxKeyLabels is the number of key ids with a label of their own.
const MaxKeyLabels = maxKeyLabels

// CountNewKeys counts a request of each of n keys that nobody has seen, apart
// from what the process has counted.
func CountNewKeys(n int) {
	k := newKeyMetrics()
	for i := range n {
		k.count(&gate.Principal{KeyID: fmt.Sprintf("bounded-%d", i)}, true)
	}
}
