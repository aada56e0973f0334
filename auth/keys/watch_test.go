package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a change may take to be seen on a machine that is busy
// with other things; it says nothing of how soon it is seen elsewhere.
const patience = time.Minute

// told collects what a watcher says. A test waits for the next thing that is said.
type told struct {
	t      testing.TB
	loaded chan []Key
	failed chan error
}

func newTold(t testing.TB) told {
	return told{t: t, loaded: make(chan []Key, 1000), failed: make(chan error, 1000)}
}

func (w told) onDocument(d *Document) { w.loaded <- d.Keys }
func (w told) onKeys(keys []Key)      { w.loaded <- keys }
func (w told) onError(err error)      { w.failed <- err }

func (w told) ids() string {
	w.t.Helper()
	select {
	case keys := <-w.loaded:
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.ID)
		}
		return strings.Join(ids, " ")
	case err := <-w.failed:
		w.t.Fatalf("an error in place of keys: %v", err)
	case <-time.After(patience):
		w.t.Fatal("the change was not seen")
	}
	return ""
}

func (w told) err() error {
	w.t.Helper()
	select {
	case err := <-w.failed:
		return err
	case <-w.loaded:
		w.t.Fatal("keys in place of an error")
	case <-time.After(patience):
		w.t.Fatal("the mistake was not seen")
	}
	return nil
}

func (w told) nothingMore() {
	w.t.Helper()
	require.Empty(w.t, w.loaded)
	require.Empty(w.t, w.failed)
}

// Each way of seeing a change is enough by itself.
var paces = map[string]pace{
	"events": {poll: time.Hour, quiet: time.Millisecond, events: true},
	"poll":   {poll: time.Millisecond},
	"both":   {poll: 20 * time.Millisecond, quiet: 5 * time.Millisecond, events: true},
}

func watching(t *testing.T, f *File, p pace) told {
	t.Helper()
	said := newTold(t)
	w, err := watchFile(f, said.onDocument, said.onError, p)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return said
}

// exchange replaces the file in one step: a file that is written in place can be seen half.
func exchange(t testing.TB, f *File, text string) {
	t.Helper()
	next := f.Path() + ".new"
	require.NoError(t, os.WriteFile(next, []byte(text), 0o600))
	require.NoError(t, os.Rename(next, f.Path()))
}

func TestWatch(t *testing.T) {
	for name, p := range paces {
		t.Run(name, func(t *testing.T) {
			f := newFile(t)
			said := watching(t, f, p)
			require.Empty(t, said.ids(), "the first document comes at once")
			addKey(t, f, "a")
			require.Equal(t, "a", said.ids())
			addKey(t, f, "b")
			require.Equal(t, "a b", said.ids())

			good, err := os.ReadFile(f.Path())
			require.NoError(t, err)
			exchange(t, f, `{"version": 1, "keys": [{"id": "a"}]} `)
			require.ErrorContains(t, said.err(), f.Path())
			exchange(t, f, `{"version": 2, "keys": [{"id": "a"}]} `)
			require.ErrorContains(t, said.err(), "version: this must be 1", "another mistake is told too")

			require.NoError(t, os.Remove(f.Path()))
			require.ErrorIs(t, said.err(), fs.ErrNotExist)
			exchange(t, f, string(good))
			require.Equal(t, "a b", said.ids(), "that all is well again is told, though the keys are the last good ones")
			addKey(t, f, "c")
			require.Equal(t, "a b c", said.ids())
			said.nothingMore()
		})
	}
}

// A change of the same length within one tick of the file system's clock is seen by its event.
func TestWatchReadsWhenTheTimesStandStill(t *testing.T) {
	f := newFile(t)
	addKey(t, f, "a")
	said := watching(t, f, paces["events"])
	require.Equal(t, "a", said.ids())
	info, err := os.Stat(f.Path())
	require.NoError(t, err)
	text, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	for _, id := range []string{"b", "c", "d"} {
		file, err := os.OpenFile(f.Path(), os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString(strings.Replace(string(text), `"id": "a"`, `"id": "`+id+`"`, 1))
		require.NoError(t, err)
		require.NoError(t, os.Chtimes(f.Path(), info.ModTime(), info.ModTime()))
		require.NoError(t, file.Close())
		require.Equal(t, id, said.ids())
	}
}

// Touching a file, and rewriting it with the same text, is no change.
// TestLook holds that whoever asks has the change handed over when Look
// returns, with a watcher that would never notice by itself.
func TestLook(t *testing.T) {
	f := NewFile(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, f.Init())
	seen := 0
	w, err := watchFile(f, func(*Document) { seen++ }, func(err error) { t.Error(err) }, pace{poll: time.Hour, quiet: time.Hour})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, f.Update(func(d *Document) error {
		_, err := d.Add(Key{ID: "a", Scopes: []string{"read"}}, Edit{Now: time.Now()})
		return err
	}))
	w.Look()
	require.Equal(t, 2, seen)
	w.Look()
	require.Equal(t, 2, seen)
	w.Close()
	w.Look() // nobody is there any more, and nobody waits
}

