package auth

import (
	"context"
	"crypto/sha256"
	"sync/atomic"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// recognize has the logs know the secrets of a ring, of which the gate has the
// hashes alone, as long as the configuration that ctx belongs to is in force.
func recognize(ctx context.Context, current *atomic.Pointer[ring]) {
	context.AfterFunc(ctx, events.Recognize(func(sum [sha256.Size]byte) bool {
		r := current.Load()
		return r != nil && r.keys.Knows(sum)
	}))
}
