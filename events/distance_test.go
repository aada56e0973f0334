package events

import (
	"testing"

	"pgregory.net/rapid"
)

// The distance is one: the same both ways, nothing between equal words alone,
// and never longer by a way round.
func TestDistance(t *testing.T) {
	for pair, want := range map[[2]string]int{{"", ""}: 0, {"", "abc"}: 3, {"chat", "cat"}: 1, {"caht", "chat"}: 2, {"kitten", "sitting"}: 3} {
		if got := Distance(pair[0], pair[1]); got != want {
			t.Errorf("%v: %d", pair, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if Distance(a, b) != Distance(b, a) || (Distance(a, b) == 0) != (a == b) || Distance(a, c) > Distance(a, b)+Distance(b, c) {
			t.Fatalf("%q, %q, %q: %d, %d, %d, %d", a, b, c, Distance(a, b), Distance(b, a), Distance(b, c), Distance(a, c))
		}
	})
}
