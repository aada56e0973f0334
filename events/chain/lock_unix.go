//go:build unix

package chain

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPatience is how long Open waits for a process that is about to end.
const lockPatience = 5 * time.Second

// lock takes the file for this process alone, until it is closed.
func lock(file *os.File) error {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		if time.Since(start) > lockPatience {
			return errors.New("another process writes this audit trail; each gate needs a file of its own")
		}
	}
}
