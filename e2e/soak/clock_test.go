package soak_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

const (
	day     = 24 * time.Hour
	century = 100 * 365 * day / time.Second // a Duration has no room for three
	spends  = 20
)

// clockSite is a gate that believes in a clock, with limits that are soon spent
// and keys of a file.
func clockSite(t *testing.T, b *backend) (house.GateConfig, *house.Clock, func(name string, args ...string) string) {
	t.Helper()
	clock := house.NewClock(t)
	c := config(b)
	c.Binary = house.ClockedGateBinary(t)
	c.Home = t.TempDir()
	c.Sites = strings.Replace(c.Sites, "\n}", ` {
		rate_limit {
			tier api {
				limit `+strconv.Itoa(spends)+` 15m
			}
			tier pulse /api/agents/pulse {
				limit 2 1s
			}
		}
	}
}`, 1)
	c.Env = append(c.Env, clock.Env())
	file := filepath.Join(c.Home, "keys.json")
	c.Global = "\tgatehouse {\n\t\tkeys " + file + "\n\t}"
	add := func(name string, args ...string) string {
		t.Helper()
		of := house.GateConfig{Binary: c.Binary, Env: []string{clock.Env()}}
		out, status := house.RunGate(t, of, "", append([]string{"key", "add", name, "--scope", "read", "--scope", "chat", "--file", file}, args...)...)
		if status != 0 {
			t.Fatalf("gatehouse key add %s: %s", name, out)
		}
		return regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(out)
	}
	return c, clock, add
}

