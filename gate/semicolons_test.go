package gate_test

import (
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestSemicolons holds that no backend reads a path that the rules have not been
// asked about, unless the site says that a semicolon is a letter.
func TestSemicolons(t *testing.T) {
	g := gatetest.New(t)
	for _, test := range []struct {
		options string
		want    int
	}{{"", 400}, {"semicolons refuse", 400}, {"semicolons pass", 200}} {
		if err := g.Load("GATE {\nagent_gate {\n" + test.options + "\n}\nagent_auth {\nanonymous read\nrequire admin /admin\n}\nreverse_proxy BACKEND\n}"); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/admin;x=1", "/admin%3bx=1", "/;/x"} {
			if got := g.Get(path).Status; got != test.want {
				t.Errorf("%s with %q: %d, not %d", path, test.options, got, test.want)
			}
		}
		if got := g.Get("/x/..;/admin").Status; got != 400 {
			t.Errorf("a dot segment with %q: %d", test.options, got)
		}
	}
	if got := g.Backend.Last().URL.Path; got != "/;/x" {
		t.Errorf("the backend got %s", got)
	}
}
