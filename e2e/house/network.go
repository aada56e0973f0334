package house

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// Network is a network of its own on this machine. Programs that are started in
// it share a loopback, as the containers of a pod do, and are reached from here
// over a cable, as clients reach a pod.
type Network struct {
	name            string
	Inside, Outside string // the addresses of the cable's two ends
}

var networks atomic.Int32

// NewNetwork makes a network that is gone when the test ends. Where the kernel
// does not let this user make one, which no package mends, the test is skipped
// even if the environment requires all programs.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	program(t, "ip", "iproute2")
	number := networks.Add(1)
	// Of the addresses for benchmarks (RFC 2544), which no network here has.
	address := func(end int32) string { return fmt.Sprintf("198.18.%d.%d", os.Getpid()%256, number*4%256+end) }
	n := &Network{name: fmt.Sprintf("gatehouse-%d-%d", os.Getpid(), number), Outside: address(1), Inside: address(2)}
	ours, theirs := fmt.Sprintf("gho%d-%d", os.Getpid(), number), fmt.Sprintf("ghi%d-%d", os.Getpid(), number)
	for i, arguments := range []string{
		"netns add " + n.name,
		"link add " + ours + " type veth peer name " + theirs + " netns " + n.name,
		"address add " + n.Outside + "/30 dev " + ours,
		"link set " + ours + " up",
		"-n " + n.name + " link set lo up",
		"-n " + n.name + " address add " + n.Inside + "/30 dev " + theirs,
		"-n " + n.name + " link set " + theirs + " up",
	} {
		out, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput()
		if err != nil {
			t.Skipf("this user may not make networks here (ip %s: %v: %s): root may, outside of most containers", arguments, err, strings.TrimSpace(string(out)))
		}
		if i == 0 {
			// Takes the cable along.
			t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", n.name).Run() })
		}
	}
	return n
}

// command is a program to be started in the network; in none, with the machine's own.
func (n *Network) command(name string, args ...string) *exec.Cmd {
	if n == nil {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", n.name, name}, args...)...)
}

// ours is the address under which programs in the network reach the test.
func (n *Network) ours() string {
	if n == nil {
		return "127.0.0.1"
	}
	return n.Outside
}