func TestWatchTellsOnlyChanges(t *testing.T) {
	f := newFile(t)
	addKey(t, f, "a")
	said := newTold(t)
	w, err := watchFile(f, said.onDocument, said.onError, paces["poll"])
	require.NoError(t, err)
	w.Close() // from here on it looks when it is told to
	require.Equal(t, "a", said.ids())
	text, err := os.ReadFile(f.Path())
	require.NoError(t, err)

	require.NoError(t, os.Chtimes(f.Path(), noon, noon))
	w.look(false)
	exchange(t, f, string(text))
	w.look(false)
	w.look(true)
	said.nothingMore()
	exchange(t, f, strings.Replace(string(text), `"id": "a"`, `"id": "b"`, 1))
	w.look(false)
	require.Equal(t, "b", said.ids())
	exchange(t, f, "{")
	w.look(false)
	w.look(true)
	require.ErrorContains(t, said.err(), "this is not JSON")
	said.nothingMore()
}

// A file that is gone between being listed and being read is no mistake; one that stays listed is.
func TestWatchListsAnewWhenAFileVanished(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.json")
	listed := 0
	s := source{pattern: gone, paths: func() ([]string, error) {
		if listed++; listed <= 2 {
			return []string{gone}, nil
		}
		return nil, nil
	}}
	count := func(files []contents, _ error) (int, error) { return len(files), nil }
	found := -1
	w, err := start(s, count, func(n int) { found = n }, func(error) {}, paces["poll"])
	require.NoError(t, err)
	w.Close()
	require.Zero(t, found)

	link := filepath.Join(t.TempDir(), "dangling.json")
	require.NoError(t, os.Symlink(gone, link))
	_, err = WatchCharacters(link, nil, func([]Key) {}, func(error) {})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// The file that a link leads to is watched where it lies.
func TestWatchAtTheEndOfALink(t *testing.T) {
	f := newFile(t)
	link := filepath.Join(t.TempDir(), "link.json")
	require.NoError(t, os.Symlink(f.Path(), link))
	said := watching(t, NewFile(link), paces["events"])
	require.Empty(t, said.ids())
	addKey(t, f, "a")
	require.Equal(t, "a", said.ids())
}

// A folder in which something happens all the time does not keep a change from being seen.
func TestWatchInABusyFolder(t *testing.T) {
	f := newFile(t)
	said := watching(t, f, pace{poll: time.Hour, quiet: 200 * time.Millisecond, events: true})
	require.Empty(t, said.ids())
	stop := make(chan struct{})
	var noise sync.WaitGroup
	noise.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(filepath.Dir(f.Path()), "noise.log"), []byte("x"), 0o600)
			}
		}
	})
	addKey(t, f, "a")
	require.Equal(t, "a", said.ids())
	close(stop)
	noise.Wait()
}

// The way of Kubernetes: the file is a link into a folder that is itself a link, and the inner link is exchanged.
func TestWatchThroughExchangedLinks(t *testing.T) {
	for name, p := range paces {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			version := func(n int, id string) {
				real := filepath.Join(dir, fmt.Sprintf("..%d", n))
				require.NoError(t, os.Mkdir(real, 0o700))
				f := NewFile(filepath.Join(real, "keys.json"))
				require.NoError(t, f.Init())
				addKey(t, f, id)
				next := filepath.Join(dir, "..next")
				require.NoError(t, os.Symlink(real, next))
				require.NoError(t, os.Rename(next, filepath.Join(dir, "..data")))
			}
			version(1, "a")
			link := filepath.Join(dir, "keys.json")
			require.NoError(t, os.Symlink(filepath.Join("..data", "keys.json"), link))
			said := watching(t, NewFile(link), p)
			require.Equal(t, "a", said.ids())
			version(2, "b")
			require.Equal(t, "b", said.ids())
			version(3, "c")
			require.Equal(t, "c", said.ids())
		})
	}
}

