package auth

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Characters are character files of ElizaOS that are a source of keys: the
// settings.secrets.API_KEY of each becomes a key that is limited to the
// character's agent. Characters without one give no key.
type Characters struct {
	// Files is a pattern of paths, such as /srv/eliza/characters/*.json. A
	// pattern that no file matches is an error.
	Files string `json:"files"`
	// Scopes is what the keys may do. Default: read and chat.
	Scopes []string `json:"scopes,omitempty"`
}

// defaultCharacterScopes are those of somebody who talks with an agent.
var defaultCharacterScopes = []string{"read", "chat"}

// characters are the keys of character files as they were last read.
type characters struct {
	watchers []*keys.Watcher

	mu      sync.Mutex
	keys    [][]keys.Key // by source
	problem string       // why the files as they are now cannot be used
}

func (c *characters) all() []keys.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Concat(c.keys...)
}

func (c *characters) close() {
	for _, watcher := range c.watchers {
		watcher.Close()
	}
}

// parseCharacters reads `characters <glob> [<scope>...]`.
func parseCharacters(d *caddyfile.Dispenser) (c Characters, err error) {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return c, d.Err("characters needs the pattern of the files, like /srv/eliza/characters/*.json")
	}
	c = Characters{Files: args[0], Scopes: args[1:]}
	if _, err := filepath.Match(c.Files, ""); err != nil {
		return c, d.Errf("characters %s: this is no pattern of paths", c.Files)
	}
	return c, nil
}

// watchCharacters reads the character files and begins to watch them. It is
// called before the key file is read, with whose keys theirs are put together.
func (k *KeyRing) watchCharacters() error {
	k.characters.keys = make([][]keys.Key, len(k.Characters))
	var mistakes []error
	for i, source := range k.Characters {
		pattern, err := filepath.Abs(source.Files)
		if err != nil {
			return err
		}
		scopes := source.Scopes
		if len(scopes) == 0 {
			scopes = defaultCharacterScopes
		}
		watcher, err := keys.WatchCharacters(pattern, scopes, func(found []keys.Key) {
			k.characters.mu.Lock()
			k.characters.keys[i] = found
			k.characters.problem = ""
			k.characters.mu.Unlock()
			if err := k.useAgain(); err != nil {
				k.complainOfCharacters(pattern, err)
			}
		}, func(err error) { k.complainOfCharacters(pattern, err) })
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("keys: %w", err), charactersLine, source.Files))
			continue
		}
		k.characters.watchers = append(k.characters.watchers, watcher)
	}
	return errors.Join(mistakes...)
}

// complainOfCharacters says that character files cannot be used, and that the
// last good keys hold.
func (k *KeyRing) complainOfCharacters(pattern string, err error) {
	k.characters.mu.Lock()
	k.characters.problem = err.Error()
	k.characters.mu.Unlock()
	k.logger.Error("the character files cannot be used: the last good keys stay in force until they are mended",
		zap.String("files", pattern), zap.Error(err))
	k.app.Events().Report(events.Event{
		Name: events.KeyFileBroken, Message: "[SECURITY] Key file cannot be used", Level: zapcore.ErrorLevel, Enforced: true,
		Rule: pattern, Reason: err.Error(),
	})
}
