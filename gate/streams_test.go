package gate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type testLease struct{ key, reason string }

func (l *testLease) KeyID() string { return l.key }
func (l *testLease) Ended() string { return l.reason }

// deadlined notes the deadline of what is written to the client.
type deadlined struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (d *deadlined) SetWriteDeadline(at time.Time) error {
	d.deadline = at
	return nil
}

func enter(s *Streams, lease Lease) (*http.Request, *Request, *deadlined) {
	req, w := new(Request), &deadlined{ResponseRecorder: httptest.NewRecorder()}
	r := s.enter(w, httptest.NewRequest("GET", "/", nil), req)
	if lease != nil {
		req.Hold(lease)
	}
	return r, req, w
}

func TestStreams(t *testing.T) {
	s := NewStreams()
	ada, adaReq, wire := enter(s, &testLease{key: "ada"})
	running := &testLease{key: "bob"}
	bob, bobReq, _ := enter(s, running)
	if s.Len() != 2 || len(s.All()) != 2 {
		t.Fatalf("%d in flight", s.Len())
	}
	if ended := s.End(func(s *Stream) bool { return s.KeyID() == "ada" }, "the key was revoked"); ended != 1 {
		t.Errorf("%d were ended", ended)
	}
	var ended *EndedError
	if cause := context.Cause(ada.Context()); !errors.As(cause, &ended) || ended.Reason != "the key was revoked" || !errors.Is(cause, context.Canceled) {
		t.Errorf("the cause is %v", cause)
	}
	if refusal := adaReq.refusal.Load(); refusal == nil || refusal.Status != http.StatusUnauthorized {
		t.Errorf("the refusal is %v", refusal)
	}
	if wire.deadline.IsZero() {
		t.Error("a client that does not read could hold it open")
	}
	if bob.Context().Err() != nil || bobReq.refusal.Load() != nil {
		t.Error("another key's request was ended too")
	}
	adaReq.stream.leave()
	if s.Len() != 1 {
		t.Errorf("%d in flight after one has left", s.Len())
	}

	if s.Sweep() != 0 || bob.Context().Err() != nil {
		t.Error("a request was ended whose lease still runs")
	}
	running.reason = "the key has expired"
	if ended := s.Sweep(); ended != 1 || !errors.As(context.Cause(bob.Context()), new(*EndedError)) {
		t.Errorf("%d were ended, the cause is %v", ended, context.Cause(bob.Context()))
	}
	if s.Sweep() != 0 {
		t.Error("a request is ended twice")
	}
}

// A connection goes on to the next request: what has left is not ended.
func TestWhatHasLeftIsNotEnded(t *testing.T) {
	s := NewStreams()
	_, req, wire := enter(s, nil)
	all := s.All()
	req.stream.leave()
	if all[0].end(Unauthorized(true, ""), "too late") || !wire.deadline.IsZero() {
		t.Error("a request that is over was ended")
	}
}

func TestDrain(t *testing.T) {
	s := NewStreams()
	r, req, _ := enter(s, nil)
	if s.drain() != 1 || r.Context().Err() == nil {
		t.Error("a request goes on")
	}
	if refusal := req.refusal.Load(); refusal.Status != http.StatusServiceUnavailable || refusal.Event.Name != "" {
		t.Errorf("the refusal is %v", refusal)
	}
}

// The list holds what has entered and not left, in whatever order they do.
func TestStreamsList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewStreams()
		var in []*Request
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			if len(in) == 0 || rapid.Bool().Draw(t, "enter") {
				_, req, _ := enter(s, nil)
				in = append(in, req)
			} else {
				i := rapid.IntRange(0, len(in)-1).Draw(t, "which")
				in[i].stream.leave()
				in = slices.Delete(in, i, i+1)
			}
			var listed []*Request
			for _, stream := range s.All() {
				listed = append(listed, stream.Request)
			}
			slices.Reverse(listed)
			if !slices.Equal(listed, in) || s.Len() != len(in) {
				t.Fatalf("%d are listed, %d are in flight", len(listed), len(in))
			}
		}
	})
}
