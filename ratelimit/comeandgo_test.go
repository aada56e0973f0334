package ratelimit_test

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// TestStreamsComeAndGo holds that no slot is lost, however thousands of streams
// end: by a close, a reset, a half-close, or the backend's end.
func TestStreamsComeAndGo(t *testing.T) {
	const together, ways = 100, 4
	rounds := times(t, 2*ways)
	g := start(t, impatient("{\nconcurrent 1000\n}"))
	var once sync.Mutex
	end := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		once.Lock()
		ended := end
		once.Unlock()
		control := http.NewResponseController(w)
		if r.Header.Get("Upgrade") != "" {
			conn, err := gatetest.Upgrade(w)
			if err != nil {
				return
			}
			defer conn.Close()
			gone := make(chan struct{})
			go func() { _, _ = io.Copy(io.Discard, conn); close(gone) }()
			select {
			case <-gone:
			case <-ended:
			}
			return
		}
		_ = control.Flush()
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	})
	for round := range rounds {
		conns := make([]net.Conn, together)
		var opened sync.WaitGroup
		for i := range conns {
			opened.Go(func() {
				var status int
				if conns[i], status = open(t, g, i%2 == 0); status >= 400 {
					t.Errorf("stream %d: %d", i, status)
				}
			})
		}
		opened.Wait()
		if got := ratelimit.SlotsInUse(); got != together {
			t.Fatalf("%d streams hold %d slots", together, got)
		}
		for i, conn := range conns {
			switch (round + i) % ways {
			case 0:
				conn.Close()
			case 1:
				_ = conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			case 2:
				_ = conn.(*net.TCPConn).CloseWrite()
			case 3: // a client that goes when the backend has
				go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }()
			}
		}
		once.Lock()
		close(end) // the backend ends what the clients have not
		end = make(chan struct{})
		once.Unlock()
		gatetest.Await(t, "all slots are returned", func() bool { return ratelimit.SlotsInUse() == 0 })
		for _, conn := range conns {
			conn.Close()
		}
	}
}
