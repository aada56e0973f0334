package headers

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// finisher has the last word on the headers of a response.
type finisher interface {
	// finish edits the headers that are about to be sent with the status.
	// Informational responses (but 101) are followed by another call.
	finish(status int, h http.Header)
}

// lastLook is a response writer that lets a finisher see the headers before
// they are sent, and changes nothing else: what Caddy's wrapper hands through
// (hijacking, pushing, deadlines) goes through.
type lastLook struct {
	caddyhttp.ResponseWriterWrapper
	finisher
	done bool
}

func (w *lastLook) look(status int) {
	if w.done {
		return
	}
	w.done = status >= 200 || status == http.StatusSwitchingProtocols
	w.finish(status, w.Header())
}

func (w *lastLook) WriteHeader(status int) {
	w.look(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *lastLook) Write(p []byte) (int, error) {
	w.look(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (w *lastLook) ReadFrom(r io.Reader) (int64, error) {
	w.look(http.StatusOK)
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is overridden because a flush sends the headers.
func (w *lastLook) FlushError() error {
	w.look(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}
