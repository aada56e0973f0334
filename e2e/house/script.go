package house

import (
	"os"
	"os/exec"
	"testing"
)

// RunScript runs a script of a document with the program that it is written
// for (curl's are shell scripts) and returns what it prints. env is added to
// the environment, as NAME=value.
func RunScript(t testing.TB, name, debianPackages, script string, env ...string) string {
	t.Helper()
	program := program(t, name, debianPackages)
	var cmd *exec.Cmd
	switch name {
	case "curl":
		cmd = exec.CommandContext(t.Context(), "sh", "-c", script)
	case "node":
		cmd = exec.CommandContext(t.Context(), program, "--input-type=module", "--eval", script)
	case "python3":
		program = python(t, debianPackages)
		cmd = exec.CommandContext(t.Context(), program, "-c", script)
	}
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// python finds a Python that has the package requests: Debian installs it for
// Debian's own, which need not be the first in the path.
func python(t testing.TB, debianPackages string) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), candidate, "-c", "import requests").Run() == nil {
			return candidate
		}
	}
	missing(t, "no Python has the package requests: apt-get install %s", debianPackages)
	return ""
}
