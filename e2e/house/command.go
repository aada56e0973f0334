package house

import (
	"os/exec"
	"testing"
)

// Run runs an installed program to its end, in the folder of the checkout, and
// returns what it prints. Its exit status has to be 0.
func Run(t testing.TB, debianPackage, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name, debianPackage), args...)
	cmd.Dir = Root()
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
