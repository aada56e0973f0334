package ratelimit_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// streams has the backend answer streams that stay open until released, and
// upgrade where it is asked to.
func streams(g *gatetest.Gate) (release func()) {
	end := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			_ = gatetest.HoldSocket(w)
			return
		}
		if r.URL.Path == "/elsewhere" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	return sync.OnceFunc(func() { close(end) })
}

// impatient is the site, with a server that does not wait for streams to end.
func impatient(lines string) string {
	return strings.Replace(site(lines), "{\n", "{\n\tgrace_period 10ms\n", 1)
}

// open sends a request and waits for the head of its response.
func open(t *testing.T, g *gatetest.Gate, upgrade bool) (net.Conn, int) {
	t.Helper()
	conn, _, res := begin(t, g, "/socket.io/", upgrade)
	return conn, res.StatusCode
}

// begin is open for any path, with what the response goes on in.
func begin(t *testing.T, g *gatetest.Gate, path string, upgrade bool) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	head := "GET " + path + " HTTP/1.1\r\nHost: " + g.Addr + "\r\n"
	if upgrade {
		head += "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, reader, res
}

func TestConcurrent(t *testing.T) {
	const n = 4
	const text = "{\nconcurrent 4 /socket.io/*\n}"
	for _, upgrade := range []bool{false, true} {
		for how, end := range map[string]func(conn net.Conn){
			"close":      func(conn net.Conn) { conn.Close() },
			"half-close": func(conn net.Conn) { conn.(*net.TCPConn).CloseWrite(); go io.Copy(io.Discard, conn) },
			"reset":      func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0); conn.Close() },
		} {
			t.Run(fmt.Sprintf("upgrade %t %s", upgrade, how), func(t *testing.T) {
				g := start(t, impatient(text))
				release := streams(g)
				defer release()
				var conns []net.Conn
				for range n {
					conn, status := open(t, g, upgrade)
					if status >= 400 {
						t.Fatalf("got %d", status)
					}
					conns = append(conns, conn)
				}
				conn, status := open(t, g, upgrade)
				conn.Close()
				if status != 429 || ratelimit.SlotsInUse() != n {
					t.Fatalf("one too many gets %d, and %d slots are taken", status, ratelimit.SlotsInUse())
				}
				if got := g.Get("/elsewhere", "Connection", "close"); got.Status == 429 {
					t.Errorf("elsewhere: %d", got.Status)
				}
				// Streams and their slots outlive the configuration.
				if err := g.Load(impatient(strings.Replace(text, "\n}", "\nheaders off\n}", 1))); err != nil {
					t.Fatal(err)
				}
				if got := ratelimit.SlotsInUse(); !upgrade && got != n {
					t.Errorf("after a reload %d slots are taken", got)
				}
				for _, conn := range conns {
					end(conn)
				}
				if how == "half-close" {
					release() // a client that has only stopped sending may still read
				}
				gatetest.Await(t, "all slots are returned", func() bool { return ratelimit.SlotsInUse() == 0 })
			})
		}
	}
}

func TestConcurrentWhateverFails(t *testing.T) {
	g := start(t, site("{\nconcurrent 1\ntier api {\nlimit 3 15m\n}\n}"))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	for range 3 {
		if got := g.Get("/").Status; got != 502 {
			t.Fatalf("got %d", got)
		}
	}
	if got := g.Get("/").Status; got != 429 {
		t.Errorf("over the limit: %d", got)
	}
	gatetest.Await(t, "all slots are returned", func() bool { return ratelimit.SlotsInUse() == 0 })
}
