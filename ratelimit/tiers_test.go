package ratelimit_test

import (
	"fmt"
	"math/bits"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// tiers writes n tiers, of which %d is the number.
func tiers(n int, matcher, options string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for i := range n {
		fmt.Fprintf(&b, "tier t%d %s {\nlimit %d 15m\n%s\n}\n", i, strings.ReplaceAll(matcher, "%d", fmt.Sprint(i)), 1+i%3, options)
	}
	return b.String() + "}"
}

// Of a thousand tiers, each on a path, every one counts what is its own, and
// tells of nothing else.
func TestThousandTiers(t *testing.T) {
	g := start(t, site(tiers(1000, "/api/route%d/*", "")))
	for _, i := range []int{0, 1, 9, 255, 256, 257, 511, 512, 767, 998, 999} {
		limit := 1 + i%3
		path := fmt.Sprintf("/api/route%d/x", i)
		for n := range limit + 1 {
			res := g.Get(path)
			status, left := http.StatusOK, limit-1-n
			if n == limit {
				status, left = http.StatusTooManyRequests, 0
			}
			if res.Status != status {
				t.Fatalf("request %d to %s, with a limit of %d: %d, want %d", n+1, path, limit, res.Status, status)
			}
			if got, want := res.Header.Get("RateLimit-Policy"), fmt.Sprintf(`"t%d";q=%d;w=900`, i, limit); got != want {
				t.Errorf("%s: RateLimit-Policy: %s, want %s", path, got, want)
			}
			if got, want := res.Header.Get("RateLimit-Remaining"), fmt.Sprint(left); got != want {
				t.Errorf("%s: RateLimit-Remaining: %s, want %s", path, got, want)
			}
		}
	}
	if res := g.Get("/api/route1000/x"); res.Status != http.StatusOK || res.Header.Get("RateLimit-Policy") != "" {
		t.Errorf("what no tier is about: %d, %q", res.Status, res.Header.Get("RateLimit-Policy"))
	}
}

func TestHowManyTiers(t *testing.T) {
	nested := "{\n" // /a/a/a..., of which the last counts in all
	for i := range 33 {
		nested += fmt.Sprintf("tier t%d %s* {\nlimit 1 15m\n}\n", i, strings.Repeat("/a", i+1))
	}
	for _, test := range []struct{ name, lines, mistake string }{
		{"32 on every path", tiers(32, "", ""), ""},
		{"1000, each on its path", tiers(1000, "/route%d", ""), ""},
		{"31 on every path and others apart", tiers(31, "", "") + " more", ""},
		{"33 on every path", tiers(33, "", ""), "33 tiers may count one and the same request, to / (t0, t1, t2"},
		{"33 on one path", tiers(33, "/chat/*", ""), "33 tiers may count one and the same request, to /chat (t0, t1"},
		{"33 within each other", nested + "}", "33 tiers may count one and the same request, to " + strings.Repeat("/a", 33) + " (t0, t1"},
		{"1001", tiers(1001, "/route%d", ""), "it has 1001 tiers: at most 1000 are possible"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if lines, more := strings.CutSuffix(test.lines, "} more"); more {
				test.lines = lines
				for i := range 100 {
					test.lines += fmt.Sprintf("tier u%[1]d /u%[1]d/* {\nlimit 1 15m\n}\n", i)
				}
				test.lines += "}"
			}
			err := gatetest.New(t).Validate("GATE {\nagent_rate_limit " + test.lines + "\nrespond ok\n}")
			if test.mistake == "" && err != nil || test.mistake != "" && (err == nil || !strings.Contains(err.Error(), test.mistake)) {
				t.Errorf("got %v, want %q", err, test.mistake)
			}
		})
	}
}

// A client that chooses the tiers it counts in does not choose how much is kept
// of them, and is told of the right ones whatever is kept.
func TestPoliciesAreBounded(t *testing.T) {
	const many = 12
	var matchers, lines strings.Builder
	for i := range many {
		fmt.Fprintf(&matchers, "@m%[1]d header X-Tier%[1]d yes\n", i)
		fmt.Fprintf(&lines, "tier t%[1]d @m%[1]d {\nlimit 1000000 15m\n}\n", i)
	}
	g := gatetest.Start(t, "GATE {\n"+matchers.String()+"agent_rate_limit {\n"+lines.String()+"}\n}")
	limiter := gatetest.Handler[*ratelimit.RateLimit](g)
	var got string
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		got = w.Header().Get("RateLimit-Policy")
		return nil
	})
	for round := range 2 {
		for set := range 1 << many {
			fresh := func(r *http.Request) {
				for i := range many {
					if set&(1<<i) != 0 {
						r.Header.Set(fmt.Sprintf("X-Tier%d", i), "yes")
					}
				}
			}
			if err := gatetest.Serve(limiter, "/", fresh, next); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(got, ";q=1000000;w=900"); n != bits.OnesCount(uint(set)) {
				t.Fatalf("round %d, tiers %b: %d are told of: %s", round, set, n, got)
			}
			for i := range many {
				if strings.Contains(got, fmt.Sprintf(`"t%d"`, i)) != (set&(1<<i) != 0) {
					t.Fatalf("round %d, tiers %b: %s", round, set, got)
				}
			}
		}
	}
	if kept, most := limiter.PoliciesKept(), 2000; kept == 0 || kept > most {
		t.Errorf("%d policies are kept, want at most %d", kept, most)
	}
}
