package soak_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

const (
	key        = "the-key-of-an-honest-client"
	backendKey = "the-key-of-the-backend-itself"
	session    = "2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00"
	limit      = 100_000_000
)

// config is the preset in front of a backend.
func config(b *backend) house.GateConfig {
	return house.GateConfig{
		Sites: "https://localhost, http://localhost:{$PLAIN} {\n\tgatehouse elizaos " + b.Listener.Addr().String() + "\n}",
		Env: []string{
			"ELIZA_API_KEY=" + key, "ELIZA_SERVER_AUTH_TOKEN=" + backendKey, "SECRET_SALT=of-this-test",
			"SERVER_HOST=127.0.0.1", "API_RATE_LIMIT_MAX=" + strconv.Itoa(limit),
		},
	}
}

// gate is a running gate that is reached over plain http, on a site of its own.
type gate struct {
	*house.Gate
	url string
}

func startGate(t *testing.T, c house.GateConfig) *gate {
	t.Helper()
	port := strconv.Itoa(house.Port(t))
	c.Env = append(c.Env, "PLAIN="+port)
	return &gate{house.StartGate(t, c), "http://localhost:" + port}
}

func (g *gate) client(t *testing.T) *http.Client { return house.Client(t, "") }

// get asks for something with the key and returns the status and the body.
func (g *gate) get(ctx context.Context, client *http.Client, path, key string) (int, http.Header, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
	if err != nil {
		return 0, nil, "", err
	}
	if key != "" {
		req.Header.Set("X-API-KEY", key)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(body), err
}

// load is clients at work, each at its own pace, until stop is called.
type load struct {
	sent   atomic.Int64
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu        sync.Mutex
	failures  []string
	latencies []time.Duration
}

// startLoad has clients send a GET every 10 milliseconds each.
func startLoad(t *testing.T, g *gate, clients int, key string) *load {
	return startPaced(t, g, clients, key, 10*time.Millisecond)
}

// startPaced has clients send a GET each once in a pace; 0 is as fast as they can.
func startPaced(t *testing.T, g *gate, clients int, key string, pace time.Duration) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	for range clients {
		client := g.client(t)
		l.wait.Go(func() {
			defer client.CloseIdleConnections()
			tick := time.NewTicker(max(pace, 1))
			defer tick.Stop()
			for ctx.Err() == nil {
				if pace > 0 {
					select {
					case <-ctx.Done():
						return
					case <-tick.C:
					}
				}
				start := time.Now()
				// A request that was begun is finished, so that each is counted on both sides.
				status, _, body, err := g.get(context.WithoutCancel(ctx), client, "/api/agents", key)
				l.sent.Add(1)
				l.note(start, status, body, err)
			}
		})
	}
	return l
}

func (l *load) note(start time.Time, status int, body string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, time.Since(start))
	if err != nil || status != http.StatusOK {
		l.failures = append(l.failures, fmt.Sprint(status, " ", body, " ", err))
	}
}

// stop ends the load and fails the test for each request that failed.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.wait.Wait()
	for i, failure := range l.failures {
		if i == 5 {
			t.Errorf("... %d failures in all", len(l.failures))
			break
		}
		t.Errorf("a request failed: %s", failure)
	}
}

// until waits until so many requests were sent.
func (l *load) until(t *testing.T, g *gate, sent int64) {
	t.Helper()
	g.Retry(t, func() error {
		if l.sent.Load() < sent {
			return fmt.Errorf("%d requests were sent of %d", l.sent.Load(), sent)
		}
		return nil
	})
}

// p99 is the time within which all but one in a hundred were answered.
func (l *load) p99() time.Duration {
	slices.Sort(l.latencies)
	return l.latencies[len(l.latencies)*99/100]
}

// A watched is a stream or socket that is to live on.
type watched struct {
	seen   atomic.Int64
	ended  chan struct{}
	reason error
	close  func()
}

// alive fails the test unless the stream still moves.
func (s *watched) alive(t *testing.T, what string) {
	t.Helper()
	before := s.seen.Load()
	for limit := time.After(time.Minute); s.seen.Load() < before+2; {
		select {
		case <-s.ended:
			t.Fatalf("%s ended: %v", what, s.reason)
		case <-limit:
			t.Fatalf("%s is open and nothing comes", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// listen opens a stream of server-sent events.
func listen(t *testing.T, g *gate) *watched {
	t.Helper()
	return listenWith(t, g, key)
}

func listenWith(t *testing.T, g *gate, key string) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &watched{ended: make(chan struct{}), close: cancel}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/api/messaging/sessions/"+session+"/messages", strings.NewReader(`{"content":"hello","transport":"sse"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-API-KEY", key)
	req.Header.Set("Content-Type", "application/json")
	res, err := g.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the stream was answered with %s", res.Status)
	}
	go func() {
		defer close(s.ended)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			s.seen.Add(1)
		}
		if s.reason = lines.Err(); s.reason == nil {
			s.reason = io.EOF
		}
	}()
	t.Cleanup(func() { cancel(); <-s.ended })
	return s
}

// talk opens a WebSocket and sends messages over it.
func talk(t *testing.T, g *gate) *watched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &watched{ended: make(chan struct{}), close: cancel}
	conn, _, err := websocket.Dial(ctx, strings.Replace(g.url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket",
		&websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}, HTTPClient: g.client(t)})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		defer conn.CloseNow()
		for {
			err := conn.Write(ctx, websocket.MessageText, []byte(`42["message",{"type":2,"payload":{}}]`))
			if err == nil {
				_, _, err = conn.Read(ctx)
			}
			if err != nil {
				s.reason = err
				return
			}
			s.seen.Add(1)
			select {
			case <-ctx.Done():
				s.reason = errors.New("closed by the test")
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-s.ended })
	return s
}
