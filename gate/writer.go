package gate

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
)

// statusClientClosed is what Caddy's proxy writes when a request was cancelled.
const statusClientClosed = 499

// responseWriter notes whether the response has begun, after which the door
// can no longer answer in its own words.
type responseWriter struct {
	LastLook
	req  *Request
	r    *http.Request
	conn atomic.Pointer[net.Conn] // once the connection is hijacked
}

// WriteHeader swallows the proxy's 499 of a request that the gate itself cut
// off: the door answers it.
func (w *responseWriter) WriteHeader(status int) {
	if status == statusClientClosed && w.req.refusal.Load() != nil && !w.began {
		return
	}
	w.LastLook.WriteHeader(status)
}

// Finish puts on the headers that belong on the response, where it comes from a
// handler before those that would have.
func (w *responseWriter) Finish(status int, h http.Header) {
	if !Informs(status) {
		w.req.door.app.handover.endConnection(h, w.r)
		w.req.dress(w, w.r)
	}
}

// Hijack keeps the connection that a WebSocket takes over, so that it can be cut.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.began = true
		w.conn.Store(&conn)
	}
	return conn, rw, err
}

// cut closes the connection if it was hijacked.
func (w *responseWriter) cut() {
	if conn := w.conn.Load(); conn != nil {
		_ = (*conn).Close()
	}
}
