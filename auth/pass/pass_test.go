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
	store := NewTickets(2000, time.Hour)
	for i := range 2000 {
		if !store.Use(Pass{Nonce: fmt.Sprint(i), Ends: now.Add(life)}, "", false, now) {
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
