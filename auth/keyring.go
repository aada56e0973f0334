package auth

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(KeyRing)) }

// KeyRing is the keys that all sites share, from a key file that is watched: a
// change holds within a second, without a reload. Requests and streams of a
// key that is revoked or has expired are ended within a second too, also those
// that came under an earlier configuration.
//
// A file that is broken or gone while the gate runs leaves the last good keys
// in force, and the log says so; at the start it is an error. The file is
// written with `gatehouse key`.
type KeyRing struct {
	// File is the path of the key file. Default: there are no shared keys.
	File string `json:"file,omitempty"`

	// Pepper is a placeholder for the pepper under which the hashes of the file
	// are made: {env.NAME} or {file./path}. A literal is refused. Default: what
	// GATEHOUSE_PEPPER is set to; where it is unset, none.
	Pepper string `json:"pepper,omitempty"`

	// Characters are character files whose keys are valid beside those of the
	// key file. They are watched as it is. Default: none.
	Characters []Characters `json:"characters,omitempty"`

	app     *gate.App
	logger  *zap.Logger
	pepper  []byte
	watcher *keys.Watcher

	characters characters
	using      sync.Mutex     // held while keys are put in force
	document   *keys.Document // the key file as it was last read
	started    bool           // the configuration is in force, and changes are told as they come
	wanted     *wanted        // by all sites, once it is
	toldScopes map[string]bool

	current atomic.Pointer[ring]
	problem atomic.Pointer[string] // why the file as it is now cannot be used
	stop    chan struct{}
	stopped sync.WaitGroup
}

// CaddyModule returns the Caddy module information.
func (*KeyRing) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "gatehouse.keys", New: func() caddy.Module { return new(KeyRing) }}
}

// UnmarshalCaddyfile sets up the keys from the global option gatehouse. Syntax:
//
//	keys <path> {
//		pepper <placeholder>
//		characters <glob> [<scope>...]
//	}
func (k *KeyRing) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	d.Next()
	if k.File, err = gate.OneArg(d); err != nil {
		return err
	}
	return gate.Options{
		"pepper": gate.Word(&k.Pepper, checkPepper),
		"characters": {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			source, err := parseCharacters(d)
			k.Characters = append(k.Characters, source)
			return err
		}},
	}.ParseBlock(d)
}

func checkPepper(pepper string) error {
	if !gate.IsPlaceholder(pepper) {
		return errors.New("the pepper may not stand in the clear in the configuration: write {env.GATEHOUSE_PEPPER} or {file./path}")
	}
	return gate.CheckPlaceholder(pepper)
}

// Provision reads the key file and begins to watch it.
func (k *KeyRing) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(k, "keys", k.File)(&err)
	if k.app, err = gate.AppOf(ctx); err != nil {
		return err
	}
	k.logger = ctx.Logger()
	k.app.OnStart(k.warnOfScopes)
	k.app.OnStart(func() error {
		k.app.OnStart(k.account) // after the sites have put their keys in force
		return nil
	})
	if k.File == "" {
		if len(k.Characters) > 0 {
			return errors.New("keys: character files stand beside a key file: name one with `keys <path>`")
		}
		k.beginSweep()
		return nil
	}
	pepper := k.app.Getenv("GATEHOUSE_PEPPER")
	if k.Pepper != "" {
		if err := checkPepper(k.Pepper); err != nil {
			return places.At(fmt.Errorf("keys: %w", err), "pepper", k.Pepper)
		}
		if pepper, err = k.app.Resolve(k.Pepper); err != nil {
			return fmt.Errorf("keys: the pepper: %w", err)
		}
	}
	k.pepper = []byte(pepper)
	events.Conceal(pepper)
	if k.File, err = filepath.Abs(k.File); err != nil {
		return err
	}
	file := keys.NewFile(k.File)
	if err := file.CheckMode(); err != nil {
		k.logger.Warn(err.Error(), zap.String("file", k.File))
	}
	if err := k.watchCharacters(); err != nil {
		return err
	}
	// A file that can be read and holds what cannot be used is as broken as
	// one that cannot be read.
	var first error
	k.watcher, err = keys.Watch(file, func(doc *keys.Document) {
		if err := k.use(doc); err != nil {
			first = err
			k.complain(err)
		}
	}, k.complain)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if k.current.Load() == nil {
		return fmt.Errorf("keys: %s: %w", k.File, first)
	}
	recognize(ctx, &k.current)
	k.beginSweep()
	return nil
}

func (k *KeyRing) beginSweep() {
	k.stop = make(chan struct{})
	k.stopped.Go(k.sweep)
}

// ringOf makes the ring of a document.
func (k *KeyRing) ringOf(doc *keys.Document) (*ring, error) {
	if err := doc.CheckPepper(k.pepper); err != nil {
		return nil, err
	}
	return newRing("file", slices.Concat(doc.Keys, k.characters.all()), k.pepper)
}

// use puts the keys of a document in force.
func (k *KeyRing) use(doc *keys.Document) error {
	k.using.Lock()
	k.document = doc
	k.using.Unlock()
	return k.useAgain()
}

// useAgain puts in force what was read last.
func (k *KeyRing) useAgain() error {
	k.using.Lock()
	defer k.using.Unlock()
	doc := k.document
	if doc == nil {
		return nil // the key file is still to be read
	}
	found, err := k.ringOf(doc)
	if err != nil {
		return err
	}
	succeed(k.File, found.keys)
	k.current.Store(found)
	if k.started {
		k.tellFile("")
	}
	k.warnOfFile()
	k.problem.Store(nil)
	k.app.Streams().Sweep()
	return nil
}

// complain says that the file cannot be used and that the last good keys hold.
func (k *KeyRing) complain(err error) {
	problem := err.Error()
	k.problem.Store(&problem)
	k.logger.Error("the key file cannot be used: the last good keys stay in force until it is mended",
		zap.String("file", k.File), zap.Error(err))
	k.app.Events().Report(events.Event{
		Name: events.KeyFileBroken, Message: "[SECURITY] Key file cannot be used", Level: zapcore.ErrorLevel, Enforced: true,
		Rule: k.File, Reason: err.Error(),
	})
}

// sweep ends the requests of keys that have run out, those that are written in
// sites included, and writes down now and then when keys were used.
func (k *KeyRing) sweep() {
	ticker := time.NewTicker(time.Second / 2)
	defer ticker.Stop()
	uses := time.NewTicker(recordEvery)
	defer uses.Stop()
	for {
		select {
		case <-ticker.C:
			k.app.Streams().Sweep()
		case <-uses.C:
			k.recordUse()
		case <-k.stop:
			return
		}
	}
}

// Cleanup ends the watch. Requests go on under the leases that they have,
// which the ring that follows looks after.
func (k *KeyRing) Cleanup() error {
	k.characters.close()
	if k.watcher != nil {
		k.watcher.Close()
	}
	if k.stop != nil {
		close(k.stop)
		k.stopped.Wait()
		k.recordUse()
	}
	return nil
}

var (
	_ caddy.Provisioner     = (*KeyRing)(nil)
	_ caddy.CleanerUpper    = (*KeyRing)(nil)
	_ caddyfile.Unmarshaler = (*KeyRing)(nil)
	_ gate.Troubled         = (*KeyRing)(nil)
)
