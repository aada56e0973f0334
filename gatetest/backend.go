package gatetest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Backend is a recording backend. Unless told otherwise it answers 200 with
// the request's method and URI as text.
type Backend struct {
	server *httptest.Server

	mu      sync.Mutex
	seen    []*http.Request
	handler http.HandlerFunc
}

func newBackend(t testing.TB) *Backend {
	b := new(Backend)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r.Clone(r.Context()))
		handler := b.handler
		b.mu.Unlock()
		if handler != nil {
			handler(w, r)
			return
		}
		fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
	}))
	t.Cleanup(b.server.Close)
	return b
}

// Addr is the backend's host and port.
func (b *Backend) Addr() string { return b.server.Listener.Addr().String() }

// Handle sets what the backend answers from now on.
func (b *Backend) Handle(handler http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = handler
}

// Seen are the requests that have reached the backend, in order.
func (b *Backend) Seen() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*http.Request(nil), b.seen...)
}

// Last is the last request that has reached the backend, or nil.
func (b *Backend) Last() *http.Request {
	seen := b.Seen()
	if len(seen) == 0 {
		return nil
	}
	return seen[len(seen)-1]
}

// Close takes the backend away.
func (b *Backend) Close() { b.server.Close() }

// Upgrade answers a request for a WebSocket with 101 and gives the connection,
// on which no frame is read or written.
func Upgrade(w http.ResponseWriter) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_, _ = io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	return conn, buffered.Flush()
}

// HoldSocket is Upgrade for a backend that only listens: it drops what comes,
// until the other side ends the connection. Its error is that there was none.
func HoldSocket(w http.ResponseWriter) error {
	conn, err := Upgrade(w)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
	return nil
}
