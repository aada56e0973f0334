package gate

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Streams is the registry of requests in flight, so that those of a key that
// is taken back can be ended, streams and sockets included. There is one for
// the process, not one for each configuration: a stream outlives the
// configuration that it came under.
type Streams struct {
	mu   sync.Mutex
	open map[*Stream]struct{}
}

var processStreams = NewStreams()

// NewStreams returns an empty registry.
func NewStreams() *Streams { return &Streams{open: make(map[*Stream]struct{})} }

// Stream is one request in flight.
type Stream struct {
	// KeyID is the key under which the request was let in; "" for strangers.
	KeyID string
	// Request is what the gate knows of it.
	Request *Request

	// lease says why the request may no longer go on; "" while it may.
	lease  func() string
	cancel context.CancelCauseFunc
	// uncut takes back what is to be done when the context is cancelled.
	uncut    func() bool
	registry *Streams
}

// EndedError is the cause of the context of a request that the gate has ended.
// It counts as context.Canceled, so that the proxy neither retries the request
// nor holds it against the backend.
type EndedError struct{ Reason string }

func (e *EndedError) Error() string { return "ended by the gate: " + e.Reason }

// Unwrap makes an EndedError count as context.Canceled.
func (e *EndedError) Unwrap() error { return context.Canceled }

// Track enters a request and returns it with a context that is cancelled when
// the request is ended. lease is asked by Sweep: it says why the request may no
// longer go on, or "". The caller calls Close on the stream when the request is
// over.
func (s *Streams) Track(w http.ResponseWriter, r *http.Request, req *Request, keyID string, lease func() string) (*http.Request, *Stream) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stream := &Stream{KeyID: keyID, Request: req, lease: lease, cancel: cancel, registry: s}
	// A client that does not read would hold the response open: what is left
	// to be written has a moment to go out, then the connection is cut.
	wire := belowTimeouts(w)
	stream.uncut = context.AfterFunc(ctx, func() {
		_ = http.NewResponseController(wire).SetWriteDeadline(time.Now().Add(lastWords))
		req.writer.cut()
	})
	s.mu.Lock()
	s.open[stream] = struct{}{}
	s.mu.Unlock()
	return r.WithContext(ctx), stream
}

// lastWords is how long an ended request may take to write what it has begun.
const lastWords = 250 * time.Millisecond

// belowTimeouts is the writer below Caddy's idle timeouts, which keep notes of
// their own and may be used by the handler's goroutine alone.
func belowTimeouts(w http.ResponseWriter) http.ResponseWriter {
	for inner := w; ; {
		if idle, ok := inner.(*caddyhttp.IdleTimeoutWriter); ok {
			return idle.Unwrap()
		}
		wrapper, ok := inner.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		inner = wrapper.Unwrap()
	}
}

// Sweep ends the requests whose lease has run out, and returns how many those
// were. Whoever gives leases calls it when something has changed, and every
// second, since some run out by themselves.
func (s *Streams) Sweep() int {
	ended := 0
	for stream, reason := range s.expired() {
		ended += s.End(func(other *Stream) bool { return other == stream }, reason)
	}
	return ended
}

func (s *Streams) expired() map[*Stream]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reasons map[*Stream]string
	for stream := range s.open {
		if stream.lease == nil {
			continue
		}
		if reason := stream.lease(); reason != "" {
			if reasons == nil {
				reasons = make(map[*Stream]string)
			}
			reasons[stream] = reason
		}
	}
	return reasons
}

// Close takes the stream out of the registry. It may be called more than once.
func (s *Stream) Close() {
	s.registry.mu.Lock()
	delete(s.registry.open, s)
	s.registry.mu.Unlock()
	s.uncut()
	s.cancel(nil)
}

// Len is the number of requests in flight.
func (s *Streams) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// ByKey is the number of requests in flight for each key.
func (s *Streams) ByKey() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := make(map[string]int)
	for stream := range s.open {
		count[stream.KeyID]++
	}
	return count
}

// End ends every request in flight for which match is true and returns how
// many those were. A request that has not been answered yet gets a 401.
func (s *Streams) End(match func(*Stream) bool, reason string) int {
	s.mu.Lock()
	var ended []*Stream
	for stream := range s.open {
		if match(stream) {
			ended = append(ended, stream)
		}
	}
	s.mu.Unlock()
	for _, stream := range ended {
		stream.Request.Refuse(Unauthorized(true, "the request was ended: "+reason))
		stream.cancel(&EndedError{Reason: reason})
	}
	return len(ended)
}
