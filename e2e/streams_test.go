package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// streamGate is a gate with a key file, before a backend that sends events
// without an end (/events), takes WebSockets (/socket), and never answers (/slow).
type streamGate struct {
	*house.Gate
	addr, file, secret string
	slow               chan struct{} // a request has reached /slow
}

func startStreamGate(t *testing.T) *streamGate {
	t.Helper()
	g := &streamGate{
		addr: fmt.Sprintf("127.0.0.1:%d", house.Port(t)),
		file: filepath.Join(t.TempDir(), "keys.json"),
		slow: make(chan struct{}, 1),
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/socket":
			conn, rw, err := rc.Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			rw.Flush()
			_, _ = io.Copy(io.Discard, conn)
		case "/slow":
			g.slow <- struct{}{}
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: first\n\n")
			_ = rc.Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(backend.Close)
	g.secret = addKey(t, g.file, keys.Key{ID: "ada", Scopes: []string{"*"}})
	g.Gate = house.StartGate(t, house.GateConfig{
		Global: "gatehouse {\nkeys " + g.file + "\n}",
		Sites: fmt.Sprintf("http://%s {\n\tagent_auth\n\treverse_proxy %s {\n\t\tflush_interval -1\n\t\ttransport agent_backend\n\t}\n}",
			g.addr, backend.Listener.Addr()),
	})
	return g
}

// addKey adds a key to a key file and returns its secret.
func addKey(t *testing.T, path string, k keys.Key) (secret string) {
	t.Helper()
	file := keys.NewFile(path)
	if err := file.Init(); err != nil {
		t.Fatal(err)
	}
	if err := file.Update(func(d *keys.Document) error {
		minted, err := d.Add(k, keys.Edit{Now: time.Now()})
		secret = minted.Reveal()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return secret
}

// open sends a request and returns what is read of its answer; wait has it wait
// until the answer has begun.
func (g *streamGate) open(t *testing.T, path string, wait bool) *bufio.Reader {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	upgrade := ""
	if path == "/socket" {
		upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n%s\r\n", path, g.addr, g.secret, upgrade)
	r := bufio.NewReader(conn)
	if wait {
		if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") && !strings.Contains(line, " 101 ") {
			t.Fatalf("%s: %q, %v", path, line, err)
		}
	}
	return r
}

// A gate that is told to stop ends, whatever clients are listening: one that
// reads events, one that does not read, a WebSocket, and a request that the
// backend never answers, which is told so.
func TestStopEndsStreams(t *testing.T) {
	g := startStreamGate(t)
	g.open(t, "/events", true)
	reading := g.open(t, "/events", true)
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, reading)
		close(read)
	}()
	g.open(t, "/socket", true)
	slow := g.open(t, "/slow", false)
	<-g.slow
	began := time.Now()
	g.Signal(t, syscall.SIGTERM)
	if status := g.Wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	t.Logf("the gate has ended %v after SIGTERM", time.Since(began).Round(time.Millisecond))
	<-read
	response, err := http.ReadResponse(slow, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "SHUTTING_DOWN") {
		t.Errorf("the request that was not answered: %d %s", response.StatusCode, body)
	}
}

// A hundred streams of a key end when it is revoked by the command line, and a
// request that is not yet answered gets 401.
func TestRevocationEndsStreams(t *testing.T) {
	g := startStreamGate(t)
	const streams = 100
	closed := make(chan time.Time, streams)
	for i := range streams {
		path := "/events"
		if i%2 == 1 {
			path = "/socket"
		}
		r := g.open(t, path, true)
		go func() {
			_, _ = io.Copy(io.Discard, r)
			closed <- time.Now()
		}()
	}
	slow := g.open(t, "/slow", false)
	<-g.slow
	began := time.Now()
	if out, status := house.RunGate(t, house.GateConfig{Caddyfile: "localhost\n"}, "", "key", "revoke", "ada", "--file", g.file); status != 0 {
		t.Fatalf("key revoke: %s", out)
	}
	written := time.Now()
	var ended []time.Duration
	for range streams {
		select {
		case at := <-closed:
			ended = append(ended, at.Sub(began))
		case <-time.After(time.Minute):
			t.Fatalf("only %d of %d streams have ended", len(ended), streams)
		}
	}
	slices.Sort(ended)
	t.Logf("from the start of the command to closed: fastest %v, median %v, slowest %v; the command took %v",
		ended[0].Round(time.Millisecond), ended[streams/2].Round(time.Millisecond), ended[streams-1].Round(time.Millisecond), written.Sub(began).Round(time.Millisecond))
	response, err := http.ReadResponse(slow, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the request that was not answered: %d", response.StatusCode)
	}
	g.WaitFor(t, "the key ada is revoked")
}
