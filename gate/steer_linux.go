package gate

import (
	"bufio"
	"cmp"
	"net"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lead has new connections go to the socket of ln and to no other on its address,
// of which it has to be the newest, until it is released.
//
// Linux chooses among the sockets of an address (SO_REUSEPORT) by a program of a
// single instruction: the number of the one. Sockets of MPTCP, which Go makes
// where nobody says otherwise, take no such program. What is not known for a TCP
// socket is left alone.
func lead(ln net.Listener) (release func(), err error) {
	to := socketOf(ln)
	if to == nil || ln.Addr().Network() != "tcp" {
		return func() {}, nil
	}
	number := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: newest(inode(to))}
	err = control(to, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &unix.SockFprog{Len: 1, Filter: &number})
	})
	return func() {
		_ = control(to, func(fd int) error { // it may be closed by now
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_REUSEPORT_BPF, 0)
		})
	}, err
}

// steer leads new connections to ln, which has begun to listen on the address of
// former. A unix socket, and one that systemd has opened, is the same for both:
// former takes nothing from it any more.
func steer(former, ln net.Listener) (release func(), err error) {
	if from, to := socketOf(former), socketOf(ln); from != nil && to != nil && inode(from) == inode(to) {
		if err := from.SetDeadline(time.Unix(1, 0)); err != nil {
			return func() {}, err
		}
		// Nobody has to be led; whoever was is let go of.
		release, _ = lead(ln)
		return release, nil
	}
	return lead(ln)
}

// listens reports whether a listener is not closed yet, as far as can be told.
func listens(ln net.Listener) bool {
	s := socketOf(ln)
	return s != nil && inode(s) != 0
}

// newest is the number that a socket has among those that listen on its address,
// if none came after it: Linux counts them as they come. There may be others than
// the two of a reload, of another gate on the same ports.
func newest(inode uint64) uint32 {
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		file, err := os.Open(table)
		if err != nil {
			break
		}
		defer file.Close()
		const local, state, number, listens = 1, 3, 9, "0A"
		address, listeners := "", make(map[string]uint32)
		lines := bufio.NewScanner(file)
		lines.Scan() // the names of the columns
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) <= number || fields[state] != listens {
				break // connections come after all that listens
			}
			listeners[fields[local]]++
			if fields[number] == strconv.FormatUint(inode, 10) {
				address = fields[local]
			}
		}
		if address != "" {
			return listeners[address] - 1
		}
	}
	return 1 // who cannot look takes it that there are two
}

// inode tells sockets apart; 0 is that of one that is closed.
func inode(s socket) uint64 {
	var stat unix.Stat_t
	if err := control(s, func(fd int) error { return unix.Fstat(fd, &stat) }); err != nil {
		return 0
	}
	return stat.Ino
}

func control(s socket, do func(fd int) error) error {
	conn, err := s.SyscallConn()
	if err != nil {
		return err
	}
	failed := conn.Control(func(fd uintptr) { err = do(int(fd)) })
	return cmp.Or(failed, err)
}

// socket is a net.TCPListener or net.UnixListener.
type socket interface {
	syscall.Conn
	SetDeadline(time.Time) error
}

// socketOf is the socket of a listener of Caddy's, which stands within others
// that show it to nobody but by the name of their field; nil for any other.
func socketOf(ln net.Listener) socket {
	for ln != nil {
		if s, ok := ln.(socket); ok {
			return s
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
