package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"
	"github.com/gatehouse-dev/caddy-gatehouse/access/list"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
)

// file is a list in a file, read again whenever the file changes. A file that
// cannot be read, or has nothing in it where a list may not be empty, changes
// nothing: the last good list stays in force.
type file struct {
	path     string
	mayEmpty bool // an empty allow list would lock everybody out
	logger   *zap.Logger
	current  atomic.Pointer[list.List]
	seen     os.FileInfo // of the version that was last read
}

func openFile(path string, mayEmpty bool, logger *zap.Logger) (*file, error) {
	if gate.IsPlaceholder(path) {
		return nil, fmt.Errorf("file %s: no placeholder can stand here: write the path itself", path)
	}
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("file %s: the path must be absolute", path)
	}
	f := &file{path: filepath.Clean(path), mayEmpty: mayEmpty, logger: logger}
	f.changed()
	l, err := f.read()
	if err != nil {
		return nil, err
	}
	f.current.Store(l)
	return f, nil
}

var (
	errEmpty   = errors.New("the allow list is empty, so everybody would be locked out: put networks into it")
	errNothing = errors.New("the file has no content: for an empty list, put a comment into it (# nobody)")
)

func (f *file) read() (*list.List, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("file %s cannot be read, where one network a line should stand: %w", f.path, errors.Unwrap(err))
	}
	defer opened.Close()
	l, err := list.Read(opened)
	if err == nil && l.Len() == 0 {
		err = f.checkEmpty(opened)
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", f.path, err)
	}
	return l, nil
}

// checkEmpty judges a file without networks. A deny list may be emptied, but by
// a file with a comment in it: one of no length is being written just now.
func (f *file) checkEmpty(opened *os.File) error {
	if !f.mayEmpty {
		return errEmpty
	}
	info, err := opened.Stat()
	if err == nil && info.Size() == 0 {
		err = errNothing
	}
	return err
}

// changed reports whether the file is another than when it was last asked for.
func (f *file) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil {
		info = nil
	}
	before := f.seen
	f.seen = info
	if info == nil || before == nil {
		return info != before
	}
	return !os.SameFile(info, before) || info.Size() != before.Size() || !info.ModTime().Equal(before.ModTime())
}

// reload reads the file again.
func (f *file) reload() {
	l, err := f.read()
	if err != nil {
		f.logger.Error("the changed list cannot be used, the last good one stays in force: mend the file", zap.String("file", f.path), zap.Error(err))
		return
	}
	f.current.Store(l)
	f.logger.Info("the list was read again", zap.String("file", f.path), zap.Int("networks", l.Len()))
}

// watcher reloads files when they change. It watches their folders, since
// editors and configuration tools put a new file in the old one's place.
type watcher struct {
	notify *fsnotify.Watcher
	done   sync.WaitGroup
}

func watch(files []*file, logger *zap.Logger) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching the lists: %w", err)
	}
	for _, f := range files {
		if err := notify.Add(filepath.Dir(f.path)); err != nil {
			notify.Close()
			return nil, fmt.Errorf("watching the folder of %s: %w", f.path, err)
		}
	}
	// What changed between reading and watching.
	for _, f := range files {
		if f.changed() {
			f.reload()
		}
	}
	w := &watcher{notify: notify}
	w.done.Go(func() { w.run(files, logger) })
	return w, nil
}

func (w *watcher) run(files []*file, logger *zap.Logger) {
	for {
		select {
		case event, open := <-w.notify.Events:
			if !open {
				return
			}
			if event.Op == fsnotify.Chmod {
				continue
			}
			for _, f := range files {
				// A link in the folder may have been turned (as Kubernetes does with
				// its ..data), so any change in the folder may be one of the file.
				if filepath.Dir(event.Name) == filepath.Dir(f.path) && f.changed() {
					f.reload()
				}
			}
		case err, open := <-w.notify.Errors:
			if !open {
				return
			}
			logger.Error("watching the lists: a change may have been missed", zap.Error(err))
			for _, f := range files {
				f.reload()
			}
		}
	}
}

func (w *watcher) close() error {
	err := w.notify.Close()
	w.done.Wait()
	return err
}
