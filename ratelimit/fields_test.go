package ratelimit_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestHeaders(t *testing.T) {
	for option, want := range map[string][]string{
		"":                       {"Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset"},
		"headers draft6":         {"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"},
		"headers draft11":        {"Ratelimit", "Ratelimit-Policy"},
		"headers draft6 draft11": {"Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset"},
		"headers off":            nil,
	} {
		t.Run(option, func(t *testing.T) {
			g := start(t, site("2 15m {\n"+option+"\n}"))
			g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("RateLimit-Limit", "77")
				w.Header().Set("X-RateLimit-Limit", "77")
				w.Header().Set("RateLimit", "77")
			})
			for _, status := range []int{200, 200, 429} {
				res := g.Get("/")
				if res.Status != status {
					t.Fatalf("got %d, want %d", res.Status, status)
				}
				var got []string
				for _, name := range []string{"Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset", "X-Ratelimit-Limit"} {
					if values := res.Header[name]; len(values) > 0 {
						got = append(got, name)
						if len(values) > 1 || values[0] == "77" {
							t.Errorf("%s: %q", name, values)
						}
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%d has %v, want %v", status, got, want)
				}
			}
		})
	}
}
