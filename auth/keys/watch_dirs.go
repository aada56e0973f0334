package keys

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// listen asks the system for notifications. Without them (too many watches, an odd file system) polling is enough.
func (w *Watcher) listen() {
	if !w.pace.events {
		return
	}
	if notify, err := fsnotify.NewWatcher(); err == nil {
		w.notify = notify
	}
}

// follow watches the folders in which files are or may appear: the folder rather than the file, since a file that is
// replaced takes its watch along, and both ends of a symbolic link. A folder that was replaced itself is found again,
// since the system drops the watch of a removed one.
func (w *Watcher) follow(paths []string) {
	if w.notify == nil {
		return
	}
	want := map[string]bool{}
	if dir := filepath.Dir(w.source.pattern); !strings.ContainsAny(dir, `*?[`) {
		want[dir] = true
	}
	for _, path := range paths {
		want[filepath.Dir(path)] = true
		if real, err := filepath.EvalSymlinks(path); err == nil {
			want[filepath.Dir(real)] = true
		}
	}
	watched := map[string]bool{}
	for _, dir := range w.notify.WatchList() {
		watched[dir] = true
		if !want[dir] {
			_ = w.notify.Remove(dir)
		}
	}
	for dir := range want {
		if !watched[dir] {
			_ = w.notify.Add(dir)
		}
	}
}

// stat returns what tells one version of a file from the next without reading it.
func stat(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %d %s %s", info.Size(), info.ModTime().UnixNano(), info.Mode(), identity(info))
}
