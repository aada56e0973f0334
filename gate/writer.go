package gate

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// statusClientClosed is what Caddy's proxy writes when a request was cancelled.
const statusClientClosed = 499

// responseWriter notes whether the response has begun, after which the door
// can no longer answer in its own words.
type responseWriter struct {
	caddyhttp.ResponseWriterWrapper
	req   *Request
	began bool
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
		w.began = true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.began = true
	return w.ResponseWriter.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	w.began = true
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is overridden because a flush sends the header.
func (w *responseWriter) FlushError() error {
	w.began = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}
