package house

import (
	"os/exec"
	"testing"
)

// Run runs an installed program to its end, in the folder of the checkout, and
// returns what it prints, to either output. Its exit status has to be 0.
func Run(t testing.TB, debianPackage, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name, debianPackage), args...)
	cmd.Dir = Root()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// Tool runs a program of tools/ to its end and returns what it prints to its
// standard output. Its exit status has to be 0.
func Tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "-C", "tools", "./" + name}, args...)...)
	cmd.Dir = Root()
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
