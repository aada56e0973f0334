package auth

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// caddyStorage keeps the hashes of keys that were made by `key <id> new`.
type caddyStorage struct {
	ctx     caddy.Context
	storage certmagic.Storage
}

func storedName(id string) string { return path.Join("gatehouse", "keys", id+".hash") }

// load returns the hash that is kept for a key, or nil if there is none yet.
func (s caddyStorage) load(id string) (*keys.Hash, error) {
	data, err := s.storage.Load(s.ctx, storedName(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading its hash from Caddy's storage: %w", err)
	}
	hash, err := keys.ParseHash(string(data))
	if err != nil {
		return nil, fmt.Errorf("its hash in Caddy's storage (%s) cannot be read: remove it, and a new key is made at the next start: %w", storedName(id), err)
	}
	return &hash, nil
}

// printKey is where a new key is printed. Not the log: a log is kept.
var printKey io.Writer = os.Stderr

// makeOnStart has the secret of a key made once the configuration is started,
// and not when it is only validated.
func (a *Auth) makeOnStart(id string) {
	a.door.App().OnStart(func() error {
		// Another site may have made it a moment ago.
		hash, err := a.stored.load(id)
		if err != nil {
			return err
		}
		if hash == nil {
			if err := a.makeKey(id); err != nil {
				return fmt.Errorf("making the key %s: %w", id, err)
			}
		}
		known, _, err := a.knownKeys()
		if err != nil {
			return err
		}
		return a.setRing(known)
	})
}

// makeKey makes a secret, keeps its hash and prints it, in that order: a key
// that nobody was shown is lost, a key that was shown and not kept is worse.
func (a *Auth) makeKey(id string) error {
	secret, err := keys.NewSecret()
	if err != nil {
		return err
	}
	hash := keys.HashSecret(secret)
	if err := a.stored.storage.Store(a.stored.ctx, storedName(id), []byte(hash.String())); err != nil {
		return fmt.Errorf("keeping its hash in Caddy's storage: %w", err)
	}
	a.door.App().Events().Report(events.Event{
		Name: events.KeyCreated, Message: "[SECURITY] Key created", Level: zapcore.InfoLevel, KeyID: id, Enforced: true,
		Reason: "the site is started for the first time with `key " + id + " new`",
	})
	minted.Store(a.place+" "+id, true)
	a.logger.Info("a key was made and printed once; to get another, remove its hash from Caddy's storage and start again",
		zap.String("key_id", id), zap.String("stored", storedName(id)))
	_, err = fmt.Fprintf(printKey, "\n  Your new key %q, shown only now:\n\n      %s\n\n", id, secret)
	return err
}
