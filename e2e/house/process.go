package house

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything in the house may take before a test fails. It
// is no measure of anything: machines that run tests are busy.
const patience = 3 * time.Minute

// Process is a running program and everything that it has printed.
type Process struct {
	name string
	cmd  *exec.Cmd

	mu      sync.Mutex
	output  bytes.Buffer
	changed chan struct{} // closed and replaced whenever output grows
	exited  chan struct{}
	err     error // of Wait; read after exited is closed
}

// start runs a program in a process group of its own. Its environment is what
// is given and a PATH, nothing of the test's. The test, or whoever shares the
// process, has to call Stop.
func start(name string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: name, cmd: cmd, changed: make(chan struct{}), exited: make(chan struct{})}
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, cmd.Env...)
	cmd.Stdout = p
	cmd.Stderr = p
	cmd.WaitDelay = 5 * time.Second
	if err := launch(cmd); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// run starts a program and stops it when the test ends.
func run(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p, err := start(name, cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// Again starts the binary of the test once more, which does what its TestMain
// makes of the environment, and stops it when the test ends.
func Again(t testing.TB, name string, env ...string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = env
	return run(t, name, cmd)
}

// Write takes the program's output.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
	return p.output.Write(b)
}

// Output returns all that the program has printed, on both its streams.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// PID returns the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited reports whether the program has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// WaitFor waits until the output holds a match of the pattern, and returns the
// match and its groups. It fails the test if the program ends before that.
func (p *Process) WaitFor(t testing.TB, pattern string) []string {
	t.Helper()
	match, err := p.waitFor(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return match
}

func (p *Process) waitFor(pattern string) ([]string, error) {
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return nil, err
	}
	limit := time.After(patience)
	for {
		p.mu.Lock()
		match, changed := re.FindStringSubmatch(p.output.String()), p.changed
		p.mu.Unlock()
		if match != nil {
			return match, nil
		}
		select {
		case <-changed:
		case <-p.exited:
			// The last output is in by now; without a match in it there is none.
			if match := re.FindStringSubmatch(p.Output()); match != nil {
				return match, nil
			}
			return nil, fmt.Errorf("%s ended (%v) before it printed %q:\n%s", p.name, p.err, pattern, p.Output())
		case <-limit:
			return nil, fmt.Errorf("%s did not print %q within %s:\n%s", p.name, pattern, patience, p.Output())
		}
	}
}

// Retry repeats what fails until the program has got so far, and fails the test
// if it ends or takes too long. Where the program says so itself, WaitFor is better.
func (p *Process) Retry(t testing.TB, f func() error) {
	t.Helper()
	limit := time.After(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-p.exited:
			t.Fatalf("%s ended (%v):\n%s", p.name, p.err, p.Output())
		case <-limit:
			t.Fatalf("after %[2]s of %[1]s: %[3]v\n%[4]s", p.name, patience, err, p.Output())
		}
	}
}

// Signal sends a signal to the program alone.
func (p *Process) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

// Wait waits until the program ends and returns its exit status.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%s is still running after %s:\n%s", p.name, patience, p.Output())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop asks the program to end, and after a minute ends it and its children.
// Stopping what has ended already does nothing.
func (p *Process) Stop() {
	if !p.Exited() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
		case <-time.After(time.Minute):
		}
	}
	// The group outlives its leader for as long as a child is left in it.
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.exited
}

// output runs a program to its end and returns what it printed to its standard
// output. What it printed to the other is in the error alone: there go tells of
// what it downloads, and Node of what it thinks old.
func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &stderr)
	}
	return string(out), nil
}

// builds are the programs built from source, each once per test binary.
var builds struct {
	sync.Mutex
	dir  string
	done map[string]func() (string, error)
}

// build builds a main package of the checkout (or one that a module file of the
// checkout names) and returns the path of the program.
func build(t testing.TB, pkg string, flags ...string) string {
	t.Helper()
	builds.Lock()
	name := strings.Join(append([]string{pkg}, flags...), " ")
	once := builds.done[name]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return goBuild(pkg, flags) })
		if builds.done == nil {
			builds.done = make(map[string]func() (string, error))
		}
		builds.done[name] = once
	}
	builds.Unlock()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func goBuild(pkg string, flags []string) (string, error) {
	builds.Lock()
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "gatehouse-e2e")
		if err != nil {
			builds.Unlock()
			return "", err
		}
		builds.dir = dir
		shared.add(func() { _ = os.RemoveAll(dir) })
	}
	builds.Unlock()
	dir, err := os.MkdirTemp(builds.dir, "")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(pkg))
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = Root()
	_, err = output(cmd)
	return path, err
}
