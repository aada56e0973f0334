package gate

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestUnaskedScopes(t *testing.T) {
	asked := []string{"admin", "chat", "read", "upload"}
	for _, test := range []struct {
		held, asked []string
		want        string
	}{
		{[]string{"read", "chat"}, asked, "[]"},
		{[]string{"*"}, asked, "[]"},
		{[]string{"anything"}, nil, "[]"},
		{[]string{"read", "caht"}, asked, "[caht (is chat meant?)]"},
		{[]string{"Read"}, asked, "[Read (is read meant?)]"},
		{[]string{"raed"}, asked, "[raed (is read meant?)]"},
		{[]string{"administrator"}, asked, "[administrator (is admin meant?)]"},
		{[]string{"up"}, asked, "[up (is upload meant?)]"},
		{[]string{"billing"}, asked, "[billing]"},
		{[]string{"x", "y"}, []string{"read"}, "[x y]"},
		{[]string{"0123456789abcdef0123456789abcdef"}, asked, "[one of 32 characters]"},
	} {
		if got := fmt.Sprint(UnaskedScopes(test.held, test.asked)); got != test.want {
			t.Errorf("%v of %v: %s, not %s", test.held, test.asked, got, test.want)
		}
	}
}

// The distance is one: the same both ways, nothing between equal words alone,
// and never longer by a way round.
func TestChanges(t *testing.T) {
	for pair, want := range map[[2]string]int{{"", ""}: 0, {"", "abc"}: 3, {"chat", "cat"}: 1, {"caht", "chat"}: 2, {"kitten", "sitting"}: 3} {
		if got := changes(pair[0], pair[1]); got != want {
			t.Errorf("%v: %d", pair, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if changes(a, b) != changes(b, a) || (changes(a, b) == 0) != (a == b) || changes(a, c) > changes(a, b)+changes(b, c) {
			t.Fatalf("%q, %q, %q: %d, %d, %d, %d", a, b, c, changes(a, b), changes(b, a), changes(b, c), changes(a, c))
		}
	})
}
