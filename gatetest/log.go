package gatetest

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Log is everything that was logged since the gate was made.
func (g *Gate) Log() string { return g.log.String() }

// TakeLog returns what has been logged, and forgets it.
func (g *Gate) TakeLog() string { return g.log.take() }

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
// and reloads. Each has the severity that the vocabulary says.
func (g *Gate) Events() []map[string]any {
	g.t.Helper()
	severity := make(map[any]string)
	for _, kind := range events.Vocabulary() {
		severity[string(kind.Name)] = kind.Level.String()
	}
	var found []map[string]any
	for _, line := range g.Lines() {
		if line["logger"] == "gatehouse.security" && !slices.Contains(everyTest, line["event"]) {
			if line["level"] != severity[line["event"]] {
				g.t.Errorf("%v has the level %v, and the vocabulary says %s", line["event"], line["level"], severity[line["event"]])
			}
			found = append(found, line)
		}
	}
	return found
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

func (m *memory) take() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := m.text.String()
	m.text.Reset()
	return text
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
