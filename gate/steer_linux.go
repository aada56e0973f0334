package gate

import (
	"cmp"
	"net"
	"reflect"
	"syscall"

	"golang.org/x/sys/unix"
)

// steer has new connections go to the newer of two sockets that listen on one
// address (SO_REUSEPORT), ln, and to no other, until it is released. Linux
// chooses among the sockets of an address by a program of a single instruction:
// the number of the second. Once the first is closed, the second is the only one,
// and gets everything. Sockets of MPTCP, which Go makes where nobody says
// otherwise, take no such program. What is no TCP socket needs none.
func steer(ln net.Listener) (release func(), err error) {
	release = func() {}
	conn := rawConn(ln)
	if conn == nil {
		return release, nil
	}
	second := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1}
	failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &unix.SockFprog{Len: 1, Filter: &second})
	})
	if err = cmp.Or(failed, err); err != nil {
		return release, err
	}
	return func() {
		_ = conn.Control(func(fd uintptr) { // the socket may be closed by now
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_REUSEPORT_BPF, 0)
		})
	}, nil
}

// rawConn is the TCP socket of a listener of Caddy's, which stands within others
// that show it to nobody but by the name of their field; nil for any other.
func rawConn(ln net.Listener) syscall.RawConn {
	for ln != nil {
		if tcp, ok := ln.(*net.TCPListener); ok {
			conn, err := tcp.SyscallConn()
			if err != nil {
				return nil
			}
			return conn
		}
		within := reflect.Indirect(reflect.ValueOf(ln))
		if within.Kind() != reflect.Struct {
			return nil
		}
		field := within.FieldByName("Listener")
		if !field.IsValid() || !field.CanInterface() {
			return nil
		}
		ln, _ = field.Interface().(net.Listener)
	}
	return nil
}