// ask sends a request with headers, in pairs.
func (g *gate) ask(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := g.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

// refusedFor fails the test unless the request is refused for no longer than a
// window of 15 minutes and its 64th.
func (g *gate) refusedFor(t *testing.T, what, key string) {
	t.Helper()
	res := g.ask(t, "GET", "/api/agents", "X-API-KEY", key)
	wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if res.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 915 {
		t.Errorf("%s: %s, Retry-After %q: want a 429 for at most 915 seconds", what, res.Status, res.Header.Get("Retry-After"))
	}
}

func (g *gate) left(t *testing.T, what, key string) int {
	t.Helper()
	res := g.ask(t, "GET", "/api/agents", "X-API-KEY", key)
	left, err := strconv.Atoi(res.Header.Get("RateLimit-Remaining"))
	if res.StatusCode != http.StatusOK || err != nil {
		t.Errorf("%s: %s, and %q are left", what, res.Status, res.Header.Get("RateLimit-Remaining"))
	}
	return left
}

// session is a cookie that a page has earned, ticket a ticket that one has got.
func (g *gate) session(t *testing.T, key string) string {
	t.Helper()
	res := g.ask(t, "GET", "/api/agents", "X-API-KEY", key, "Sec-Fetch-Site", "same-origin")
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if cookie == "" {
		t.Fatalf("no cookie: %s %v", res.Status, res.Header)
	}
	return cookie
}

func (g *gate) ticket(t *testing.T, key string) string {
	t.Helper()
	res := g.ask(t, "POST", "/.gatehouse/ticket", "X-API-KEY", key)
	var answer struct{ Data struct{ Ticket string } }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Data.Ticket == "" {
		t.Fatalf("no ticket: %s %v", res.Status, err)
	}
	return answer.Data.Ticket
}

// with is the status of a file that is asked for by a cookie or a ticket: the
// backend has none, so it is 404 where the gate lets the request pass.
func (g *gate) with(t *testing.T, pass string) int {
	t.Helper()
	if strings.Contains(pass, "=") {
		return g.ask(t, "GET", "/media/uploads/a.png", "Cookie", pass, "Sec-Fetch-Site", "same-origin").StatusCode
	}
	return g.ask(t, "GET", "/media/uploads/a.png?ticket="+pass).StatusCode
}

// The system's clock may jump while the gate runs: nobody gets a second quota,
// nobody is shut out for the span of the jump, what has an end by the calendar
// has it by the calendar, and nothing that was handed out while the clock was
// ahead is good for longer than if it had not been.
func TestClockJumps(t *testing.T) {
	b := startBackend(t)
	c, clock, add := clockSite(t, b)
	spent, half, page := add("spent"), add("half"), add("page")
	ends := add("ends", "--for", "12h")
	pulses := []string{add("pulse1"), add("pulse2"), add("pulse3"), add("pulse4"), add("pulse5"), add("pulse6")}
	g := startGate(t, c)
	for range spends {
		g.ask(t, "GET", "/api/agents", "X-API-KEY", spent)
	}
	g.refusedFor(t, "before any jump", spent)
	left := g.left(t, "before any jump", half)
	for n := range 10 { // wrong keys: the eleventh has to wait
		g.ask(t, "GET", "/api/agents", "X-API-KEY", fmt.Sprintf("a-wrong-key-of-some-length-%d", n))
	}
	g.refusedFor(t, "a wrong key before any jump", "another-wrong-key-of-some-length")
	cookie, used := g.session(t, page), g.ticket(t, page)
	if cookie, first, again := g.with(t, cookie), g.with(t, used), g.with(t, used); cookie != 404 || first != 404 || again != 401 {
		t.Fatalf("a cookie gets %d, a ticket %d and then %d", cookie, first, again)
	}
	stream, doomed := listen(t, g), listenWith(t, g, ends)

	var ahead []string // what was handed out while the clock was ahead
	for n, jump := range []struct {
		name    string
		seconds int64
	}{
		{"an hour back", -3600},
		{"a day ahead", 24 * 3600},
		{"back from a day ahead", 0},
		{"three centuries ahead", 3 * int64(century)},
		{"back from three centuries ahead", 0},
		{"two years back", -2 * 365 * 24 * 3600},
	} {
		t.Run(jump.name, func(t *testing.T) {
			logged := len(g.Output())
			clock.SetSeconds(jump.seconds)
			g.refusedFor(t, "who had spent it all", spent)
			g.refusedFor(t, "a wrong key more", fmt.Sprintf("a-wrong-key-of-some-length-%d", jump.seconds))
			now := g.left(t, "who had not", half)
			if now != left-1 {
				t.Errorf("%d requests are left, and %d were before", now, left)
			}
			left = now
			refused := 0
			for range 10 { // three in a second may be too many for the machine
				begun := time.Now()
				for range 3 {
					if g.ask(t, "GET", "/api/agents/pulse", "X-API-KEY", pulses[n]).StatusCode == http.StatusTooManyRequests {
						refused++
					}
				}
				if refused > 0 || time.Since(begun) < time.Second {
					break
				}
			}
			if refused == 0 {
				t.Error("a limit of 2 in a second is not held")
			}
			time.Sleep(time.Second + time.Second/64)
			if res := g.ask(t, "GET", "/api/agents/pulse", "X-API-KEY", pulses[n]); res.StatusCode == http.StatusTooManyRequests {
				t.Errorf("a second later it is still refused, for %s seconds", res.Header.Get("Retry-After"))
			}
			// By the calendar: within a second, which no jump makes longer.
			over := jump.seconds >= 12*3600
			want := http.StatusOK
			if over {
				want = http.StatusUnauthorized
			}
			if got := g.ask(t, "GET", "/api/agents", "X-API-KEY", ends).StatusCode; got != want && got != http.StatusTooManyRequests {
				t.Errorf("a key that ends within 12 hours: %d, want %d", got, want)
			}
			if over {
				<-doomed.ended
			} else if jump.seconds == -3600 {
				doomed.alive(t, "the stream of a key that has not ended")
			}
			stream.alive(t, "a stream")
			// A cookie that was made by a clock an hour ahead may be had anew.
			want = http.StatusUnauthorized
			if jump.seconds == 0 {
				want = http.StatusNotFound
			}
			if got := g.with(t, cookie); got != want {
				t.Errorf("a cookie of 12 hours: %d, want %d", got, want)
			}
			if fresh := g.session(t, page); g.with(t, fresh) != http.StatusNotFound {
				t.Error("a fresh cookie is not good")
			} else if jump.seconds > 0 {
				ahead = append(ahead, fresh, g.ticket(t, page))
			}
			if got := g.with(t, used); got != http.StatusUnauthorized {
				t.Errorf("a ticket that was used: %d", got)
			}
			if got := g.with(t, g.ticket(t, page)); got != http.StatusNotFound {
				t.Errorf("a fresh ticket: %d", got)
			}
			if jump.seconds <= 0 {
				for _, pass := range ahead {
					if got := g.with(t, pass); got != http.StatusUnauthorized {
						t.Errorf("what was handed out while the clock was ahead, %.12s...: %d", pass, got)
					}
				}
			}
			g.Retry(t, func() error {
				if !strings.Contains(g.Output()[logged:], "[SECURITY]") {
					return fmt.Errorf("the log says nothing since the jump")
				}
				return nil
			})
		})
	}
	if strings.Contains(g.Output(), "panic") {
		t.Errorf("something panicked:\n%s", g.Output())
	}
}

// A gate that was started under a wrong clock saves what it has counted, and one
// that starts under the right one knows it, and counts it for no longer.
func TestRestartsUnderWrongClocks(t *testing.T) {
	b := startBackend(t)
	c, clock, add := clockSite(t, b)
	// Centuries ahead the root of Caddy's own CA has ended, so it does without.
	c.Caddyfile = "{\n\tdefault_bind 127.0.0.1\n\tauto_https off\n" + c.Global + "\n}\n" + strings.Replace(c.Sites, "https://localhost, ", "", 1)
	starts := []int64{24 * 3600, 0, 3 * int64(century), 0, -3600}
	keys := make([]string, len(starts))
	for n := range keys {
		keys[n] = add(fmt.Sprint("key", n))
	}
	g := startGate(t, c)
	for n, seconds := range starts {
		key := keys[n]
		for range spends {
			g.ask(t, "GET", "/api/agents", "X-API-KEY", key)
		}
		g.refusedFor(t, "before the restart", key)
		clock.SetSeconds(seconds)
		g.Stop()
		g = &gate{house.StartGate(t, g.Config), g.url}
		if strings.Contains(g.Output(), "damaged") {
			t.Errorf("the saved counters were not taken:\n%s", g.Output())
		}
		if seconds > 0 { // as if it had been off for so long
			if status := g.ask(t, "GET", "/api/agents", "X-API-KEY", key).StatusCode; status != http.StatusOK {
				t.Errorf("%d seconds later by the clock: %d", seconds, status)
			}
			continue
		}
		g.refusedFor(t, fmt.Sprintf("after a start %d seconds off", seconds), key)
	}
}
