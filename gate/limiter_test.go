package gate

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCounter holds that in any window no more is admitted than the limit says,
// that a refusal costs nothing, and that what it says of the wait is true.
func TestCounter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_000_000, 0)
		c := newCounter()
		c.now = func() time.Time { return now }
		limit := rapid.IntRange(0, 5).Draw(t, "limit")
		window := time.Duration(rapid.IntRange(1, 100).Draw(t, "window")) * time.Second
		var admitted []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "uses") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * time.Second)
			within := 0
			for _, at := range admitted {
				if now.Sub(at) < window {
					within++
				}
			}
			ok, retryAfter := c.Charge("tier", "client", limit, window)
			if ok != (within < limit) {
				t.Fatalf("%d of %d within %v: admitted %v", within, limit, window, ok)
			}
			if ok {
				admitted = append(admitted, now)
				continue
			}
			if limit == 0 {
				continue
			}
			before := now
			now = before.Add(retryAfter - time.Nanosecond)
			if early, _ := c.Charge("tier", "client", limit, window); early {
				t.Fatalf("admitted before Retry-After %v", retryAfter)
			}
			now = before.Add(retryAfter)
			if late, _ := c.Charge("tier", "client", limit, window); !late {
				t.Fatalf("refused after Retry-After %v", retryAfter)
			}
			admitted = append(admitted, now)
		}
	})
}

func TestCounterApart(t *testing.T) {
	c := newCounter()
	for _, key := range []counterKey{{"a", "x"}, {"a", "y"}, {"b", "x"}} {
		if ok, _ := c.Charge(key.tier, key.client, 1, time.Hour); !ok {
			t.Errorf("%v is counted with another", key)
		}
	}
}

func TestCounterTogether(t *testing.T) {
	c := newCounter()
	var admitted atomic.Int32
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if ok, _ := c.Charge("tier", "client", 50, time.Hour); ok {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if admitted.Load() != 50 {
		t.Errorf("%d of 50 were admitted", admitted.Load())
	}
}

// TestCounterFull holds that a flood of clients is bounded in memory, lets
// nobody through uncounted, and makes room when it is over.
func TestCounterFull(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	c := newCounter()
	c.now = func() time.Time { return now }
	for i := range maxCounterClients {
		c.Charge("tier", fmt.Sprint(i), 1, time.Minute)
	}
	if ok, _ := c.Charge("tier", "newcomer", 1, time.Minute); ok || len(c.clients) != maxCounterClients {
		t.Errorf("a newcomer is admitted %v, with %d clients", ok, len(c.clients))
	}
	now = now.Add(time.Minute)
	if ok, _ := c.Charge("tier", "newcomer", 1, time.Minute); !ok {
		t.Error("the newcomer is refused after the flood")
	}
}
