package ratelimit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// lifetime is how long a stream may live. Both are counted from the moment
// when the response begins: a request whose answer takes long is no stream.
type lifetime struct {
	age  time.Duration // 0: without end
	idle time.Duration // 0: without end
}

func (l *RateLimit) provisionLifetime() (err error) {
	for _, option := range []struct {
		name string
		from gate.Duration
		into *time.Duration
	}{{"stream_max_age", l.StreamMaxAge, &l.lifetime.age}, {"stream_idle", l.StreamIdle, &l.lifetime.idle}} {
		if option.from == "" {
			continue
		}
		*option.into, err = positive(option.from, l.resolve)
		if err != nil {
			return places.At(fmt.Errorf("%s %s: %w", option.name, option.from, err), option.name, string(option.from))
		}
	}
	return nil
}

var errNotPositive = errors.New("it must be more than zero")

// positive is a duration that must be more than zero.
func positive(d gate.Duration, resolve gate.Resolver) (time.Duration, error) {
	value, err := d.Value(resolve, 0)
	if err == nil && value <= 0 {
		err = errNotPositive
	}
	return value, err
}

// bound passes the request on, and ends its response when it has become too
// old or nothing has moved for too long.
func (l *RateLimit) bound(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	if l.lifetime == (lifetime{}) {
		return next.ServeHTTP(w, r)
	}
	s := &stream{lifetime: l.lifetime, req: req}
	s.ResponseWriterWrapper.ResponseWriter = w
	defer s.over()
	return next.ServeHTTP(s, r)
}

// stream watches a response for its age and for movement.
type stream struct {
	caddyhttp.ResponseWriterWrapper
	lifetime lifetime
	req      *gate.Request
	began    bool // of the handler's goroutine alone
	moved    atomic.Int64

	mu    sync.Mutex
	ended bool
	age   *time.Timer
	idle  *time.Timer
}

var clockStart = time.Now()

// clock is the time of movements, in nanoseconds of the monotonic clock.
func clock() int64 { return int64(time.Since(clockStart)) }

// move notes that something has gone through, and starts the clocks with the
// first that does.
func (s *stream) move() {
	if s.lifetime.idle > 0 {
		s.moved.Store(clock())
	}
	if s.began {
		return
	}
	s.began = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lifetime.age > 0 {
		s.age = time.AfterFunc(s.lifetime.age, func() { s.end("the stream has reached stream_max_age") })
	}
	if s.lifetime.idle > 0 {
		s.idle = time.AfterFunc(s.lifetime.idle, s.look)
	}
}

// look ends the stream if nothing has moved for too long, else it looks again
// when that could be so.
func (s *stream) look() {
	still := time.Duration(clock() - s.moved.Load())
	if still >= s.lifetime.idle {
		s.end("nothing has moved in the stream for stream_idle")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.idle.Reset(s.lifetime.idle - still)
	}
}

// over stops the clocks.
func (s *stream) over() {
	s.mu.Lock()
	s.ended = true
	for _, timer := range []*time.Timer{s.age, s.idle} {
		if timer != nil {
			timer.Stop()
		}
	}
	s.mu.Unlock()
}

// end ends the request, of which the response has begun, so that it is cut. That
// is no security event.
func (s *stream) end(reason string) {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if !ended {
		s.req.End(&gate.Refusal{Status: http.StatusServiceUnavailable, Event: events.Event{Reason: reason}}, reason)
	}
}

// WriteHeader begins the response, unless it is informational.
func (s *stream) WriteHeader(status int) {
	if !gate.Informs(status) {
		s.move()
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *stream) Write(p []byte) (int, error) {
	s.move()
	return s.ResponseWriter.Write(p)
}

// ReadFrom goes through Write, so that every piece is noticed.
func (s *stream) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{s}, r)
}

// FlushError is overridden because a flush sends the header.
func (s *stream) FlushError() error {
	s.move()
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// Hijack watches the connection that a WebSocket takes over, in both directions.
func (s *stream) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return conn, buffered, err
	}
	s.move()
	return &watchedConn{conn, s}, buffered, nil
}

// watchedConn is a connection whose movements its stream notes.
type watchedConn struct {
	net.Conn
	stream *stream
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.stream.moved.Store(clock())
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	c.stream.moved.Store(clock())
	return c.Conn.Write(p)
}

// CloseWrite is what the proxy uses to pass one side's end on.
func (c *watchedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}
