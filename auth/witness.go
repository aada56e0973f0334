package auth

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// witness reads a JSON answer on its way to the client, within a bound. The
// answer is told before its last bytes leave, so that a client that uses what
// it was told at once does not come too early. Other answers, streams above
// all, pass as if it were not there.
type witness struct {
	caddyhttp.ResponseWriterWrapper
	tell func(answer []byte)
	read []byte
	done bool // told, or nothing to be told
}

// maxAnswer bounds the answer that is read.
const maxAnswer = 64 << 10

func (w *witness) WriteHeader(status int) {
	if !gate.Informs(status) {
		contentType := w.Header().Get("Content-Type")
		w.done = w.done || status < 200 || status > 299 || !strings.HasPrefix(contentType, "application/json") || w.Header().Get("Content-Encoding") != ""
	}
	w.ResponseWriterWrapper.WriteHeader(status)
}

func (w *witness) Write(p []byte) (int, error) {
	if !w.done {
		w.read = append(w.read, p...)
		switch {
		case len(w.read) > maxAnswer:
			w.done, w.read = true, nil
		case json.Valid(w.read):
			w.tell(w.read)
			w.done, w.read = true, nil
		}
	}
	return w.ResponseWriterWrapper.Write(p)
}

// ReadFrom is overridden beside Write, which the wrapper's own ReadFrom would bypass.
func (w *witness) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}
