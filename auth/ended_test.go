package auth

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
)

// TestEndedSessionsAreBounded holds that a key that ends more sessions than are
// remembered ends all that it has, and no other key's.
func TestEndedSessionsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	e := &endedSessions{keys: make(map[string]*keyEnded), max: 3}
	of := func(nonce string, made time.Time) pass.Pass {
		return pass.Pass{Nonce: nonce, Ends: made.Add(cookieLife)}
	}
	for i := range 3 {
		e.end("ada", of(fmt.Sprint(i), now), now)
	}
	for nonce, want := range map[string]bool{"0": true, "1": true, "2": true, "3": false} {
		if got := e.has("ada", of(nonce, now)); got != want {
			t.Errorf("the session %s is ended: %v", nonce, got)
		}
	}
	if !e.has("ada", of("0", now.Add(time.Hour))) {
		t.Error("a younger cookie of an ended session is good")
	}
	e.end("ada", of("3", now), now)
	for _, nonce := range []string{"0", "1", "2", "3", "4"} {
		if !e.has("ada", of(nonce, now)) {
			t.Errorf("the session %s is good, and nobody knows", nonce)
		}
	}
	if e.has("bob", of("0", now)) {
		t.Error("another key's session is ended")
	}
	later := now.Add(time.Second)
	if e.has("ada", of("5", later)) {
		t.Error("a session that was opened since is ended")
	}
	// Those whose cookies have all ended are forgotten first.
	later = now.Add(cookieLife)
	for i := range 4 {
		e.end("ada", of(fmt.Sprint("later", i/2), later), later)
	}
	if got := len(e.keys["ada"].sessions); got > 3 || e.has("ada", of("6", later)) {
		t.Errorf("%d are remembered, or all are ended", got)
	}
}
