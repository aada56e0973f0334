package pass

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"
)

const life = time.Minute

var (
	start = time.Unix(1_800_000_000, 0)
	key   = Key(strings.Repeat("k", KeyLength))
	hash  = sha256.Sum256([]byte("a secret"))
)

// A pass is proved by what it was sealed with, and by nothing else.
func TestSealed(t *testing.T) {
	text := key.Seal(Ticket, "site", Pass{Ends: start, KeyID: "ada", SecretID: "1", Nonce: "ABC"}, hash)
	p, ok := Parse(text)
	if !ok || !p.Ends.Equal(start) || p.KeyID != "ada" || p.SecretID != "1" || p.Nonce != "ABC" {
		t.Fatalf("%q is read as %+v, %v", text, p, ok)
	}
	if !key.Proves(Ticket, "site", p, hash) {
		t.Error("what was sealed is not proved")
	}
	for name, proved := range map[string]bool{
		"another kind":   key.Proves(Cookie, "site", p, hash),
		"another site":   key.Proves(Ticket, "site2", p, hash),
		"another secret": key.Proves(Ticket, "site", p, sha256.Sum256([]byte("another secret"))),
		"another key":    Key(strings.Repeat("o", KeyLength)).Proves(Ticket, "site", p, hash),
	} {
		if proved {
			t.Errorf("%s proves it too", name)
		}
	}
}

// FuzzParse holds that what is read is what was sealed, and that nothing else
// is proved.
// A pass that was made while the clock was ahead is not good for as long as the
// clock was ahead, and a ticket that was used then is not good again.
func TestPassesAndJumpsOfTheClock(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name string
		left time.Duration
		good bool
	}{
		{"made now", life, true},
		{"made by a gate whose clock is a little ahead", life + skew, true},
		{"made while the clock was ahead", life + skew + time.Second, false},
		{"made while it was centuries ahead", 200 * 365 * day, false},
		{"at its end", 0, false},
		{"long after it", -200 * 365 * day, false},
		{"just before its end", time.Second, true},
	} {
		if got := (Pass{Ends: start.Add(test.left)}).Good(start, life); got != test.good {
			t.Errorf("%s: %v", test.name, got)
		}
	}

	// A clock that is ahead for less than a ticket's life has those dropped that
	// have ended by it.
	store := NewTickets(10_000, life, time.Hour)
	p := Pass{Nonce: "first", Ends: start.Add(10 * time.Second)}
	if !store.Use(p, "", false, start) {
		t.Fatal("a fresh ticket is refused")
	}
	ahead := start.Add(life / 2)
	for i := range 2000 {
		if !store.Use(Pass{Nonce: fmt.Sprint(i), Ends: ahead.Add(life)}, "", false, ahead) {
			t.Fatalf("the %dth is refused", i)
		}
	}
	if store.Use(p, "", false, start.Add(time.Second)) {
		t.Error("the clock went ahead and back, and a ticket is good twice")
	}
}

// TestTicketsOfOneKey holds that no key takes up all that can be remembered:
// others' tickets would not be good any more.
func TestTicketsOfOneKey(t *testing.T) {
	store := NewTickets(4000, life, time.Hour)
	good := func(key string, i int, now time.Time) bool {
		return store.Use(Pass{KeyID: key, Nonce: fmt.Sprint(key, i), Ends: now.Add(life)}, "", true, now)
	}
	admitted := 0
	for i := range 5000 {
		if good("ada", i, start) {
			admitted++
		}
	}
	if admitted != 1000 {
		t.Errorf("%d tickets of one key are remembered", admitted)
	}
	if !good("bob", 0, start) {
		t.Error("another key's ticket is refused")
	}
	if !good("ada", 5000, start.Add(idle)) {
		t.Error("the key's tickets are not good when the others have ended")
	}
}

func FuzzParse(f *testing.F) {
	sealed := key.Seal(Cookie, "site", Pass{Ends: start, KeyID: "one", SecretID: "1"}, hash)
	for _, seed := range []string{sealed, sealed + "=", "~~~~", strings.Replace(sealed, "one", "two", 1), strings.ToUpper(sealed), sealed[1:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := Parse(text)
		if !ok {
			return
		}
		if key.Proves(Cookie, "site", p, hash) && text != sealed {
			t.Fatalf("%q is proved", text)
		}
		again, ok := Parse(key.Seal(Cookie, "site", p, hash))
		if !ok || again.signed != p.signed || !key.Proves(Cookie, "site", again, hash) {
			t.Fatalf("%q is sealed as %q", p.signed, again.signed)
		}
	})
}

// The memory of used tickets is bounded: a ticket that cannot be remembered is
// not good, and room is made by those that have ended.
func TestTicketsAreBounded(t *testing.T) {
	now := start
	store := NewTickets(2000, life, time.Hour)
	for i := range 2000 {
		if !store.Use(Pass{KeyID: fmt.Sprint(i % 4), Nonce: fmt.Sprint(i), Ends: now.Add(life)}, "", false, now) {
			t.Fatalf("the %dth is refused", i)
		}
	}
	if store.Use(Pass{Nonce: "more", Ends: now.Add(life)}, "", false, now) {
		t.Error("there is no bound")
	}
	now = now.Add(life)
	if !store.Use(Pass{Nonce: "later", Ends: now.Add(life)}, "", false, now) || len(store.used) != 1 {
		t.Errorf("%d are remembered that have ended", len(store.used)-1)
	}
}
