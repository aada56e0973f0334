package gate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestStreams(t *testing.T) {
	s := NewStreams()
	reason := ""
	track := func(key string) (*http.Request, *Request, *Stream) {
		req := new(Request)
		r, stream := s.Track(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), req, key, func() string {
			if key == "bob" {
				return reason
			}
			return ""
		})
		return r, req, stream
	}
	ada, adaReq, adaStream := track("ada")
	bob, bobReq, _ := track("bob")
	if s.Len() != 2 {
		t.Fatalf("%d in flight", s.Len())
	}
	if ended := s.End(func(s *Stream) bool { return s.KeyID == "ada" }, "the key was revoked"); ended != 1 {
		t.Errorf("%d were ended", ended)
	}
	var ended *EndedError
	if cause := context.Cause(ada.Context()); !errors.As(cause, &ended) || ended.Reason != "the key was revoked" || !errors.Is(cause, context.Canceled) {
		t.Errorf("the cause is %v", cause)
	}
	if refusal := adaReq.refusal.Load(); refusal == nil || refusal.Status != http.StatusUnauthorized {
		t.Errorf("the refusal is %v", refusal)
	}
	if bob.Context().Err() != nil || bobReq.refusal.Load() != nil {
		t.Error("another key's request was ended too")
	}
	adaStream.Close()
	adaStream.Close()
	if s.Len() != 1 {
		t.Errorf("%d in flight after one was closed twice", s.Len())
	}

	if s.Sweep() != 0 || bob.Context().Err() != nil {
		t.Error("a request was ended whose lease still runs")
	}
	reason = "the key has expired"
	if ended := s.Sweep(); ended != 1 || !errors.As(context.Cause(bob.Context()), new(*EndedError)) {
		t.Errorf("%d were ended, the cause is %v", ended, context.Cause(bob.Context()))
	}
}
