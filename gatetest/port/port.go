// Package port finds free ports for the servers of tests and benchmarks.
package port

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports lie outside of the range from which systems take those of outgoing
// connections: one of these could be taken until the server listens.
const first, last, block = 15000, 30000, 250

// own are the ports that are left of the blocks of this process. It listens on
// the first of each block for as long as it lives, so that no other process is
// given one of the others meanwhile, as long as nobody listens there yet.
var own struct {
	sync.Mutex
	next, end int
	held      []net.Listener
}

// Free returns a TCP port that is free on every address of this machine, and
// that no other call is given, in this process or in one beside it.
func Free() (int, error) {
	own.Lock()
	defer own.Unlock()
	for {
		for own.next < own.end {
			port := own.next
			own.next++
			if l, err := listen(port); err == nil {
				return port, l.Close()
			}
		}
		if err := claim(); err != nil {
			return 0, err
		}
	}
}

// claim takes another block, whichever is nobody's.
func claim() error {
	for _, n := range rand.Perm((last - first) / block) {
		begin := first + n*block
		if l, err := listen(begin); err == nil {
			own.held = append(own.held, l)
			own.next, own.end = begin+1, begin+block
			return nil
		}
	}
	return errors.New("no free port between 15000 and 30000")
}

func listen(port int) (net.Listener, error) { return net.Listen("tcp", fmt.Sprintf(":%d", port)) }
