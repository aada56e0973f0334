package house

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// listensOnce fails while the process has two listeners at one address, as
// Caddy has for as long as a configuration is being replaced: what connects then
// may be served by the one before, or be broken off with it. Where there is no
// /proc, nobody can tell.
func (p *Process) listensOnce() error {
	dir := fmt.Sprintf("/proc/%d", p.PID())
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return nil
	}
	own := make(map[string]bool) // its sockets, by their inodes
	for _, file := range files {
		target, _ := os.Readlink(filepath.Join(dir, "fd", file.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(dir, "net", table))
		if err != nil {
			return nil
		}
		seen := make(map[string]bool)
		for line := range strings.Lines(string(text)) {
			const local, state, inode, listens = 1, 3, 9, "0A"
			fields := strings.Fields(line)
			if len(fields) <= inode || fields[state] != listens || !own[fields[inode]] {
				continue
			}
			if seen[fields[local]] {
				return fmt.Errorf("it listens twice at %s (%s)", fields[local], table)
			}
			seen[fields[local]] = true
		}
	}
	return nil
}
