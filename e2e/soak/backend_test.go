package soak_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// backend is an agent server that can be told to misbehave.
type backend struct {
	*httptest.Server
	requests atomic.Int64 // those of /api/agents
	release  chan struct{}
}

func startBackend(t *testing.T) *backend {
	b := &backend{release: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/agents", func(w http.ResponseWriter, _ *http.Request) {
		b.requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"success":true}`)
	})
	mux.HandleFunc("POST /api/messaging/sessions/{session}/messages", b.stream)
	mux.HandleFunc("/socket.io/", b.echo)
	// Answers that go wrong, for callers who may do everything.
	mux.HandleFunc("GET /api/server/logs", b.misbehave)
	b.Server = httptest.NewUnstartedServer(mux)
	b.Server.Config.IdleTimeout = 5 * time.Second // as Node's
	b.Server.Start()
	t.Cleanup(b.Server.Close)
	t.Cleanup(func() { close(b.release) })
	return b
}

func (b *backend) stream(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	for n := 0; ; n++ {
		fmt.Fprintf(w, "data: %d\n\n", n)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *backend) echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

func (b *backend) misbehave(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("how") {
	case "hang":
		select {
		case <-r.Context().Done():
		case <-b.release:
		}
	case "reset":
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "the beginning of ")
		_ = http.NewResponseController(w).Flush()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	case "garbage":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = conn.Write([]byte("\x00\xff this is no HTTP\r\n\r\n"))
			_ = conn.Close()
		}
	}
}