// A folder that is exchanged as a whole is found again by polling, and its events are heard after that.
func TestWatchAfterTheFolderWasReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gatehouse")
	require.NoError(t, os.Mkdir(dir, 0o700))
	f := NewFile(filepath.Join(dir, "keys.json"))
	require.NoError(t, f.Init())
	said := watching(t, f, paces["both"])
	require.Empty(t, said.ids())
	require.NoError(t, os.RemoveAll(dir))
	require.ErrorIs(t, said.err(), fs.ErrNotExist)
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, f.Init())
	for there := false; !there; { // it may still tell of what has gone, piece by piece
		select {
		case err := <-said.failed:
			require.ErrorIs(t, err, fs.ErrNotExist)
		case keys := <-said.loaded:
			require.Empty(t, keys)
			there = true
		case <-time.After(patience):
			t.Fatal("the new folder was not seen")
		}
	}
	addKey(t, f, "a")
	require.Equal(t, "a", said.ids())
}

func TestWatchStartsOnlyWithAGoodFile(t *testing.T) {
	fail := func(error) { t.Error("told besides being returned") }
	f := NewFile(filepath.Join(t.TempDir(), "keys.json"))
	for _, want := range []string{"does not exist", "this is not JSON"} {
		w, err := Watch(f, func(*Document) { t.Error("loaded") }, fail)
		require.Nil(t, w)
		require.ErrorContains(t, err, want)
		exchange(t, f, "{")
	}
	w, err := WatchCharacters(filepath.Join(t.TempDir(), "*.json"), nil, func([]Key) { t.Error("loaded") }, fail)
	require.Nil(t, w)
	require.ErrorContains(t, err, "there is no such file")
}

func TestCloseEndsTheCalls(t *testing.T) {
	f := newFile(t)
	var closed bool
	inside := make(chan struct{}, 1000)
	w, err := watchFile(f, func(*Document) {
		if closed {
			t.Error("a call after Close")
		}
		inside <- struct{}{}
	}, func(err error) { t.Error(err) }, paces["both"])
	require.NoError(t, err)
	<-inside
	addKey(t, f, "a")
	<-inside
	w.Close()
	closed = true
	w.Close()
	addKey(t, f, "b")
	require.Empty(t, inside)
}

func TestWatchCharacters(t *testing.T) {
	for name, p := range paces {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put := func(name, text string) {
				f := NewFile(filepath.Join(dir, name))
				exchange(t, f, text)
			}
			put("a.json", string(character(`"name": "Eliza"`)))
			said := newTold(t)
			w, err := watchCharacters(filepath.Join(dir, "*.json"), []string{"chat"}, said.onKeys, said.onError, p)
			require.NoError(t, err)
			defer w.Close()
			eliza, other := "character-"+AgentID("Eliza"), "character-"+AgentID("other")
			require.Equal(t, eliza, said.ids())
			put("b.json", strings.Replace(string(character(`"name": "other"`)), "q6B", "r7C", 1))
			require.Equal(t, eliza+" "+other, said.ids())
			put("c.json", `{"name": 1}`)
			require.Equal(t, eliza+" "+other, said.ids(), "a character without a key changes nothing, but was read")
			put("c.json", `{`)
			require.ErrorContains(t, said.err(), "c.json")
			require.NoError(t, os.Remove(filepath.Join(dir, "c.json")))
			require.Equal(t, eliza+" "+other, said.ids())
			require.NoError(t, os.Remove(filepath.Join(dir, "a.json")))
			require.Equal(t, other, said.ids())
			require.NoError(t, os.Remove(filepath.Join(dir, "b.json")))
			require.ErrorContains(t, said.err(), "there is no such file")
			said.nothingMore()
		})
	}
}

func TestUnreadableCharacterIsReported(t *testing.T) {
	_, err := parseCharacters([]contents{{path: "x.json", err: errors.New("no access")}}, nil)
	require.ErrorContains(t, err, "character file x.json: no access")
}

// The usual pace applies a change well within a second.
func TestWatchWithinASecond(t *testing.T) {
	// How long it takes on a busy machine says nothing; how often it looks does.
	require.LessOrEqual(t, usualPace.poll, time.Second, "without a notification, it looks every second")
	require.LessOrEqual(t, usualPace.quiet, time.Second/10, "a notification is acted on at once")
	require.True(t, usualPace.events)
	f := newFile(t)
	said := newTold(t)
	w, err := Watch(f, said.onDocument, said.onError)
	require.NoError(t, err)
	defer w.Close()
	said.ids()
	addKey(t, f, "a")
	require.Equal(t, "a", said.ids())
}
