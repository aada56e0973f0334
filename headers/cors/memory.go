package cors

import (
	"maps"
	"sync"
	"sync/atomic"
)

// memory keeps what was decided for the origins that come: a site has few that
// it allows, and their pages make many requests. Others are not kept, so nobody
// can fill it with names.
type memory struct {
	mu   sync.Mutex
	kept atomic.Pointer[map[string]values]
}

// maxKept bounds the origins: `https://*.example.com` allows any number.
const maxKept = 64

func (m *memory) find(origin string) (values, bool) {
	kept := m.kept.Load()
	if kept == nil {
		return values{}, false
	}
	found, ok := (*kept)[origin]
	return found, ok
}

func (m *memory) add(origin string, decided values) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := make(map[string]values)
	if kept := m.kept.Load(); kept != nil {
		if len(*kept) >= maxKept {
			return
		}
		next = maps.Clone(*kept)
	}
	next[origin] = decided
	m.kept.Store(&next)
}
