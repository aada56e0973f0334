//go:build unix

package house

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Clock is a wall clock that a program believes in. What it tells is as far from
// the machine's as Set says, and changes at once, as when somebody sets the
// machine's; the monotonic clock goes on, as it does then.
type Clock struct {
	path   string
	offset *int64 // seconds, shared with the program
}

// NewClock is a clock that tells the machine's time.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	c := &Clock{path: filepath.Join(t.TempDir(), "clock")}
	file, err := os.Create(c.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(binary.NativeEndian.AppendUint64(nil, 0)); err != nil {
		t.Fatal(err)
	}
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	c.offset = (*int64)(unsafe.Pointer(&memory[0]))
	return c
}

// Set sets the clock so far ahead of the machine's, or behind it.
func (c *Clock) Set(ahead time.Duration) { c.SetSeconds(int64(ahead / time.Second)) }

// SetSeconds is Set for more than the 292 years of a Duration.
func (c *Clock) SetSeconds(ahead int64) { atomic.StoreInt64(c.offset, ahead) }

// Env is the environment by which a program built by ClockedGateBinary finds the clock.
func (c *Clock) Env() string { return clockVariable + "=" + c.path }

const clockVariable = "GATEHOUSE_TEST_CLOCK"

// clockSource is what the package time is given besides.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var testClock *int64

func init() {
	path, ok := syscall.Getenv("` + clockVariable + `")
	if !ok {
		return
	}
	file, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		panic(err)
	}
	memory, err := syscall.Mmap(file, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	testClock = (*int64)(unsafe.Pointer(&memory[0]))
}

func testClockAhead() int64 {
	if testClock == nil {
		return 0
	}
	return atomic.LoadInt64(testClock)
}
`

// ClockedGateBinary builds the gate with a standard library whose time.Now asks
// a Clock, once per test binary. All else of it is as it always is.
func ClockedGateBinary(t testing.TB) string {
	t.Helper()
	clockedGate.Lock()
	defer clockedGate.Unlock()
	if clockedGate.path == "" {
		clockedGate.path = buildClockedGate(t)
	}
	return clockedGate.path
}

var clockedGate struct {
	sync.Mutex
	path string
}

func buildClockedGate(t testing.TB) string {
	t.Helper()
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	root, err := output(exec.Command("go", "env", "GOROOT"))
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(root), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(source), now, now+"\tsec += testClockAhead()\n", 1)
	if changed == string(source) {
		t.Fatalf("time.Now in %s is not what it was: see ClockedGateBinary", original)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for name, text := range map[string]string{"time.go": changed, "testclock.go": clockSource} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(filepath.Dir(original), name)] = path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return build(t, "./cmd/gatehouse", "-overlay", path)
}
