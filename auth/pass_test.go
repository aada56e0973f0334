package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"pgregory.net/rapid"
)

// sealing is a handler that signs, with a clock of the test's.
func sealing(t testing.TB, clock *time.Time) *Auth {
	a := fuzzed(t)
	a.site = ":443 agents.example.com"
	a.cookie = cookieName(a.site)
	a.now = func() time.Time { return *clock }
	key := pass.Key(strings.Repeat("k", pass.KeyLength))
	a.signing.Store(&key)
	return a
}

func useOf(a *Auth, secret string) keys.Use {
	use, _ := a.rings().find(secret, a.now())
	return use
}

// A cookie ends with its time, with its key, with its secret, and with the key
// that signs; a ticket is none.
func TestCookieEnds(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	a := sealing(t, &clock)
	cookie, p := a.sealFor(pass.Cookie, useOf(a, oneKey), "", clock, cookieLife)
	holder := func() string {
		var s shown
		a.readCookie(a.rings(), cookie, &s)
		if s.use.Key == nil {
			return ""
		}
		if s.by != byCookie {
			t.Error("it is not known for a cookie")
		}
		return s.use.Key.ID
	}
	if got := holder(); got != "one" {
		t.Fatalf("a fresh cookie is %q's", got)
	}
	if s := (shown{}); true {
		if a.readTicket(a.rings(), &http.Request{URL: &url.URL{}}, forSocket, ticketPrefix+cookie, &s); s.use.Key != nil {
			t.Error("a cookie is a ticket")
		}
	}
	clock = p.Ends.Add(-time.Second)
	if holder() != "one" {
		t.Error("it ended before its time")
	}
	clock = p.Ends
	if holder() != "" {
		t.Error("it did not end")
	}
	clock = p.Ends.Add(-time.Hour)
	ring := func(k keys.Key) {
		k.ID, k.Scopes = "one", []string{"read"}
		if err := a.setRing([]keys.Key{k}); err != nil {
			t.Fatal(err)
		}
	}
	hash := keys.HashSecret(oneKey)
	for name, k := range map[string]keys.Key{
		"the key is revoked":     {Revoked: clock, Secrets: []keys.Secret{{Hash: hash}}},
		"the key has expired":    {Expires: clock, Secrets: []keys.Secret{{Hash: hash}}},
		"the secret is revoked":  {Secrets: []keys.Secret{{Hash: hash, Revoked: clock}}},
		"the secret has ended":   {Secrets: []keys.Secret{{Hash: hash, NotAfter: clock}}},
		"the secret is another":  {Secrets: []keys.Secret{{Hash: keys.HashSecret(twoKey)}}},
		"the secret has another": {Secrets: []keys.Secret{{ID: "7", Hash: hash}}},
	} {
		if ring(k); holder() != "" {
			t.Errorf("%s, and the cookie is good", name)
		}
	}
	ring(keys.Key{Secrets: []keys.Secret{{Hash: hash}, {Hash: keys.HashSecret(twoKey)}}})
	if holder() != "one" {
		t.Error("a rotation, and the cookie is not good")
	}
	a.site = ":443 other.example.com"
	if holder() != "" {
		t.Error("it is good at another site")
	}
	a.site = ":443 agents.example.com"
	other := pass.Key(strings.Repeat("o", pass.KeyLength))
	if a.signing.Store(&other); holder() != "" {
		t.Error("another key signs, and the cookie is good")
	}
}

// A pass does not outlive the secret it was made for.
func TestPassEndsWithItsSecret(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	a := sealing(t, &clock)
	if err := a.setRing([]keys.Key{{ID: "one", Scopes: []string{"read"}, Expires: clock.Add(time.Minute), Secrets: []keys.Secret{{Hash: keys.HashSecret(oneKey)}}}}); err != nil {
		t.Fatal(err)
	}
	if _, p := a.sealFor(pass.Cookie, useOf(a, oneKey), "", clock, cookieLife); !p.Ends.Equal(clock.Add(time.Minute)) {
		t.Errorf("it ends at %v", p.Ends)
	}
}

// A use by cookie is a use of the secret: `revoke --if-unused` asks for it.
func TestCookieIsAUse(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	a := sealing(t, &clock)
	cookie, _ := a.sealFor(pass.Cookie, useOf(a, oneKey), "", clock, cookieLife)
	clock = clock.Add(time.Hour)
	var s shown
	a.readCookie(a.rings(), cookie, &s)
	if last := a.rings().site.keys.Keys()[0].Secrets[0].LastUsed; !last.Equal(clock) {
		t.Errorf("last used at %v", last)
	}
}

