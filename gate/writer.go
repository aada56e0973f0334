package gate

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// statusClientClosed is what Caddy's proxy writes when a request was cancelled.
const statusClientClosed = 499

// responseWriter notes whether the response has begun, after which the door
// can no longer answer in its own words.
type responseWriter struct {
	caddyhttp.ResponseWriterWrapper
	req   *Request
	r     *http.Request
	began bool
	conn  atomic.Pointer[net.Conn] // once the connection is hijacked
}

// WriteHeader swallows the proxy's 499 of a request that the gate itself cut
// off: the door answers it.
func (w *responseWriter) WriteHeader(status int) {
	if status == statusClientClosed && w.req.refusal.Load() != nil && !w.began {
		return
	}
	// Informational responses are not the response, but for the one that
	// ends HTTP on this connection.
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

// begin notes that the response begins. Where it comes from a handler before
// those whose headers belong on it, they are put on here.
func (w *responseWriter) begin() {
	if !w.began {
		w.began = true
		w.req.door.app.handover.endConnection(w.Header(), w.r)
		w.req.dress(w, w.r)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is overridden because a flush sends the header.
func (w *responseWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
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
