package ratelimit_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestEventsOnSocketsCount holds that what a client says on a socket counts in
// the tiers of the socket's request: one request is no room for any number of
// messages.
func TestEventsOnSocketsCount(t *testing.T) {
	g := start(t, strings.Replace(site("{\ntier socket /socket.io/* {\nlimit 10 1h\ncode SLOW_DOWN\n}\ntier failed /socket.io/* {\nlimit 1 1h\ncount failures\n}\n}"),
		"agent_auth {", "agent_auth {\nroutes elizaos", 1))
	message := `42["message",{"type":2}]`
	say := func(packets string, headers ...string) int {
		t.Helper()
		return g.Send("POST", "/socket.io/?EIO=4&transport=polling&sid=x", packets, append(headers, "X-API-KEY", adaKey)...).Status
	}
	// A request and its events: 1 + 4 of 10.
	if got := say(strings.Repeat(message+"\x1e", 3) + message); got != http.StatusOK {
		t.Fatalf("four messages: %d", got)
	}
	if got := say("3"); got != http.StatusOK { // a pong is no event
		t.Errorf("a pong: %d", got)
	}
	seen := len(g.Backend.Seen())
	if got := say(strings.Repeat(message+"\x1e", 9) + message); got != http.StatusTooManyRequests {
		t.Errorf("ten messages more: %d", got)
	}
	if len(g.Backend.Seen()) > seen {
		t.Error("the backend got some of them")
	}
	res := g.Send("POST", "/socket.io/?EIO=4&transport=polling&sid=x", message, "X-API-KEY", adaKey)
	if res.Status != http.StatusTooManyRequests || !strings.Contains(res.Body, "SLOW_DOWN") || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s %v", res.Status, res.Body, res.Header)
	}
	if res := g.Send("POST", "/socket.io/?EIO=4&transport=polling&sid=x", message, "X-API-KEY", carlKey); res.Status != http.StatusOK {
		t.Errorf("somebody else: %d", res.Status)
	}
}