func ticketRequest(query string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/socket.io/", RawQuery: query}, Header: make(http.Header)}
}

func TestTicketOnce(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	a := sealing(t, &clock)
	good := func(ticket, query string, to purpose) bool {
		var s shown
		a.readTicket(a.rings(), ticketRequest(query), to, ticket, &s)
		return s.use.Key != nil && s.by == byTicket && s.wrong == ""
	}
	fresh := func() string { return a.newTicket(useOf(a, oneKey), clock) }

	image := fresh()
	if !good(image, "", forMedia) || good(image, "", forMedia) || good(image, "sid=x", forSocket) {
		t.Error("a ticket for an image is not good once")
	}
	late := fresh()
	clock = clock.Add(ticketLife)
	if good(late, "", forSocket) {
		t.Error("a ticket is good after its time")
	}
	// A socket that polls shows its ticket with each request of its session.
	polling := fresh()
	for i, step := range []struct {
		query string
		after time.Duration
		want  bool
	}{
		{"EIO=4&transport=polling", 0, true},
		{"EIO=4&transport=polling", 0, false}, // another session
		{"sid=a", time.Second, true},
		{"sid=b", 0, false},
		{"sid=a&sid=", 0, false}, // which opens another to servers that take the last
		{"sid=&sid=a", 0, false},
		{"sid=a&s%69d=b", 0, false},
		{"sid=%23", 0, false}, // which some servers read as none
		{"sid=a%20", 0, false},
		{"sid=a", 100 * time.Second, true}, // past the ticket's own time
		{"sid=a", 100 * time.Second, true},
		{"", 0, false},
		{"sid=a", 2 * time.Minute, false},
	} {
		clock = clock.Add(step.after)
		if got := good(polling, step.query, forSocket); got != step.want {
			t.Errorf("step %d (%s): %v", i, step.query, got)
		}
	}
	// One that opens a WebSocket at once has no further requests.
	direct, r := fresh(), ticketRequest("EIO=4&transport=websocket")
	r.Header.Set("Upgrade", "websocket")
	var s shown
	if a.readTicket(a.rings(), r, forSocket, direct, &s); s.use.Key == nil {
		t.Fatal("a fresh ticket opens no WebSocket")
	}
	if good(direct, "sid=a", forSocket) {
		t.Error("a ticket that has opened a WebSocket is good again")
	}
	long := fresh()
	if !good(long, "", forSocket) {
		t.Fatal("a fresh ticket is not good")
	}
	for used := time.Duration(0); used < cookieLife; used += time.Minute {
		if !good(long, "sid=a", forSocket) {
			t.Fatalf("it ends after %v", used)
		}
		clock = clock.Add(time.Minute)
	}
	if good(long, "sid=a", forSocket) {
		t.Error("a session goes on for ever")
	}
	cookie, _ := a.sealFor(pass.Cookie, useOf(a, oneKey), "", clock, cookieLife)
	for _, forged := range []string{"", ticketPrefix, ticketPrefix + cookie, cookie, strings.ToUpper(fresh())} {
		if good(forged, "", forSocket) {
			t.Errorf("%q is a ticket", forged)
		}
	}
}

// FuzzPass holds that nothing but what was sealed is taken for a key's.
func FuzzPass(f *testing.F) {
	clock := time.Unix(1_800_000_000, 0)
	a := sealing(f, &clock)
	cookie, _ := a.sealFor(pass.Cookie, useOf(a, oneKey), "", clock, cookieLife)
	ticket, _ := a.sealFor(pass.Ticket, useOf(a, twoKey), "ABC", clock, ticketLife)
	for _, seed := range []string{cookie, ticket, cookie + "=", "~~~~", strings.Replace(cookie, "one", "two", 1), strings.ToUpper(cookie), ticket[1:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := pass.Parse(text)
		if !ok {
			return
		}
		for kind, sealed := range map[pass.Kind]string{pass.Cookie: cookie, pass.Ticket: ticket} {
			if use, _ := a.prove(a.rings(), kind, p, clock); use.Key != nil && text != sealed {
				t.Fatalf("%q is taken for a %s of %s", text, kind, use.Key.ID)
			}
		}
	})
}

