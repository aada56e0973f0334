// Package house is a test house: it starts the real programs that the
// end-to-end tests need (an ElizaOS server, the gate, a browser, Redis, an ACME
// server, fail2ban, Prometheus), each on loopback and on free ports, and stops
// them again.
//
// A program that is not installed skips the test with a sentence that says what
// to install. With GATEHOUSE_E2E=require in the environment it fails the test
// instead, so that a build server cannot pass by testing nothing.
//
// The ElizaOS server takes seconds to start and is shared by all tests of a
// binary; so are the programs that are built first. A package that uses the
// house therefore needs
//
//	func TestMain(m *testing.M) { os.Exit(house.Main(m)) }
package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest/port"
)

// Main runs the tests of a binary, then stops whatever they shared.
func Main(m *testing.M) int {
	defer shared.close()
	return m.Run()
}

// closers are what is to be done when the last test has ended, last first.
type closers struct {
	mu   sync.Mutex
	list []func()
}

var shared closers

func (c *closers) add(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, f)
}

func (c *closers) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range slices.Backward(c.list) {
		f()
	}
	c.list = nil
}

// missing ends a test for want of a program: it skips, or fails if the
// environment requires all of them.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("GATEHOUSE_E2E") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// program returns the path of an installed program.
func program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "%s is not installed: apt-get install %s", name, debianPackage)
	}
	return path
}

// Root is the folder of the checkout.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// tempDir returns a new folder that is removed when the test ends. Its path is
// short, unlike that of t.TempDir: a unix socket's may have 107 bytes.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, dir) })
	return dir
}

func removeAll(t testing.TB, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Logf("left behind: %v", err)
	}
}

func writeFile(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Port returns a free TCP port of 127.0.0.1.
func Port(t testing.TB) int {
	t.Helper()
	free, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return free
}
