package gate

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listen has a listener say its name to whoever it accepts, until it accepts
// nobody any more.
func listen(t *testing.T, name string, ln net.Listener) (ended chan struct{}) {
	t.Helper()
	t.Cleanup(func() { _ = ln.Close() })
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, name)
			_ = conn.Close()
		}
	}()
	return ended
}

// reusable listens beside others on the same address.
func reusable(t *testing.T, address string) net.Listener {
	t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	config.Control = func(_, _ string, conn syscall.RawConn) (err error) {
		return conn.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	}
	ln, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// answeredBy is who answers n connections, and how often.
func answeredBy(t *testing.T, addr net.Addr, n int) map[string]int {
	t.Helper()
	by := make(map[string]int)
	for range n {
		conn, err := net.Dial(addr.Network(), addr.String())
		if err != nil {
			t.Fatal(err)
		}
		name, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		by[string(name)]++
	}
	return by
}

// TestSteering holds that of all sockets on an address the one that came last
// gets the connections, and that the others get theirs again when it is released.
func TestSteering(t *testing.T) {
	for name, others := range map[string]struct{ before, between bool }{
		"two":                     {},
		"another process before":  {before: true},
		"another process between": {between: true},
	} {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			t.Run(name+" "+address, func(t *testing.T) {
				former := reusable(t, address)
				address := former.Addr().String()
				if others.before {
					listen(t, "other", former)
					former = reusable(t, address)
				}
				listen(t, "former", former)
				if others.between {
					listen(t, "other", reusable(t, address))
				}
				ln := reusable(t, address)
				listen(t, "new", ln)
				release, err := steer(former, ln)
				if err != nil {
					t.Fatal(err)
				}
				if by := answeredBy(t, ln.Addr(), 50); by["new"] != 50 {
					t.Errorf("of 50 connections while it is steered: %v", by)
				}
				_ = former.Close()
				if by := answeredBy(t, ln.Addr(), 50); by["former"] != 0 {
					t.Errorf("of 50 connections once the former is closed: %v", by)
				}
				release()
				listen(t, "beside", reusable(t, address))
				if by := answeredBy(t, ln.Addr(), 100); by["new"] == 0 || by["beside"] == 0 {
					t.Errorf("of 100 connections once it is released: %v", by)
				}
			})
		}
	}
}

// TestSteeringOneSocket holds that of two listeners on the same socket the former
// takes nothing any more.
func TestSteeringOneSocket(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	for _, former := range []net.Listener{tcp, unix} {
		t.Run(former.Addr().Network(), func(t *testing.T) {
			file, err := former.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			ln, err := net.FileListener(file)
			if err != nil {
				t.Fatal(err)
			}
			ended := listen(t, "former", former)
			listen(t, "new", ln)
			if _, err := steer(former, ln); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Fatal("the former goes on")
			}
			if by := answeredBy(t, ln.Addr(), 50); by["new"] != 50 {
				t.Errorf("of 50 connections: %v", by)
			}
		})
	}
}
