package gate

import (
	"fmt"
	"testing"
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
