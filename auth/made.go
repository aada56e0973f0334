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
	"slices"
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
// each key, so that a restart forgets nothing. Several processes may share the
// storage: each adds what it knows to what is there, and looks there for what it
// does not know. An object that cannot be read costs that key what it has made,
// and nothing else.
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
	read  time.Time // from the storage
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
	// readAgainAfter is how long what a key has made elsewhere may be unknown
	// here once it is in the storage.
	readAgainAfter = time.Second
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
	k := m.of(owner)
	d, ok := k.index[t]
	storage, logger := m.storage, m.logger
	known := ok || time.Since(k.read) < readAgainAfter
	if !known {
		k.read = time.Now()
	}
	m.mu.Unlock()
	if known {
		return d, ok
	}
	// It may have been made through another gate since.
	things, err := load(context.Background(), storage, owner)
	if err != nil {
		logger.Error("what a key has made through other gates cannot be read from the storage: it is refused here",
			zap.String("key", owner), zap.String("stored", madeName(owner)), zap.Error(err))
		return deed{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k.put(merge(things, k.Things))
	d, ok = k.index[t]
	return d, ok
}

// merge puts what one knows behind what another knows of the same key. Of more
// than may be remembered the first are forgotten.
func merge(first, then []deed) []deed {
	known := make(map[thing]bool, len(first))
	for _, d := range first {
		known[d.thing] = true
	}
	all := slices.Clone(first)
	for _, d := range then {
		if !known[d.thing] {
			all = append(all, d)
		}
	}
	return all[max(0, len(all)-maxMade):]
}

// put has the key have made these things.
func (k *keyMade) put(things []deed) {
	k.Things = things
	k.index = make(map[thing]deed, len(things))
	for _, d := range things {
		k.index[d.thing] = d
	}
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
	things, err := load(context.Background(), m.storage, owner)
	if err != nil {
		m.logger.Error("what a key has made cannot be read from the storage: its sessions and channels are refused until it makes new ones",
			zap.String("key", owner), zap.String("stored", madeName(owner)), zap.Error(err))
	}
	k := &keyMade{Owner: owner, read: time.Now()}
	k.put(things)
	m.keys[owner] = k
	return k
}

// errDamaged is of what is there and says nothing of an owner.
var errDamaged = errors.New("what is stored cannot be understood")

// load reads what the storage holds of an owner.
func load(ctx context.Context, storage certmagic.Storage, owner string) ([]deed, error) {
	text, err := storage.Load(ctx, madeName(owner))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	things, err := parseMade(owner, text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return things, nil
}

func parseMade(owner string, text []byte) ([]deed, error) {
	var k keyMade
	if err := json.Unmarshal(text, &k); err != nil {
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
	return k.Things, nil
}

// save writes what has changed, one save after the other.
func (m *made) save() {
	m.writing.Lock()
	defer m.writing.Unlock()
	storage, logger, changed := m.changed()
	for owner, things := range changed {
		stored, err := store(storage, owner, things)
		if err != nil {
			logger.Error("what a key has made cannot be kept in the storage: its sessions and channels are refused after a restart, and by other gates, unless a later attempt succeeds",
				zap.String("key", owner), zap.Error(err))
		}
		m.stored(owner, stored, err == nil)
	}
}

// stored takes note of what the storage holds of an owner now, or that it has to
// be tried again.
func (m *made) stored(owner string, things []deed, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.keys[owner]
	if !ok {
		k.dirty = true
		return
	}
	k.read = time.Now()
	k.put(merge(things, k.Things)) // with what has come meanwhile
}

// storeWithin is how long it may take to write what one key has made. Another
// gate may be writing it.
const storeWithin = 20 * time.Second

// store adds what an owner has made to what the storage holds of it, and returns
// all of it. What is there and cannot be read is written over.
func store(storage certmagic.Storage, owner string, things []deed) ([]deed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	name := madeName(owner)
	if err := storage.Lock(ctx, name); err != nil {
		return nil, err
	}
	defer func() { _ = storage.Unlock(context.WithoutCancel(ctx), name) }() // one that is left behind grows stale
	there, err := load(ctx, storage, owner)
	if err != nil && !errors.Is(err, errDamaged) {
		return nil, err
	}
	things = merge(there, things)
	text, err := json.Marshal(&keyMade{Owner: owner, Things: things})
	if err != nil {
		return nil, err
	}
	return things, storage.Store(ctx, name, text)
}

// changed takes what is to be written.
func (m *made) changed() (certmagic.Storage, *zap.Logger, map[string][]deed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saving != nil {
		m.saving.Stop()
		m.saving = nil
	}
	changed := make(map[string][]deed)
	for owner, k := range m.keys {
		if k.dirty {
			k.dirty = false
			changed[owner] = slices.Clone(k.Things)
		}
	}
	return m.storage, m.logger, changed
}

// madeName is the name of an owner's object in the storage. Owners' names hold
// what file names may not.
func madeName(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return path.Join("gatehouse", "made", hex.EncodeToString(sum[:16])+".json")
}
