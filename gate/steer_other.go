//go:build !linux

package gate

import "net"

// lead does nothing: only Linux can be told which of two sockets a connection is
// for.
func lead(net.Listener) (release func(), err error) { return func() {}, nil }

// steer does nothing, as lead.
func steer(_, _ net.Listener) (release func(), err error) { return func() {}, nil }

// listens cannot tell.
func listens(net.Listener) bool { return false }
