package redis

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"pgregory.net/rapid"
)

// exact is the log of the requests that one tier has admitted.
type exact struct {
	limit window.Limit
	times []stamp
}

// stamp is a time by the server's clock, which may be set back, and by one that
// stands still then.
type stamp struct{ clock, steady time.Time }

// charged is a charge that may be given back, and the time of its request.
type charged struct {
	charge Charge
	at     stamp
}

// effective is the time that counts: where the server's clock was set back, it
// stands still at the latest that is known.
func (e *exact) effective(now time.Time) time.Time {
	for _, at := range e.times {
		if at.clock.After(now) {
			now = at.clock
		}
	}
	return now
}

// TestAgainstExactLog holds promises 1, 2 and 4 of docs/rate-limiting.md for
// several gates on one server, with give-backs and a clock that is set back.
func TestAgainstExactLog(t *testing.T) {
	server := miniredis.RunT(t)
	stores := make([]*Store, 3)
	for i := range stores {
		stores[i] = open(t, Options{URL: "redis://" + server.Addr()}, newWitness())
	}
	rapid.Check(t, func(t *rapid.T) {
		server.FlushAll()
		tiers := map[string]*exact{}
		for _, name := range []string{"a", "b"} {
			tiers[name] = &exact{limit: window.Limit{
				N:      rapid.IntRange(1, 6).Draw(t, "limit"),
				Window: time.Duration(rapid.IntRange(1, 3000).Draw(t, "window")) * time.Millisecond,
			}}
		}
		now := time.UnixMicro(rapid.Int64Range(1_700_000_000_000_000, 1_900_000_000_000_000).Draw(t, "start"))
		steady := now
		var returnable []charged
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			step := rapid.Int64Range(-200_000, 1_000_000).Draw(t, "step")
			now = now.Add(time.Duration(step) * time.Microsecond)
			steady = steady.Add(time.Duration(max(0, step)) * time.Microsecond)
			server.SetTime(now)
			store := stores[rapid.IntRange(0, 2).Draw(t, "gate")]
			if len(returnable) > 0 && rapid.IntRange(0, 4).Draw(t, "give back") == 0 {
				last := returnable[len(returnable)-1]
				returnable = returnable[:len(returnable)-1]
				if err := store.GiveBack(&last.charge); err != nil {
					t.Fatal(err)
				}
				tier := tiers[last.charge.Tier]
				for i, at := range tier.times {
					if at == last.at {
						tier.times = append(tier.times[:i:i], tier.times[i+1:]...)
						break
					}
				}
				continue
			}
			var request []Charge
			for _, name := range rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "b"}}).Draw(t, "tiers") {
				request = append(request, Charge{Tier: name, Client: "ada", Limits: []window.Limit{tiers[name].limit}})
			}
			before := server.Dump()
			v, err := store.Take(request)
			if err != nil {
				t.Fatal(err)
			}
			if !v.Admitted {
				if after := server.Dump(); after != before && before != "" {
					t.Fatalf("refused, and changed\n%s\nto\n%s", before, after)
				}
				tier := tiers[request[v.Refusal].Tier]
				// Not later than an exact log by more than a slice; each of the 65 is
				// rounded up to a microsecond, which counts in a window of milliseconds.
				w, kept := tier.limit.Window, 0
				for _, at := range tier.times {
					if tier.effective(now).Sub(at.clock) <= w+w/64+65*time.Microsecond {
						kept++
					}
				}
				if kept < tier.limit.N {
					t.Fatalf("refused, and an exact log of %v per %v would not refuse at %v: %v", tier.limit.N, w, now, tier.times)
				}
				continue
			}
			for _, c := range request {
				tier := tiers[c.Tier]
				at := stamp{tier.effective(now), steady}
				tier.times = append(tier.times, at)
				n := 0
				for _, other := range tier.times {
					if at.steady.Sub(other.steady) <= tier.limit.Window {
						n++
					}
				}
				if n > tier.limit.N {
					t.Fatalf("%d within %v, the limit is %d: %v", n, tier.limit.Window, tier.limit.N, tier.times)
				}
				returnable = append(returnable, charged{c, at})
			}
		}
	})
}
