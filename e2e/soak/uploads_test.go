package soak_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

var full = flag.Bool("full", false, "send 200 uploads of 50 MiB at once, and not 40 of 10 MiB, and five times as many hostile clients")

const (
	uploadPath = "/api/media/agents/" + session + "/upload-media"
	formHead   = "--XxX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n"
	formTail   = "\r\n--XxX--\r\n"
)

// sink is a backend that takes uploads and keeps nothing of them.
type sink struct {
	*httptest.Server
	whole, broken atomic.Int64 // uploads that ended, or broke off
	bytes         atomic.Int64 // of whole ones
	connections   atomic.Int64 // on which a request is under way
}

func startSink(t *testing.T) *sink {
	s := new(sink)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			s.broken.Add(1)
			return
		}
		s.whole.Add(1)
		s.bytes.Add(n)
		fmt.Fprint(w, `{"success":true}`)
	}))
	states := make(map[net.Conn]http.ConnState)
	var mu sync.Mutex
	s.Server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		before := states[conn]
		states[conn] = state
		if state == http.StateActive && before != http.StateActive {
			s.connections.Add(1)
		} else if state != http.StateActive && before == http.StateActive {
			s.connections.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// uploadGate is the preset before a sink; lines are of its rate_limit.
func uploadGate(t *testing.T, s *sink, lines string) *gate {
	t.Helper()
	return startGate(t, house.GateConfig{
		Sites: "http://localhost:{$PLAIN} {\n\tgatehouse elizaos " + s.Listener.Addr().String() + " {\n\t\trate_limit {\n\t\t\ttier file_system off\n" + lines + "\t\t}\n\t}\n}",
		Env: []string{
			"ELIZA_API_KEY=" + key, "ELIZA_SERVER_AUTH_TOKEN=" + backendKey, "SECRET_SALT=of-this-test", "SERVER_HOST=127.0.0.1",
			"API_RATE_LIMIT_MAX=" + strconv.Itoa(limit), "UPLOAD_RATE_LIMIT_MAX=" + strconv.Itoa(limit), "TMPDIR=" + t.TempDir(),
		},
	})
}

// zeros reads as so many bytes, and waits in the middle until all others have
// got there.
type zeros struct {
	left, half int
	middle     *sync.WaitGroup
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	if z.left <= z.half && z.middle != nil {
		z.middle.Done()
		z.middle.Wait()
		z.middle = nil
	}
	n := min(len(p), z.left)
	if z.middle != nil {
		n = min(n, z.left-z.half)
	}
	clear(p[:n])
	z.left -= n
	return n, nil
}

// upload sends one upload of a size.
func (g *gate) upload(t *testing.T, client *http.Client, size int, middle *sync.WaitGroup) (int, string, error) {
	body := io.MultiReader(strings.NewReader(formHead), &zeros{size, size / 2, middle}, strings.NewReader(formTail))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+uploadPath, body)
	if err != nil {
		return 0, "", err
	}
	req.ContentLength = int64(len(formHead) + size + len(formTail))
	req.Header.Set("X-API-KEY", key)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=XxX")
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// Many large uploads at once, all of them half done at one moment, come through
// in memory that does not depend on their size.
func TestParallelUploads(t *testing.T) {
	uploads, size := 40, 10<<20
	if *full {
		uploads, size = 200, 50<<20-1024
	}
	s := startSink(t)
	g := uploadGate(t, s, "")
	client := g.client(t)
	if status, answer, err := g.upload(t, client, 1<<20, nil); status != http.StatusOK {
		t.Fatalf("an upload: %d %s %v", status, answer, err)
	}
	before := g.peak(t)
	var middle, wait sync.WaitGroup
	middle.Add(uploads)
	for range uploads {
		wait.Go(func() {
			if status, answer, err := g.upload(t, client, size, &middle); status != http.StatusOK {
				t.Errorf("an upload: %d %s %v", status, answer, err)
			}
		})
	}
	wait.Wait()
	t.Logf("%d uploads of %d MiB at once: peak memory %d MiB, %d MiB before them", uploads, (size+1024)>>20, g.peak(t), before)
	if got, want := s.whole.Load()-1, int64(uploads); got != want {
		t.Errorf("%d uploads came through", got)
	}
	// 1 MiB for each is far less than any of them, and far more than they need.
	if grown := g.peak(t) - before; grown > 32+uploads {
		t.Errorf("the gate grew by %d MiB", grown)
	}
}

// rawUploads are an upload of a size as it is sent, framed by its length and in
// chunks.
func rawUploads(size int) []string {
	body := formHead + strings.Repeat("x", size) + formTail
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: %s\r\nContent-Type: multipart/form-data; boundary=XxX\r\n", uploadPath, key)
	var chunks strings.Builder
	for piece := range slices.Chunk([]byte(body), 100) {
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", len(piece), piece)
	}
	return []string{
		head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		head + "Transfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n",
	}
}

// An upload that is cut off, at whichever byte, leaves nothing behind in the
// gate: no goroutine, no open file, no temporary one, no place among the
// requests in flight, no connection to the backend, and no mark against it.
func TestUploadsCutOff(t *testing.T) {
	s := startSink(t)
	const slots = 4
	g := uploadGate(t, s, fmt.Sprintf("\t\t\tconcurrent %d %s\n", slots, uploadPath))
	client := g.client(t)
	settled := func(want usage, clients int) {
		t.Helper()
		// Connections are taken up in turn: once this one has its answer none waits.
		if _, _, _, err := g.get(t.Context(), client, "/api/agents", key); err != nil {
			t.Fatal(err)
		}
		g.Retry(t, func() error {
			client.CloseIdleConnections()
			now, served := g.usage(t), g.clients(t)
			if now.goroutines > want.goroutines || now.files > want.files || served > clients || s.connections.Load() != 0 {
				return fmt.Errorf("%+v and %d clients, not %+v and %d; %d connections of the backend's are at work", now, served, want, clients, s.connections.Load())
			}
			return nil
		})
	}
	cut := func(request string, at int, hard bool, until func() error) {
		t.Helper()
		conn, err := g.victim().plain()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request[:at]); err != nil {
			t.Fatal(err)
		}
		if until != nil {
			g.Retry(t, until)
		}
		if hard {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
	// What is made once is made now, and the backend has got what is cut off.
	for _, request := range rawUploads(64 << 10) {
		broken := s.broken.Load()
		cut(request, len(request)/2, false, func() error {
			if s.connections.Load() == 0 {
				return errors.New("the backend has no upload yet")
			}
			return nil
		})
		g.Retry(t, func() error {
			if s.broken.Load() == broken || s.connections.Load() != 0 {
				return errors.New("the backend's upload has not broken off")
			}
			return nil
		})
	}
	// Idle connections to the backend live for seconds; so each begins with none.
	const slack = 4
	before := g.atRest(t).usage
	clients := g.clients(t)
	cuts := 0
	for _, request := range rawUploads(64) {
		for at := 1; at < len(request); at++ {
			cut(request, at, at%2 == 0, nil)
			cuts++
		}
	}
	settled(usage{before.goroutines + slack, before.files + slack}, clients)
	if left, err := os.ReadDir(envOf(g, "TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("temporary files: %v %v", left, err)
	}
	// All places are free, at one moment.
	var middle, wait sync.WaitGroup
	middle.Add(slots)
	for range slots {
		wait.Go(func() {
			if status, answer, err := g.upload(t, client, 1<<20, &middle); status != http.StatusOK {
				t.Errorf("an upload afterwards: %d %s %v", status, answer, err)
			}
		})
	}
	wait.Wait()
	settled(usage{before.goroutines + slack, before.files + slack}, clients)
	t.Logf("%d uploads cut off; before %+v, after %+v; the backend saw %d break off and %d end", cuts, before, g.usage(t), s.broken.Load(), s.whole.Load())
}

func envOf(g *gate, name string) string {
	for _, pair := range g.Config.Env {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}
