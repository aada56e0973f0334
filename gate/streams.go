package gate

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Streams is the registry of the requests that are in flight behind doors, so
// that those of a key that is taken back can be ended, streams and sockets
// included, and so that none holds the process up that is to stop. There is one
// for the process, not one for each configuration: a stream outlives the
// configuration that it came under.
type Streams struct {
	mu    sync.Mutex
	first *Stream // of a list, since entering and leaving is done for each request
	count int
}

var processStreams = NewStreams()

// NewStreams returns an empty registry.
func NewStreams() *Streams { return new(Streams) }

// Stream is one request in flight.
type Stream struct {
	// Request is what the gate knows of it.
	Request *Request

	registry   *Streams
	prev, next *Stream
	cancel     context.CancelCauseFunc
	wire       http.ResponseWriter

	mu    sync.Mutex
	over  bool // it has left the registry
	lease Lease
}

// Lease says whether a request that was let in may go on. Implementations are
// safe for concurrent use.
type Lease interface {
	// KeyID is the key under which the request was let in.
	KeyID() string
	// Ended says why the request may go on no longer; "" while it may.
	Ended() string
}

// EndedError is the cause of the context of a request that the gate has ended.
// It counts as context.Canceled, so that the proxy neither retries the request
// nor holds it against the backend.
type EndedError struct{ Reason string }

func (e *EndedError) Error() string { return "ended by the gate: " + e.Reason }

// Unwrap makes an EndedError count as context.Canceled.
func (e *EndedError) Unwrap() error { return context.Canceled }

// enter takes a request in and returns it with a context that is cancelled when
// the request is ended. The caller calls leave when the request is over.
func (s *Streams) enter(w http.ResponseWriter, r *http.Request, req *Request) *http.Request {
	ctx, cancel := context.WithCancelCause(r.Context())
	stream := &req.stream
	stream.Request, stream.registry, stream.cancel, stream.wire = req, s, cancel, w
	s.mu.Lock()
	stream.next = s.first
	if s.first != nil {
		s.first.prev = stream
	}
	s.first = stream
	s.count++
	s.mu.Unlock()
	req.ctx.over(ctx, req)
	req.behind = *r.WithContext(&req.ctx)
	return &req.behind
}

// leave takes the stream out of the registry.
func (s *Stream) leave() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	in := s.registry
	in.mu.Lock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		in.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	in.count--
	in.mu.Unlock()
	s.cancel(nil)
}

// Hold ties the request to a lease: it is ended when the lease has.
func (req *Request) Hold(lease Lease) {
	req.stream.mu.Lock()
	req.stream.lease = lease
	req.stream.mu.Unlock()
}

// KeyID is the key under which the request was let in; "" for strangers.
func (s *Stream) KeyID() string {
	if lease := s.held(); lease != nil {
		return lease.KeyID()
	}
	return ""
}

func (s *Stream) held() Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease
}

// Len is the number of requests in flight.
func (s *Streams) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// All are the requests in flight at this moment.
func (s *Streams) All() []*Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Stream, 0, s.count)
	for stream := s.first; stream != nil; stream = stream.next {
		all = append(all, stream)
	}
	return all
}

// ByKey is the number of requests in flight for each key.
func (s *Streams) ByKey() map[string]int {
	count := make(map[string]int)
	for _, stream := range s.All() {
		count[stream.KeyID()]++
	}
	return count
}

// Sweep ends the requests whose lease has run out, and returns how many those
// were. Whoever gives leases calls it when something has changed, and every
// second, since some run out by themselves.
func (s *Streams) Sweep() int {
	ended := 0
	for _, stream := range s.All() {
		lease := stream.held()
		if lease == nil {
			continue
		}
		if reason := lease.Ended(); reason != "" && stream.end(Unauthorized(true, "the request was ended: "+reason), reason) {
			ended++
		}
	}
	return ended
}

// End ends every request in flight for which match is true and returns how
// many those were. A request that has not been answered yet gets a 401.
func (s *Streams) End(match func(*Stream) bool, reason string) int {
	ended := 0
	for _, stream := range s.All() {
		if match(stream) && stream.end(Unauthorized(true, "the request was ended: "+reason), reason) {
			ended++
		}
	}
	return ended
}

// End ends the request, which gets the refusal if it has not been answered yet,
// and reports whether it was still there to be ended. It may be called from any
// goroutine while the request is in flight.
func (req *Request) End(refusal *Refusal, reason string) bool { return req.stream.end(refusal, reason) }

// lastWords is how long an ended request may take to write what it has begun.
const lastWords = 250 * time.Millisecond

// end ends the request, which gets the refusal if it has not been answered yet,
// and reports whether it was still there to be ended.
func (s *Stream) end(refusal *Refusal, reason string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false // the connection may be another request's by now
	}
	s.lease = nil
	s.Request.Refuse(refusal)
	s.cancel(&EndedError{Reason: reason})
	// A client that does not read would hold the response open: what is left
	// to be written has a moment to go out, then the connection is cut.
	_ = http.NewResponseController(belowTimeouts(s.wire)).SetWriteDeadline(time.Now().Add(lastWords))
	s.Request.writer.cut()
	return true
}

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
