package gate

import (
	"context"
	"fmt"
	"net/http"
	"sync"
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

	cancel   context.CancelCauseFunc
	registry *Streams
}

// EndedError is the cause of the context of a request that the gate has ended.
// It counts as context.Canceled, so that the proxy neither retries the request
// nor holds it against the backend.
type EndedError struct{ Reason string }

func (e *EndedError) Error() string { return "ended by the gate: " + e.Reason }

// Unwrap makes an EndedError count as context.Canceled.
func (e *EndedError) Unwrap() error { return context.Canceled }

// Track enters a request and returns it with a context that End cancels. The
// caller calls Close on the stream when the request is over.
func (s *Streams) Track(r *http.Request, req *Request, keyID string) (*http.Request, *Stream) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stream := &Stream{KeyID: keyID, Request: req, cancel: cancel, registry: s}
	s.mu.Lock()
	s.open[stream] = struct{}{}
	s.mu.Unlock()
	return r.WithContext(ctx), stream
}

// Close takes the stream out of the registry. It may be called more than once.
func (s *Stream) Close() {
	s.registry.mu.Lock()
	delete(s.registry.open, s)
	s.registry.mu.Unlock()
	s.cancel(nil)
}

// Len is the number of requests in flight.
func (s *Streams) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
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
		stream.Request.Refuse(Unauthorized(true, fmt.Sprintf("the request was ended: %s", reason)))
		stream.cancel(&EndedError{Reason: reason})
	}
	return len(ended)
}
