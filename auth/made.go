package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// made remembers which key has made which session, channel and job, for the
// keys that are limited to agents: such a key reaches what it has made itself,
// and nothing else of that sort.
//
// There is one for the process. It is kept in Caddy's storage, an object for
// each key, so that a restart forgets nothing. An object that cannot be read
// costs that key what it has made, and nothing else.
type made struct {
	writing sync.Mutex // held while what is new goes into the storage
	mu      sync.Mutex
	storage certmagic.Storage // of the latest configuration
	logger  *zap.Logger
	keys    map[string]*keyMade // by owner
	// saving is the timer of the next save, nil if there is nothing to save.
	saving *time.Timer
}

// keyMade is what one key has made, the oldest first.
type keyMade struct {
	Owner  string `json:"owner"`
	Things []deed `json:"things"`

	index map[thing]deed
	dirty bool
}

// deed is something that a key has made.
type deed struct {
	thing
	// Agents are those for which it was made.
	Agents []string `json:"agents"`
	// User is who takes part in it besides agents; "" if nobody does.
	User string `json:"user,omitempty"`
}

const (
	// maxMade bounds what is remembered of one key: of more, the oldest is
	// forgotten, and so refused.
	maxMade = 20_000
	// saveAfter is how long what is new may be in memory alone.
	saveAfter = time.Second
)

// mades holds the one made of the process, while a configuration uses it.
var mades = caddy.NewUsagePool()

const madeKey = "made"

// useMade returns the process's made for a configuration, which gives it back
// with mades.Delete(madeKey).
func useMade(storage certmagic.Storage, logger *zap.Logger) *made {
	value, _, _ := mades.LoadOrNew(madeKey, func() (caddy.Destructor, error) {
		return &made{keys: make(map[string]*keyMade)}, nil
	})
	m := value.(*made)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.storage, m.logger = storage, logger
	return m
}

// Destruct saves what is not saved yet.
func (m *made) Destruct() error {
	m.save()
	return nil
}

// find returns what is known of a thing, if the owner has made it.
func (m *made) find(owner string, t thing) (deed, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.of(owner).index[t]
	return d, ok
}

// add remembers what the owner has made. What it has made already, a channel
// that was found again, stays as it was.
func (m *made) add(owner string, d deed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(owner)
	if _, known := k.index[d.thing]; known {
		return
	}
	if len(k.Things) >= maxMade {
		delete(k.index, k.Things[0].thing)
		k.Things = k.Things[1:]
	}
	k.Things = append(k.Things, d)
	k.index[d.thing] = d
	k.dirty = true
	if m.saving == nil {
		m.saving = time.AfterFunc(saveAfter, m.save)
	}
}

// of returns what an owner has made, read from the storage the first time.
func (m *made) of(owner string) *keyMade {
	if k := m.keys[owner]; k != nil {
		return k
	}
	k, err := m.load(owner)
	if err != nil {
		m.logger.Error("what a key has made cannot be read from the storage: its sessions and channels are refused until it makes new ones",
			zap.String("key", owner), zap.String("stored", madeName(owner)), zap.Error(err))
		k = new(keyMade)
	}
	k.Owner = owner
	k.index = make(map[thing]deed, len(k.Things))
	for _, d := range k.Things {
		k.index[d.thing] = d
	}
	m.keys[owner] = k
	return k
}

func (m *made) load(owner string) (*keyMade, error) {
	k := new(keyMade)
	text, err := m.storage.Load(context.Background(), madeName(owner))
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, k); err != nil {
		return nil, err
	}
	if k.Owner != owner || len(k.Things) > maxMade {
		return nil, fmt.Errorf("it holds %d things of %q", len(k.Things), k.Owner)
	}
	for _, d := range k.Things {
		if len(d.Agents) == 0 {
			return nil, errors.New("a thing in it belongs to no agent")
		}
	}
	return k, nil
}

// save writes what has changed, one save after the other.
func (m *made) save() {
	m.writing.Lock()
	defer m.writing.Unlock()
	storage, logger, changed := m.changed()
	for owner, text := range changed {
		if err := storage.Store(context.Background(), madeName(owner), text); err != nil {
			logger.Error("what a key has made cannot be kept in the storage: its sessions and channels are refused after a restart",
				zap.String("key", owner), zap.Error(err))
		}
	}
}

// changed takes what is to be written.
func (m *made) changed() (certmagic.Storage, *zap.Logger, map[string][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saving != nil {
		m.saving.Stop()
		m.saving = nil
	}
	texts := make(map[string][]byte)
	for owner, k := range m.keys {
		if !k.dirty {
			continue
		}
		k.dirty = false
		texts[owner], _ = json.Marshal(k) // strings alone, which always can be
	}
	return m.storage, m.logger, texts
}

// madeName is the name of an owner's object in the storage. Owners' names hold
// what file names may not.
func madeName(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return path.Join("gatehouse", "made", hex.EncodeToString(sum[:16])+".json")
}
