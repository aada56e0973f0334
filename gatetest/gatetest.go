// Package gatetest runs the gate inside a test: it loads a Caddyfile into this
// process, with a backend of its own behind it, sends requests, and reads
// responses, what the backend saw, and the log with its security events.
//
// Caddy is one per process, so tests that use it do not run in parallel.
package gatetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/gatehouse-dev/caddy-gatehouse"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Gate is a running gate with its backend.
type Gate struct {
	// Addr is the gate's address, host and port.
	Addr string
	// Backend is what stands behind it.
	Backend *Backend
	// Admin is where the admin endpoint listens, in Caddy's form. It is set
	// before Load; default: there is none.
	Admin string

	t       testing.TB
	log     *memory
	storage string      // Caddy's, of this gate alone
	fresh   atomic.Bool // nothing was answered since a configuration was loaded
}

// Start adapts and loads a Caddyfile. In its text, GATE stands for the gate's
// site address (http on loopback) and BACKEND for the backend's host and port.
// The gate is stopped when the test ends.
func Start(t testing.TB, caddyfile string) *Gate {
	t.Helper()
	g := New(t)
	if err := g.Load(caddyfile); err != nil {
		t.Fatalf("loading the Caddyfile: %v\n%s", err, g.Log())
	}
	return g
}

// New makes the backend and finds the gate an address, without starting it.
func New(t testing.TB) *Gate {
	t.Helper()
	g := &Gate{Addr: freeAddr(t), Backend: newBackend(t), t: t, log: openMemory(), storage: t.TempDir()}
	t.Cleanup(func() {
		if g.Admin != "" { // Stop would leave it open
			if err := caddy.Load([]byte(`{"admin": {"disabled": true, "config": {"persist": false}}}`), true); err != nil {
				t.Errorf("closing the admin endpoint: %v", err)
			}
		}
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping the gate: %v", err)
		}
	})
	return g
}

// Load adapts a Caddyfile as Start does and loads it, in place of what runs.
func (g *Gate) Load(caddyfile string) error {
	config, err := g.adapt(caddyfile)
	if err != nil {
		return err
	}
	g.fresh.Store(true)
	return caddy.Load(config, true)
}

// LoadJSON loads a JSON configuration as it is, but for the admin endpoint and
// the log, which are the test's.
func (g *Gate) LoadJSON(config []byte) error {
	config, err := g.tame(config)
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

// Validate adapts a Caddyfile and provisions it without starting it.
func (g *Gate) Validate(caddyfile string) error {
	config, err := g.adapt(caddyfile)
	if err != nil {
		return err
	}
	var parsed caddy.Config
	if err := json.Unmarshal(config, &parsed); err != nil {
		return err
	}
	return caddy.Validate(&parsed)
}

func (g *Gate) adapt(caddyfile string) ([]byte, error) {
	text := strings.NewReplacer("GATE", "http://"+g.Addr, "BACKEND", g.Backend.Addr()).Replace(caddyfile)
	config, err := Adapt(text)
	if err != nil {
		return nil, err
	}
	return g.tame(config)
}

// tame puts the admin endpoint where the test wants it, leads the log here, and
// gives it a storage of its own, unless it names one.
func (g *Gate) tame(config []byte) ([]byte, error) {
	var tree map[string]any
	if err := json.Unmarshal(config, &tree); err != nil {
		return nil, err
	}
	tree["admin"] = map[string]any{"disabled": g.Admin == "", "listen": g.Admin, "config": map[string]any{"persist": false}}
	if tree["storage"] == nil {
		tree["storage"] = map[string]any{"module": "file_system", "root": g.storage}
	}
	logging, _ := tree["logging"].(map[string]any)
	if logging == nil {
		logging = map[string]any{}
		tree["logging"] = logging
	}
	logs, _ := logging["logs"].(map[string]any)
	if logs == nil {
		logs = map[string]any{}
		logging["logs"] = logs
	}
	byDefault, _ := logs["default"].(map[string]any)
	if byDefault == nil {
		byDefault = map[string]any{}
		logs["default"] = byDefault
	}
	byDefault["writer"] = map[string]any{"output": "gatetest"}
	if byDefault["encoder"] == nil {
		byDefault["encoder"] = map[string]any{"format": "json"}
	}
	return json.Marshal(tree)
}

// Adapt makes the JSON configuration of a Caddyfile.
func Adapt(caddyfile string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// Response is a response, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Get sends a GET request with headers given as name, value, name, value...
func (g *Gate) Get(path string, headers ...string) Response {
	g.t.Helper()
	return g.Send(http.MethodGet, path, "", headers...)
}

// Send sends a request. The path and the headers are sent as they are written.
func (g *Gate) Send(method, path, body string, headers ...string) Response {
	g.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, path)
	host := g.Addr
	for i := 0; i+1 < len(headers); i += 2 {
		if strings.EqualFold(headers[i], "Host") {
			host = headers[i+1]
			continue
		}
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	fmt.Fprintf(&b, "Host: %s\r\nConnection: close\r\n\r\n%s", host, body)
	return g.raw(method, b.String())
}

// Raw sends bytes as they are and reads one response.
func (g *Gate) Raw(request string) Response {
	g.t.Helper()
	return g.raw(http.MethodGet, request)
}

func (g *Gate) raw(method, request string) Response {
	g.t.Helper()
	conn, res, err := g.exchange(method, request)
	// A configuration that is replaced takes with it what its listener had not
	// accepted yet: the first request to the next one may have to be sent again.
	for try := 0; g.fresh.Load() && try < 100 && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF)); try++ {
		conn, res, err = g.exchange(method, request)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.fresh.Store(false)
	defer conn.Close()
	return read(g.t, res)
}

// exchange sends a request and reads the beginning of its response.
func (g *Gate) exchange(method, request string) (net.Conn, *http.Response, error) {
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		return nil, nil, err
	}
	// A long request may be answered before all of it is written.
	_, unwritten := io.WriteString(conn, request)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, nil, errors.Join(unwritten, err, conn.Close())
	}
	return conn, res, nil
}

