package auth

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Changes of keys are told against what was told last: by this process, and,
// where there is an audit trail, against what the trail remembers, so that it
// has those too that were made while no gate ran, or by a configuration that
// never started.

// lastTold is what this process has told of key files, by path. The rings of
// two configurations may see a change at the same time, and one of them tells.
var lastTold = struct {
	sync.Mutex
	files map[string]keys.Memo
}{files: make(map[string]keys.Memo)}

// accounted tells the first configuration of the process from those that follow.
var accounted atomic.Bool

// whileAway is what an event says of a change that nobody saw happen.
const whileAway = ", while no gate ran"

// account tells what has become of all keys since they were last told, and has
// the trail remember what there is. It runs when the configuration is started.
func (k *KeyRing) account() error {
	when := ""
	if !accounted.Swap(true) {
		when = whileAway
	}
	now := make(map[string]any)
	if k.File != "" {
		k.using.Lock()
		k.started = true
		now[k.File] = k.tellFile(when)
		k.using.Unlock()
	}
	for place, known := range keysOfSites(k.app) {
		now[place], _ = tellChanges(k.app, place, nil, known, when)
	}
	retire(now)
	for _, place := range k.app.Events().Remembered() {
		if _, there := now[place]; !there {
			tellChanges(k.app, place, nil, nil, when)
			now[place] = nil
		}
	}
	k.app.Events().Remember(now)
	return nil
}

// tellFile tells what has become of the keys of the key file. k.using is held.
func (k *KeyRing) tellFile(when string) keys.Memo {
	lastTold.Lock()
	defer lastTold.Unlock()
	known := k.current.Load().keys.Keys()
	memo, changes := tellChanges(k.app, k.File, lastTold.files[k.File], known, when)
	if changes > 0 {
		k.logger.Info("the key file has changed and is in force", zap.String("file", k.File), zap.Int("keys", len(known)))
		k.app.Events().Remember(map[string]any{k.File: memo})
	}
	lastTold.files[k.File] = memo
	return memo
}

// keysOfSites are the keys that the sites of a configuration have written in
// them, by site; a further agent_auth of a site is a place of its own.
func keysOfSites(app *gate.App) map[string][]keys.Key {
	started.mu.Lock()
	defer started.mu.Unlock()
	if started.app != app {
		return nil
	}
	known := make(map[string][]keys.Key)
	for place, rings := range started.rings {
		for i, ring := range rings {
			if i > 0 {
				known[fmt.Sprintf("%s (%d)", place, i+1)] = ring.Keys()
			} else {
				known[place] = ring.Keys()
			}
		}
	}
	return known
}

// tellChanges reports what has happened to the keys of a place, whoever changed
// them. It returns the memo of those that there are, and how many changes it
// told of. told is what this process has told of them; nil is nothing.
func tellChanges(app *gate.App, place string, told keys.Memo, known []keys.Key, when string) (memo keys.Memo, count int) {
	memo = keys.NewMemo(known)
	var remembered keys.Memo
	switch {
	case app.Events().Recall(place, &remembered):
		told = remembered
	case told == nil:
		return memo, 0
	}
	changes := told.Changes(known, time.Now())
	for _, change := range changes {
		if change.Kind == keys.KeyAdded && wasMinted(place, change.Key) {
			continue // told when it was made
		}
		e := changeEvents[change.Kind]
		e.KeyID, e.Enforced, e.Rule, e.Reason = change.Key, true, place, string(change.Kind)
		if change.Secret != "" {
			e.Reason += ": secret " + change.Secret
		}
		e.Reason += when
		app.Events().Report(e)
	}
	return memo, len(changes)
}

// minted are the keys that were made at a start, by site and id.
var minted sync.Map

func wasMinted(place, id string) bool {
	_, ok := minted.LoadAndDelete(place + " " + id)
	return ok
}

// changeEvents are the events of changes to keys.
var changeEvents = map[keys.ChangeKind]events.Event{
	keys.KeyAdded:      {Name: events.KeyCreated, Message: "[SECURITY] Key created", Level: zapcore.InfoLevel},
	keys.SecretAdded:   {Name: events.KeyCreated, Message: "[SECURITY] Key rotated", Level: zapcore.InfoLevel},
	keys.KeyRevoked:    {Name: events.KeyRevoked, Message: "[SECURITY] Key revoked", Level: zapcore.WarnLevel},
	keys.SecretRevoked: {Name: events.KeyRevoked, Message: "[SECURITY] Secret of a key revoked", Level: zapcore.WarnLevel},
	keys.KeyRemoved:    {Name: events.KeyDeleted, Message: "[SECURITY] Key removed", Level: zapcore.WarnLevel},
	keys.RightsChanged: {Name: events.RightsChanged, Message: "[SECURITY] Rights of a key changed", Level: zapcore.WarnLevel},
	keys.EndChanged:    {Name: events.RightsChanged, Message: "[SECURITY] End of a secret changed", Level: zapcore.WarnLevel},
}
