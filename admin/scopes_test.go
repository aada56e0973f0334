package admin_test

import (
	"fmt"
	"strings"
	"testing"
)

// A scope that no rule asks for is told of by whatever makes a key, which is
// made all the same.
func TestScopesThatNoRuleAsksFor(t *testing.T) {
	o := open(t, socket(t), "")
	const warning = "no rule asks for the scope raed (is read meant?): it gives nothing; rules ask for read"
	if got := o.must(200, "POST", "/gatehouse/keys", `{"id":"a","scopes":["read","raed"]}`); fmt.Sprint(got["warnings"]) != "["+warning+"]" || got["secret"] == nil {
		t.Errorf("through the API: %v", got)
	}
	if got := o.must(200, "POST", "/gatehouse/keys", `{"id":"b","scopes":["read"]}`); got["warnings"] != nil {
		t.Errorf("through the API: %v", got)
	}
	for _, test := range []struct {
		command, id, scope, address string
		warns                       bool
	}{
		{"add", "c", "raed", o.Admin, true},
		{"add", "d", "read", o.Admin, false},
		{"import", "e", "raed", o.Admin, true},
		{"add", "f", "raed", "unix/" + t.TempDir() + "/none.sock", false}, // nobody knows
	} {
		said := command(t, "key", test.command, test.id, "--scope", test.scope, "--file", o.file.Path(), "--address", test.address)
		if strings.Contains(said, "Error") || strings.Contains(said, "warning: "+warning) != test.warns {
			t.Errorf("%+v: %s", test, said)
		}
	}
	if d, err := o.file.Load(); err != nil || len(d.Keys) != 6 {
		t.Errorf("%v, %v", d, err)
	}
}
