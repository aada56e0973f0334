package auth

import (
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"go.uber.org/zap"
)

// Keys are the keys in force, with the times of their last use.
func (k *KeyRing) Keys() []keys.Key {
	if found := k.current.Load(); found != nil {
		return found.keys.Keys()
	}
	return nil
}

// Trouble implements gate.Troubled.
func (k *KeyRing) Trouble() string {
	problem := k.Problem()
	if problem == "" {
		return ""
	}
	return "the key file cannot be used, and the last good keys stay in force until it is mended: " + problem
}

// Problem says why the key file cannot be used as it is now, so that the last
// good keys are in force; "" if it can.
func (k *KeyRing) Problem() string {
	if problem := k.problem.Load(); problem != nil {
		return *problem
	}
	k.characters.mu.Lock()
	defer k.characters.mu.Unlock()
	return k.characters.problem
}

// EditError is why a change to the key file cannot be made: a mistake of
// whoever asks for it. The file is as it was.
type EditError struct{ Err error }

func (e *EditError) Error() string { return e.Err.Error() }

// Unwrap is the mistake itself, such as keys.ErrNotFound.
func (e *EditError) Unwrap() error { return e.Err }

// Change changes the key file, and returns when the change is in force. The
// document that edit gets knows when keys were last used. An error of edit, and
// a document that could not be put in force, are an EditError; any other error
// is about the file.
func (k *KeyRing) Change(edit func(*keys.Document, keys.Edit) error) error {
	err := keys.NewFile(k.File).Update(func(doc *keys.Document) error {
		doc.RecordUse(k.Keys())
		err := edit(doc, keys.Edit{Now: time.Now(), Pepper: k.pepper})
		if err == nil {
			_, err = k.ringOf(doc)
		}
		if err != nil {
			return &EditError{err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	k.watcher.Look()
	return nil
}

// recordEvery is how often the times of last use are written down. They are
// written when the configuration ends, too: what a crash can lose is this much.
const recordEvery = 5 * time.Minute

// recordUse writes into the key file when keys were last used, so that a
// restart does not make a key that is in use look forgotten.
func (k *KeyRing) recordUse() {
	if k.current.Load() == nil {
		return // there is no key file
	}
	file := keys.NewFile(k.File)
	live := k.Keys()
	doc, err := file.Load()
	if err != nil || !doc.RecordUse(live) {
		return // a file that cannot be read is complained of elsewhere
	}
	err = file.Update(func(doc *keys.Document) error {
		doc.RecordUse(live)
		return nil
	})
	if err != nil {
		k.logger.Warn("when keys were last used cannot be written into the key file: after a restart a key in use may look forgotten",
			zap.String("file", k.File), zap.Error(err))
	}
}
