package ratelimit_test

import (
	"net/http"
	"testing"
)

func TestCountFailures(t *testing.T) {
	g := start(t, site("{\ntier channel_validation {\nlimit 2 15m\ncount failures\n}\n}"))
	expect(t, "successes", statuses(g, 5, "/"), 5, 0)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	got := statuses(g, 4, "/")
	if got[404] != 2 || got[429] != 2 {
		t.Errorf("failures: %v", got)
	}
	res := g.Get("/")
	if res.Header.Get("RateLimit-Limit") != "2" || res.Header.Get("Retry-After") == "" {
		t.Errorf("the refusal says %v", res.Header)
	}
}

// TestHintsSettleNothing holds that what comes before a response gives nothing
// back: the response itself may cost.
func TestHintsSettleNothing(t *testing.T) {
	g := start(t, site("{\ntier checks {\nlimit 2 15m\ncount failures\n}\n}"))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNotFound)
	})
	// The client takes the hints for the response.
	if got := statuses(g, 4, "/"); got[http.StatusEarlyHints] != 2 || got[429] != 2 {
		t.Errorf("failures after hints: %v", got)
	}
}

// TestReserved holds that a charge that will be given back counts until then.
func TestReserved(t *testing.T) {
	g := start(t, site("{\ntier checks {\nlimit 2 15m\ncount failures\n}\n}"))
	arrived, release := make(chan bool), make(chan bool)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-release
	})
	done := make(chan int, 2)
	for range 2 {
		go func() { done <- g.Get("/").Status }()
		<-arrived
	}
	if got := g.Get("/").Status; got != 429 {
		t.Errorf("while two are under way the third gets %d", got)
	}
	close(release)
	if a, b := <-done, <-done; a != 200 || b != 200 {
		t.Errorf("those under way got %d and %d", a, b)
	}
	g.Backend.Handle(nil)
	if got := g.Get("/").Status; got != 200 {
		t.Errorf("afterwards: %d", got)
	}
}

// TestGivenBackAtTheStart holds that a stream does not keep its charge.
func TestGivenBackAtTheStart(t *testing.T) {
	g := start(t, site("{\ntier checks {\nlimit 1 15m\ncount failures\n}\n}"))
	release := make(chan bool)
	began := make(chan bool, 1)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		began <- true
		<-release
	})
	res, err := http.Get("http://" + g.Addr + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-began
	g.Backend.Handle(nil)
	if got := g.Get("/").Status; got != 200 {
		t.Errorf("beside a stream that began well: %d", got)
	}
	close(release)
}

func TestFree(t *testing.T) {
	g := start(t, site("{\ntier media {\nlimit 2 15m\nfree 304\n}\n}"))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
	for range 5 {
		res := g.Get("/")
		if res.Status != 304 || res.Header.Get("RateLimit-Remaining") != "2" {
			t.Fatalf("got %d, %v", res.Status, res.Header)
		}
	}
	g.Backend.Handle(nil)
	expect(t, "what costs", statuses(g, 3, "/"), 2, 1)
}