// FuzzCookieHeader holds that the site's cookie never goes on to the backend,
// that all others do, and that the value read stood there, once.
func FuzzCookieHeader(f *testing.F) {
	name := cookieName("a site")
	for _, seed := range []string{"", name + "=x", "a=1; " + name + "=x;b=2", name + "=x; " + name + "=y", "a=" + name, name, "; ;" + name + " = x", "a=1\n" + name + "=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := &http.Request{Header: http.Header{"Cookie": strings.Split(text, "\n")}}
		pairs := func() (ours, others []string) {
			for _, line := range r.Header["Cookie"] {
				for pair := range strings.SplitSeq(line, ";") {
					given, value, _ := strings.Cut(pair, "=")
					if strings.TrimSpace(given) == name {
						ours = append(ours, strings.TrimSpace(value))
					} else if pair = strings.TrimSpace(pair); pair != "" {
						others = append(others, pair)
					}
				}
			}
			return ours, others
		}
		ours, others := pairs()
		value := takeCookie(r, name)
		left, kept := pairs()
		if len(left) > 0 || !slices.Equal(kept, others) {
			t.Fatalf("%q goes on as %q", text, r.Header["Cookie"])
		}
		if len(ours) == 1 && value != ours[0] || len(ours) != 1 && value != "" {
			t.Fatalf("%q holds %q, read was %q", text, ours, value)
		}
	})
}

// FuzzTicketQuery holds that a ticket is read and taken out wherever it stands,
// and that what is left is what stood there.
func FuzzTicketQuery(f *testing.F) {
	for _, seed := range []string{"ticket=x", "a=1&ticket=x&b=2", "%74icket=x", "ticket=x&ticket=y", "ticket", "a=ticket", "ticket=%zz", "&&", "Ticket=x"} {
		f.Add(seed)
	}
	a := fuzzed(f)
	f.Fuzz(func(t *testing.T, query string) {
		r := ticketRequest(query)
		got := a.ticketOf(r, new(gate.Request), forSocket)
		if left := gate.QueryValues(r.URL.RawQuery, ticketParameter); len(left) > 0 {
			t.Fatalf("%q is left of %q", r.URL.RawQuery, query)
		}
		var rest []string
		first, found := "", false
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if plain, err := url.QueryUnescape(name); err == nil && plain == "ticket" {
				if plain, err := url.QueryUnescape(value); err == nil {
					value = plain
				}
				if !found {
					first, found = value, true
				}
				continue
			}
			rest = append(rest, pair)
		}
		if got != first || strings.Join(rest, "&") != r.URL.RawQuery {
			t.Fatalf("%q gives the ticket %q and %q", query, got, r.URL.RawQuery)
		}
	})
}

// TestFailures holds the count of wrong keys against a plain record of it.
func TestFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := time.Unix(1_800_000_000, 0)
		limiter := &plainLimiter{now: func() time.Time { return clock }}
		f := newFailures(Failures{Limit: 3, Window: 900e9}, limiter, "", func() time.Time { return clock })
		lastSeen := map[string]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "attempts") {
			clock = clock.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "pause")) * time.Second)
			key := fmt.Sprint("wrong-", rapid.IntRange(0, 3).Draw(t, "key"))
			before := len(limiter.times)
			wait := f.charge(netip.MustParsePrefix("192.0.2.1/32"), key)
			counted := len(limiter.times) - before
			switch {
			case wait > 0 && counted > 0:
				t.Fatal("refused and counted")
			case counted > 0 && clock.Sub(lastSeen[key]) < sameKey:
				t.Fatal("the same key counts twice in a minute")
			case counted > 0:
				lastSeen[key] = clock
			case wait == 0 && clock.Sub(lastSeen[key]) >= sameKey:
				t.Fatal("a wrong key does not count")
			}
			if inWindow := limiter.within(900 * time.Second); inWindow > 3 {
				t.Fatalf("%d wrong keys in the window", inWindow)
			}
			if wait > 0 && limiter.within(900*time.Second) < 3 {
				t.Fatal("refused below the limit")
			}
		}
	})
}

type plainLimiter struct {
	now   func() time.Time
	times []time.Time
}

func (l *plainLimiter) within(window time.Duration) (n int) {
	for _, at := range l.times {
		if l.now().Sub(at) < window {
			n++
		}
	}
	return n
}

func (l *plainLimiter) Charge(_, _ string, limit int, window time.Duration) (bool, time.Duration) {
	if l.within(window) >= limit {
		return false, l.times[len(l.times)-limit].Add(window).Sub(l.now())
	}
	l.times = append(l.times, l.now())
	return true, 0
}
