package port

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// otherVar makes of the test's program the other process.
const otherVar = "GATEHOUSE_TEST_PORTS"

// many are more than a block has.
const many = 2 * block

func TestMain(m *testing.M) {
	if os.Getenv(otherVar) == "" {
		os.Exit(m.Run())
	}
	for range many {
		port, err := Free()
		fmt.Println(port, err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // it is there until nobody reads it any more
}

// Two processes that ask at one time are never given the same port.
func TestTwoProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self)
	other.Env = append(os.Environ(), otherVar+"=yes")
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	given := make(map[int]bool)
	lines := bufio.NewScanner(stdout)
	for range many {
		mine, err := Free()
		if err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal("the other process has ended")
		}
		var theirs int
		if _, err := fmt.Sscan(lines.Text(), &theirs); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		for _, port := range []int{mine, theirs} {
			if given[port] {
				t.Errorf("%d is given twice", port)
			}
			given[port] = true
		}
	}
	_ = stdin.Close()
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}
