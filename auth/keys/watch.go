package keys

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher calls back when a key file or character files change. The calls come one after the other, from one goroutine.
// It decides nothing: when a file is broken or gone, it reports that once and goes on, and the keys that were last handed
// over stay what they are.
type Watcher struct {
	source source
	pace   pace
	notify *fsnotify.Watcher
	stamp  string
	state  [sha256.Size]byte
	asked  chan chan struct{}
	closed chan struct{}
	once   sync.Once
	done   sync.WaitGroup
}

// source is what is watched: which files, and what is made of them.
type source struct {
	// paths returns the files to read; an error stands for the absence of all.
	paths func() ([]string, error)
	// pattern is where new files may appear.
	pattern string
	// accept hands the contents of the files over, or the mistake in them.
	accept func([]contents, error)
}

// contents is a file that was read, or why it was not.
type contents struct {
	path string
	text []byte
	err  error
}

// pace is how often a watcher looks.
type pace struct {
	// poll is how often it looks by itself: events get lost on network file systems, and when a folder is replaced.
	poll time.Duration
	// quiet is how long it waits after an event, so that an editor can finish.
	quiet time.Duration
	// events switches the notifications of the system on.
	events bool
}

var usualPace = pace{poll: time.Second, quiet: 50 * time.Millisecond, events: true}

// Watch hands over the document of a key file: at once, before it returns, and whenever the file changes, within about a
// second. A file that is missing or broken at the start is the error returned, and nothing is watched then; later it
// is told to onError, once for each thing that is wrong. When the file is good again, onLoad tells.
func Watch(f *File, onLoad func(*Document), onError func(error)) (*Watcher, error) {
	return watchFile(f, onLoad, onError, usualPace)
}

// WatchCharacters hands over the keys of character files in the manner of Watch: all of them together, and none while
// one file is broken.
func WatchCharacters(pattern string, scopes []string, onLoad func([]Key), onError func(error)) (*Watcher, error) {
	return watchCharacters(pattern, scopes, onLoad, onError, usualPace)
}

func watchFile(f *File, onLoad func(*Document), onError func(error), p pace) (*Watcher, error) {
	parse := func(files []contents, _ error) (*Document, error) {
		if err := files[0].err; err != nil {
			return nil, f.explain(err)
		}
		doc, err := ParseDocument(files[0].text)
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", f.path, err)
		}
		return doc, nil
	}
	paths := func() ([]string, error) { return []string{f.path}, nil }
	return start(source{paths: paths, pattern: f.path}, parse, onLoad, onError, p)
}

func watchCharacters(pattern string, scopes []string, onLoad func([]Key), onError func(error), p pace) (*Watcher, error) {
	parse := func(files []contents, err error) ([]Key, error) {
		if err != nil {
			return nil, err
		}
		return parseCharacters(files, scopes)
	}
	paths := func() ([]string, error) { return characterPaths(pattern) }
	return start(source{paths: paths, pattern: pattern}, parse, onLoad, onError, p)
}

// start reads for the first time and goes on watching when that went well.
func start[T any](s source, parse func([]contents, error) (T, error), onLoad func(T), onError func(error), p pace) (*Watcher, error) {
	var failed error
	report := func(err error) { failed = err }
	s.accept = func(files []contents, err error) {
		if loaded, err := parse(files, err); err != nil {
			report(err)
		} else {
			onLoad(loaded)
		}
	}
	w := &Watcher{source: s, pace: p, asked: make(chan chan struct{}), closed: make(chan struct{})}
	w.listen()
	w.look(true)
	if failed != nil {
		w.Close()
		return nil, failed
	}
	report = onError
	w.done.Go(w.run)
	return w, nil
}

// Close stops watching and waits until a callback that runs has returned; none comes after it. It may be called twice,
// but not from a callback.
func (w *Watcher) Close() {
	w.once.Do(func() { close(w.closed) })
	w.done.Wait()
	if w.notify != nil {
		_ = w.notify.Close()
	}
}

// Look has the files looked at now and returns when what they hold was handed over: whoever has changed a file need not
// wait for the watcher to notice. After Close it does nothing. It may not be called from a callback.
func (w *Watcher) Look() {
	seen := make(chan struct{})
	select {
	case w.asked <- seen:
		<-seen
	case <-w.closed:
	}
}

func (w *Watcher) run() {
	poll := time.NewTicker(w.pace.poll)
	defer poll.Stop()
	quiet := time.NewTimer(0)
	if !quiet.Stop() {
		<-quiet.C
	}
	defer quiet.Stop()
	var events chan fsnotify.Event
	var lost chan error
	if w.notify != nil {
		events, lost = w.notify.Events, w.notify.Errors
	}
	waiting, reread := false, false
	for {
		select {
		case <-w.closed:
			return
		case event := <-events:
			// The timer is not set again while it runs: a folder that never rests must not keep the change from being seen.
			if !waiting {
				quiet.Reset(w.pace.quiet)
			}
			waiting = true
			reread = reread || w.concerns(event.Name)
		case <-lost:
			reread = true
		case seen := <-w.asked:
			w.look(true)
			close(seen)
		case <-quiet.C:
			w.look(reread)
			waiting, reread = false, false
		case <-poll.C:
			w.look(false)
		}
	}
}

// concerns reports whether an event is about a file that is watched. Then it is read even when its size and times have
// not changed, as can happen to two writes within one tick of the file system's clock.
func (w *Watcher) concerns(name string) bool {
	match, err := filepath.Match(filepath.Base(w.source.pattern), filepath.Base(name))
	return match || err != nil || filepath.Base(name) == filepath.Base(w.source.pattern)
}

// look reads the files when they seem to have changed, or always when told to, and hands them over when they have.
func (w *Watcher) look(reread bool) {
	paths, err := w.source.paths()
	w.follow(paths)
	stamp := stampOf(paths)
	if stamp == w.stamp && !reread {
		return
	}
	w.stamp = stamp
	files := readAll(paths)
	for range vanishedRetries {
		if !vanished(files) {
			break
		}
		paths, err = w.source.paths()
		files = readAll(paths)
	}
	state := stateOf(files, err)
	if state == w.state {
		return
	}
	w.state = state
	w.source.accept(files, err)
}

// vanishedRetries is how often the files are listed anew when one was gone before it could be read, which is no mistake.
const vanishedRetries = 3

func vanished(files []contents) bool {
	return slices.ContainsFunc(files, func(c contents) bool { return errors.Is(c.err, fs.ErrNotExist) })
}

// stampOf sums up what can be seen of the files without reading them.
func stampOf(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&b, "%q %s\n", path, stat(path))
	}
	return b.String()
}

// stateOf sums up what is in the files, or why they could not be read.
func stateOf(files []contents, err error) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%v\n", err)
	for _, file := range files {
		fmt.Fprintf(h, "%q %x %v\n", file.path, sha256.Sum256(file.text), file.err)
	}
	h.Sum(sum[:0])
	return sum
}

func readAll(paths []string) []contents {
	files := make([]contents, len(paths))
	for i, path := range paths {
		files[i].path = path
		files[i].text, files[i].err = readFile(path)
	}
	return files
}
