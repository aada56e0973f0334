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
const first, last = 15000, 30000

var given sync.Map

// Free returns a TCP port that is free on every address of this machine, and
// that no other call in this process was given.
func Free() (int, error) {
	for range 100 {
		port := first + rand.IntN(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		if _, taken := given.LoadOrStore(port, true); !taken {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 15000 and 30000")
}