func read(t testing.TB, res *http.Response) Response {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("reading the response: %v", err)
	}
	return Response{res.StatusCode, res.Header, string(body)}
}

// Log is everything that was logged since the gate was made.
func (g *Gate) Log() string { return g.log.String() }

// Lines are the lines of the log, as the JSON encoder writes them.
func (g *Gate) Lines() []map[string]any {
	g.t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(g.Log()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			g.t.Fatalf("a line of the log is not JSON: %s", text)
		}
		lines = append(lines, line)
	}
	return lines
}

// everyTest are the events that every test has, and none asks for here.
var everyTest = []any{string(events.Started), string(events.Reloaded), string(events.Stopped)}

// Events are the security events in the log, in order, but for those of starts
// and reloads.
func (g *Gate) Events() []map[string]any {
	g.t.Helper()
	var found []map[string]any
	for _, line := range g.Lines() {
		if line["logger"] == "gatehouse.security" && !slices.Contains(everyTest, line["event"]) {
			found = append(found, line)
		}
	}
	return found
}

// Backend is a recording backend. Unless told otherwise it answers 200 with
// the request's method and URI as text.
type Backend struct {
	server *httptest.Server

	mu      sync.Mutex
	seen    []*http.Request
	handler http.HandlerFunc
}

func newBackend(t testing.TB) *Backend {
	b := new(Backend)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r.Clone(r.Context()))
		handler := b.handler
		b.mu.Unlock()
		if handler != nil {
			handler(w, r)
			return
		}
		fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
	}))
	t.Cleanup(b.server.Close)
	return b
}

// Addr is the backend's host and port.
func (b *Backend) Addr() string { return b.server.Listener.Addr().String() }

// Handle sets what the backend answers from now on.
func (b *Backend) Handle(handler http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = handler
}

// Seen are the requests that have reached the backend, in order.
func (b *Backend) Seen() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*http.Request(nil), b.seen...)
}

// Last is the last request that has reached the backend, or nil.
func (b *Backend) Last() *http.Request {
	seen := b.Seen()
	if len(seen) == 0 {
		return nil
	}
	return seen[len(seen)-1]
}

// Close takes the backend away.
func (b *Backend) Close() { b.server.Close() }

// freeAddr finds a free port outside of the range from which systems take the
// ports of outgoing connections: one of those could be taken until the gate
// listens.
func freeAddr(t testing.TB) string {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", 15000+rand.IntN(15000)))
		if err != nil {
			continue
		}
		defer l.Close()
		return fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
	}
	t.Fatal("no free port between 15000 and 30000")
	return ""
}

// memory is where the log goes: Caddy makes log writers from modules, and one
// that writes into this process is ours.
type memory struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var (
	current   *memory
	currentMu sync.Mutex
)

func openMemory() *memory {
	currentMu.Lock()
	defer currentMu.Unlock()
	current = new(memory)
	return current
}

func (m *memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

func init() { caddy.RegisterModule(writer{}) }

// writer is the log writer "gatetest".
type writer struct{}

func (writer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.writers.gatetest", New: func() caddy.Module { return new(writer) }}
}

func (writer) String() string    { return "memory" }
func (writer) WriterKey() string { return "gatetest" }

func (writer) OpenWriter() (io.WriteCloser, error) { return sink{}, nil }

type sink struct{}

func (sink) Write(p []byte) (int, error) {
	currentMu.Lock()
	m := current
	currentMu.Unlock()
	return m.Write(p)
}

func (sink) Close() error { return nil }

// Upgrade answers a request for a WebSocket with 101 and gives the connection,
// on which no frame is read or written.
func Upgrade(w http.ResponseWriter) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_, _ = io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	return conn, buffered.Flush()
}
