package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"go.uber.org/zap/zapcore"
)

// MemorySuffix is what the name of the memory's file has after the trail's.
const MemorySuffix = ".keys"

// memory is what a trail remembers from one run to the next, by place: what
// keys there were. It is a file beside the trail, since a rotation begins the
// trail anew.
type memory struct {
	path string

	mu     sync.Mutex
	kept   bool // there is one: what a place has that it does not name is new
	places map[string]json.RawMessage
}

// openMemory reads the memory of a trail; fresh says that the trail has no line
// yet, so that there can be none. broken says what is wrong with it.
func openMemory(trail string, fresh bool) (m *memory, broken error) {
	m = &memory{path: trail + MemorySuffix, places: make(map[string]json.RawMessage)}
	text, err := os.ReadFile(m.path)
	if err == nil {
		err = json.Unmarshal(text, &m.places)
	}
	if err == nil {
		m.kept = true
		return m, nil
	}
	m.places = make(map[string]json.RawMessage)
	if fresh && errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	return m, fmt.Errorf("the file %s, which tells what keys there were, cannot be read (%w): what was changed while no gate ran is not told", m.path, err)
}

// write replaces the file as a whole.
func (m *memory) write() error {
	text, err := json.MarshalIndent(m.places, "", "\t")
	if err != nil {
		return err
	}
	// Of a name that nobody can foretell: a link that lies there already would
	// have the gate write to where it leads.
	file, err := os.CreateTemp(filepath.Dir(m.path), "."+filepath.Base(m.path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// memory of the trail; nil if there is no trail.
func (r *Reporter) memory() *memory {
	r.minutes.mu.Lock()
	defer r.minutes.mu.Unlock()
	if r.minutes.audit == nil || r.minutes.audit.trail == nil {
		return nil
	}
	return r.minutes.audit.trail.memory
}

// Recall reads into what the trail remembers of a place. known is false where
// it remembers nothing of any: there is no trail, or it has just begun. A place
// that is not remembered though others are leaves into as it was.
func (r *Reporter) Recall(place string, into any) (known bool) {
	m := r.memory()
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if text := m.places[place]; text != nil && json.Unmarshal(text, into) != nil {
		return false
	}
	return m.kept
}

// Remembered are the places that the trail remembers, in order.
func (r *Reporter) Remembered() []string {
	m := r.memory()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.places))
}

// Remember keeps what there is now of places, beside what it knows of others.
// A place that is nil is forgotten. Without a trail it does nothing.
func (r *Reporter) Remember(places map[string]any) {
	m := r.memory()
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for place, state := range places {
		delete(m.places, place)
		if state == nil {
			continue
		}
		if text, err := json.Marshal(state); err == nil {
			m.places[place] = text
		}
	}
	m.kept = true
	if err := m.write(); err != nil {
		r.Report(Event{
			Name: AuditFailed, Message: "[SECURITY] Audit trail cannot be written", Level: zapcore.ErrorLevel,
			Rule: m.path, Reason: err.Error() + "; changes of keys that are made while no gate runs would be told wrongly",
		})
	}
}
