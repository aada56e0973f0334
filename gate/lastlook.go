package gate

import (
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Finisher has the last word on the headers of a response.
type Finisher interface {
	// Finish edits the headers that are about to be sent with the status.
	// Informational responses are followed by another call.
	Finish(status int, h http.Header)
}

// Informs reports whether a status is that of an informational response, which
// another response follows. 101 is none: it ends HTTP on the connection.
func Informs(status int) bool { return status < 200 && status != http.StatusSwitchingProtocols }

// LastLook is a response writer that lets a Finisher see the headers before
// they are sent, and changes nothing else: what Caddy's wrapper hands through
// (hijacking, pushing, deadlines) goes through. It is meant to be embedded.
type LastLook struct {
	caddyhttp.ResponseWriterWrapper
	finisher Finisher
	began    bool // the finisher has seen the response, and not only informational ones
}

// NewLastLook is a LastLook before w.
func NewLastLook(w http.ResponseWriter, finisher Finisher) LastLook {
	return LastLook{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, finisher: finisher}
}

// Look has the finisher look now, unless it has seen the response begin.
func (w *LastLook) Look(status int) {
	if w.began {
		return
	}
	w.began = !Informs(status)
	w.finisher.Finish(status, w.Header())
}

// WriteHeader implements http.ResponseWriter.
func (w *LastLook) WriteHeader(status int) {
	w.Look(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *LastLook) Write(p []byte) (int, error) {
	w.Look(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (w *LastLook) ReadFrom(r io.Reader) (int64, error) {
	w.Look(http.StatusOK)
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is overridden because a flush sends the headers.
func (w *LastLook) FlushError() error {
	w.Look(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}
