//go:build unix

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes the lock file beside path. It is flock's, so the system gives it back when its holder dies in whatever way,
// and it keeps goroutines of one process apart as well. The file stays: removing it would let two writers hold two files
// of one name.
func lock(path string, patience time.Duration) (unlock func(), err error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	shareLock(f, path)
	for start := time.Now(); ; time.Sleep(lockRetry) {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", name, err), f.Close())
		case time.Since(start) > patience:
			return nil, errors.Join(fmt.Errorf("another process has held %s for %s; `fuser %s` names it", name, patience, name), f.Close())
		}
	}
}

// shareLock gives the lock to the owner of the file when root made it, so that the gate can take it later.
func shareLock(f *os.File, path string) {
	info, err := os.Stat(path)
	if err != nil || os.Geteuid() != 0 {
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	_ = f.Chown(int(owner.Uid), int(owner.Gid))
}

// keepOwnerAndMode gives the new file the owner and mode of the one it replaces. A file that the gate can no longer read
// would lock everybody out at its next start, so failing to is an error.
func keepOwnerAndMode(w *os.File, old fs.FileInfo) error {
	info, err := w.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	if was.Uid != is.Uid || was.Gid != is.Gid {
		if err := w.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return fmt.Errorf("it belongs to uid %d, gid %d, and this user cannot keep it so; run this as its owner: %w", was.Uid, was.Gid, err)
		}
	}
	return w.Chmod(old.Mode().Perm())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func looseMode(mode fs.FileMode) bool { return mode&0o077 != 0 }

// identity tells a file from another that took its name within one tick of the clock.
func identity(info fs.FileInfo) string {
	s := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d %d", s.Dev, s.Ino, s.Uid)
}
