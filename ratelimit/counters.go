package ratelimit

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/zap"
)

// counters are what is counted in this process, whatever configuration is in
// force.
type counters struct {
	table *window.Table
	slots *slots
	store atomic.Pointer[shared] // of the configuration in force, nil without one
	place string                 // of the snapshot in the storage

	mu      sync.Mutex
	storage certmagic.Storage // of the configuration in force; nil before one is
	logger  *zap.Logger
	end     context.CancelFunc // of the keeper
	ended   chan struct{}
}

// One set of counters serves all configurations of the process, which overlap
// while one takes the other's place.
var pool = caddy.NewUsagePool()

const poolKey = "counters"

func openCounters(ctx caddy.Context, logger *zap.Logger) (*counters, error) {
	found, _, err := pool.LoadOrNew(poolKey, func() (caddy.Destructor, error) {
		return restore(ctx, ctx.Storage(), logger)
	})
	if err != nil {
		return nil, err
	}
	return found.(*counters), nil
}

func closeCounters() error {
	_, err := pool.Delete(poolKey)
	return err
}

// restore makes the counters, with what the last process saved.
func restore(ctx context.Context, storage certmagic.Storage, logger *zap.Logger) (*counters, error) {
	// Several processes may share a storage, and each counts for itself.
	id, err := caddy.InstanceID()
	if err != nil {
		return nil, err
	}
	c := &counters{slots: newSlots(), place: "gatehouse/limits/" + id.String() + ".snapshot"}
	snapshot, err := storage.Load(ctx, c.place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		logger.Error("the saved counters cannot be read, so all clients start with empty ones", zap.String("key", c.place), zap.Error(err))
	default:
		if c.table, err = window.Restore(window.Options{}, snapshot); err == nil {
			return c, nil
		}
		logger.Error("the saved counters are damaged, so all clients start with empty ones; the next snapshot takes their place",
			zap.String("key", c.place), zap.Error(err))
	}
	c.table, err = window.New(window.Options{})
	return c, err
}

const (
	sweepEvery = 5 * time.Second
	saveEvery  = time.Minute
)

// keep has the counters swept and saved from now on, to the storage of the
// configuration that has come into force.
func (c *counters) keep(storage certmagic.Storage, logger *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.storage, c.logger = storage, logger
	if c.end != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.end, c.ended = cancel, make(chan struct{})
	go c.keeper(ctx)
}

func (c *counters) keeper(ctx context.Context) {
	defer close(c.ended)
	sweep, save := time.NewTicker(sweepEvery), time.NewTimer(saveEvery)
	defer sweep.Stop()
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			c.table.Sweep()
		case <-save.C:
			began := time.Now()
			c.save(ctx)
			// A large table takes long; saving it may take one part in fifty of
			// the time.
			save.Reset(max(saveEvery, 50*time.Since(began)))
		}
	}
}

// save writes the snapshot.
func (c *counters) save(ctx context.Context) {
	c.mu.Lock()
	storage, logger := c.storage, c.logger
	c.mu.Unlock()
	if err := storage.Store(ctx, c.place, c.table.Save()); err != nil {
		logger.Error("the counters cannot be saved: after a restart all clients would start with empty ones",
			zap.String("key", c.place), zap.Error(err))
	}
}

// Destruct saves the counters for the next process. Those of a configuration
// that was only validated never were in force, and are not saved.
func (c *counters) Destruct() error {
	if c.end == nil {
		return nil
	}
	c.end()
	<-c.ended
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c.save(ctx)
	return nil
}
