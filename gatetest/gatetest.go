// Package gatetest runs the gate inside a test: it loads a Caddyfile into this
// process, with a backend of its own behind it, sends requests, and reads
// responses, what the backend saw, and the log with its security events.
//
// Caddy is one per process, so tests that use it do not run in parallel.
package gatetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/gatehouse-dev/caddy-gatehouse"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest/port"
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
	storage string // Caddy's, of this gate alone
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
	g := &Gate{Addr: fmt.Sprintf("127.0.0.1:%d", Port(t)), Backend: newBackend(t), t: t, log: openMemory(), storage: t.TempDir()}
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
	return g.load(config)
}

// load returns when the configuration that was replaced listens no longer: Caddy
// lets go of its listeners in the background, and until then it might be the one
// that answers.
func (g *Gate) load(config []byte) error {
	err := caddy.Load(config, true)
	_, port, _ := net.SplitHostPort(g.Addr)
	Await(g.t, "the configuration before lets go of its listener", func() bool {
		return caddy.ListenerUsage("tcp", g.Addr) <= 1 && caddy.ListenerUsage("tcp", ":"+port) <= 1
	})
	return err
}

// LoadJSON loads a JSON configuration as it is, but for the admin endpoint and
// the log, which are the test's.
func (g *Gate) LoadJSON(config []byte) error {
	config, err := g.tame(config)
	if err != nil {
		return err
	}
	return g.load(config)
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
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	// A long request may be answered before all of it is written.
	_, unwritten := io.WriteString(conn, request)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		g.t.Fatal(errors.Join(unwritten, err))
	}
	response := read(g.t, res)
	if res.Close {
		// The server closes it when all of its handlers have returned: what they do
		// after the answer (counts, places given back, lines of the log) is done then.
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			g.t.Errorf("the gate has answered with %d and does not close the connection", res.StatusCode)
		}
	}
	return response
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

// Port returns a free TCP port.
func Port(t testing.TB) int {
	t.Helper()
	free, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return free
}
