//go:build !unix

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// lock takes the lock by making the lock file beside path, for want of flock. A holder that is killed leaves it behind; the error then
// says what to do.
func lock(path string, patience time.Duration) (unlock func(), err error) {
	name := path + ".lock"
	for start := time.Now(); ; time.Sleep(lockRetry) {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case err == nil:
			return func() { _ = errors.Join(f.Close(), os.Remove(name)) }, nil
		case !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission):
			return nil, err
		case time.Since(start) > patience:
			return nil, fmt.Errorf("another process holds %s; if none does, one was killed: delete that file: %w", name, err)
		}
	}
}

// keepOwnerAndMode does nothing: access is inherited from the folder.
func keepOwnerAndMode(*os.File, fs.FileInfo) error { return nil }

// syncDir does nothing: a folder cannot be opened to be synced.
func syncDir(string) error { return nil }

// looseMode cannot be told from a mode.
func looseMode(fs.FileMode) bool { return false }

// identity is not known.
func identity(fs.FileInfo) string { return "" }
