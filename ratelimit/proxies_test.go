package ratelimit_test

import (
	"strings"
	"testing"
)

func TestProxyWarning(t *testing.T) {
	const notice = "COUNTED AS ONE"
	g := start(t, "GATE {\nagent_rate_limit 100 15m\nrespond ok\n}")
	g.Get("/")
	if strings.Contains(g.Log(), notice) {
		t.Error("warned of a client that sends no X-Forwarded-For")
	}
	statuses(g, 3, "/", "X-Forwarded-For", "192.0.2.1")
	if got := strings.Count(g.Log(), notice); got != 1 {
		t.Errorf("warned %d times", got)
	}
	g = start(t, site("100 15m"))
	statuses(g, 3, "/", "X-Forwarded-For", "192.0.2.1")
	if strings.Contains(g.Log(), notice) {
		t.Error("warned of a trusted proxy")
	}
}
