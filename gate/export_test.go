package gate

import "testing"

// BoundHoldings has the process hold no more than that many bytes of what clients
// have not sent to its end, until the test is over, and returns how many it holds.
func BoundHoldings(t testing.TB, max int) (held func() int) {
	before, now := processHoldings, newHoldings(max)
	processHoldings = now
	t.Cleanup(func() { processHoldings = before })
	return func() int {
		now.mu.Lock()
		defer now.mu.Unlock()
		return now.all
	}
}
