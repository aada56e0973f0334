package ratelimit_test

import "testing"

func TestForeignZones(t *testing.T) {
	g := start(t, `GATE {
		agent_gate
		rate_limit {
			zone flood {
				key static
				events 1
				window 1m
			}
		}
		agent_rate_limit 100 15m
		respond ok
	}`)
	expect(t, "their zone", statuses(g, 2, "/"), 1, 1)
	res := g.Get("/")
	if want := `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests. Please try again later."}}`; res.Body != want || res.Header.Get("Retry-After") == "" {
		t.Errorf("their 429 leaves as %s, %v", res.Body, res.Header)
	}
	events := g.Events()
	if len(events) != 2 || events[0]["tier"] != "flood" || events[0]["event"] != "excess_rate_limit_exceeded" || events[0]["enforced"] != true {
		t.Errorf("the events: %v", events)
	}
}
