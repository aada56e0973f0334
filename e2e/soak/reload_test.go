package soak_test

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// Reloads, one every second, cost no request, no count and no stream.
func TestReloadsUnderLoad(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	first := g.Config.Sites
	stream, socket := listen(t, g), talk(t, g)
	l := startLoad(t, g, 8, key)
	reloads := 0
	for end := time.Now().Add(*soak); time.Now().Before(end); reloads++ {
		// Something differs each time, so that nothing is spared.
		g.Reload(t, strings.Replace(first, "\n}", " {\n\t\tgate {\n\t\t\trealm agents"+strconv.Itoa(reloads)+"\n\t\t}\n\t}\n}", 1), "")
		stream.alive(t, "the stream of events")
		socket.alive(t, "the WebSocket")
		time.Sleep(time.Second)
	}
	l.stop(t)
	got := b.requests.Load()
	if sent := l.sent.Load(); got != sent {
		t.Errorf("%d requests were sent, and %d reached the backend", sent, got)
	}
	// The stream and the socket counted too, and so does this request.
	_, header, _, err := g.get(t.Context(), g.client(t), "/api/agents", key)
	if err != nil {
		t.Fatal(err)
	}
	left, _ := strconv.Atoi(header.Get("RateLimit-Remaining"))
	if want := limit - int(got) - 2; left != want {
		t.Errorf("after %d reloads %d requests are left of %d, want %d: counts were lost or doubled", reloads, left, limit, want)
	}
	t.Logf("%d reloads, %d requests", reloads, l.sent.Load())
}

// The key file may be rewritten all the time: keys that stay in it stay good.
func TestKeyFileUnderLoad(t *testing.T) {
	b := startBackend(t)
	c := config(b)
	c.Home = t.TempDir()
	file := filepath.Join(c.Home, "keys.json")
	command := func(args ...string) string {
		t.Helper()
		out, status := house.RunGate(t, house.GateConfig{}, "", append(args, "--file", file)...)
		if status != 0 {
			t.Fatalf("gatehouse %s: %s", strings.Join(args, " "), out)
		}
		return out
	}
	secret := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(command("key", "add", "stays", "--scope", "read"))
	c.Global = "\tgatehouse {\n\t\tkeys " + file + "\n\t}"
	g := startGate(t, c)
	l := startLoad(t, g, 8, secret)
	writes := 0
	for end := time.Now().Add(*soak); time.Now().Before(end); writes++ {
		name := "comes-and-goes-" + strconv.Itoa(writes)
		fresh := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(command("key", "add", name, "--scope", "read"))
		g.Retry(t, func() error { return expect(t, g, fresh, http.StatusOK) })
		command("key", "revoke", name)
		g.Retry(t, func() error {
			// Wrong keys count: after ten of them the answer is 429.
			if err := expect(t, g, fresh, http.StatusTooManyRequests); err == nil {
				return nil
			}
			return expect(t, g, fresh, http.StatusUnauthorized)
		})
	}
	l.stop(t)
	t.Logf("%d keys came and went, %d requests", writes, l.sent.Load())
}

// SIGTERM lets requests finish, and ends streams rather than wait for them.
func TestTermination(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	stream, socket := listen(t, g), talk(t, g)
	stream.alive(t, "the stream of events")
	socket.alive(t, "the WebSocket")
	g.Signal(t, syscall.SIGTERM)
	if status := g.Wait(t); status != 0 {
		t.Errorf("the gate ended with %d:\n%s", status, g.Output())
	}
	<-stream.ended
	<-socket.ended
}

// A gate that is killed comes back with its keys, and with its counts as of the
// last snapshot: it writes one at its end, and one a minute.
func TestKilledAndStartedAgain(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	l := startLoad(t, g, 4, key)
	l.until(t, g, 100)
	l.stop(t)
	g.Stop()
	g = &gate{house.StartGate(t, g.Config), g.url}
	if err := expect(t, g, key, http.StatusOK); err != nil {
		t.Fatal(err)
	}
	g.Signal(t, syscall.SIGKILL)
	g.Wait(t)
	g = &gate{house.StartGate(t, g.Config), g.url}
	status, header, body, err := g.get(t.Context(), g.client(t), "/api/agents", key)
	if err != nil || status != http.StatusOK {
		t.Fatalf("after the restart: %d %s %v", status, body, err)
	}
	left, _ := strconv.Atoi(header.Get("RateLimit-Remaining"))
	if want := limit - int(l.sent.Load()) - 1; left != want {
		t.Errorf("%d requests are left of %d, want %d", left, limit, want)
	}
}
