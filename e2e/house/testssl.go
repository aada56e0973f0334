package house

import "testing"

// Program returns the path of an installed program, which a Debian package
// of that name brings.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	return program(t, name, debianPackage)
}
