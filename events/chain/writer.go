package chain

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// HeadSuffix is what the name of the head's file has after the trail's.
const HeadSuffix = ".head"

// syncEvery is how long a line may wait until it is on the disk.
const syncEvery = time.Second

// Writer appends to a trail. One process at a time may have it open. It is safe
// for concurrent use.
type Writer struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	file   *os.File
	heads  *os.File
	head   Head
	size   int64 // of the file, as far as lines are whole
	lost   int   // entries that could not be written since the last one that could
	timer  *time.Timer
	closed bool
}

// Open opens a trail for appending and makes it, mode 0600, if it is not there.
// broken says what is wrong with the end of the one that is there, if something
// is; the trail goes on behind it.
func Open(path string) (w *Writer, broken error, err error) {
	w = &Writer{path: path, now: time.Now}
	if broken, err = w.open(Head{}); err != nil {
		return nil, nil, err
	}
	return w, broken, nil
}

// open opens the files. after is what a new trail goes on from.
func (w *Writer) open(after Head) (broken error, err error) {
	file, err := os.OpenFile(w.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if err := lock(file); err != nil {
		return nil, fmt.Errorf("%s: %w", w.path, err)
	}
	head, size, broken, err := endOf(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.path, err)
	}
	heads, err := os.OpenFile(w.path+HeadSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if head.Seq == 0 && after.Seq > 0 {
		head = after // a new file of the same trail
	} else if told, err := readHead(heads); err == nil {
		broken = errors.Join(broken, compare(head, told))
	} else if head.Seq > 0 {
		broken = errors.Join(broken, fmt.Errorf("the file %s, which tells where the trail ends, cannot be read (%w)", w.path+HeadSuffix, err))
	}
	w.file, w.heads, w.head, w.size = file, heads, head, size
	return broken, nil
}

func compare(head, told Head) error {
	switch {
	case told.Seq > head.Seq:
		return fmt.Errorf("its end was cut off: it goes to entry %d, and its head tells of entry %d", head.Seq, told.Seq)
	case told.Seq == head.Seq && told.Hash != head.Hash:
		return fmt.Errorf("its last entry, %d, is not the one that its head tells of", head.Seq)
	}
	return nil
}

// endOf finds the head of a trail that is there, and its size without a last
// line that was cut off in writing.
func endOf(file *os.File) (head Head, size int64, broken error, err error) {
	info, err := file.Stat()
	if err != nil {
		return head, 0, nil, err
	}
	size = info.Size()
	tail := make([]byte, min(size, 2*maxLine))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return head, 0, nil, err
	}
	if end := bytes.LastIndexByte(tail, '\n') + 1; end < len(tail) {
		torn := len(tail) - end
		broken = fmt.Errorf("its last line was cut off in writing: the %d bytes of it were taken away", torn)
		size -= int64(torn)
		tail = tail[:end]
		if err := file.Truncate(size); err != nil {
			return head, 0, nil, err
		}
	}
	if len(tail) == 0 {
		return head, size, broken, nil
	}
	tail = tail[:len(tail)-1]
	h, hash, whole, err := read(tail[bytes.LastIndexByte(tail, '\n')+1:])
	if err != nil {
		return head, 0, nil, fmt.Errorf("its last line cannot be gone on from, since %w: move the file away, and keep it as evidence", err)
	}
	if !whole {
		broken = errors.Join(broken, fmt.Errorf("its last line, entry %d, was changed", h.Seq))
	}
	return Head{h.Seq, hash}, size, broken, nil
}

// ReadHead reads the head that lies beside a trail.
func ReadHead(path string) (Head, error) {
	f, err := os.Open(path + HeadSuffix)
	if err != nil {
		return Head{}, err
	}
	defer f.Close()
	return readHead(f)
}

func readHead(f *os.File) (Head, error) {
	text := make([]byte, 128)
	n, err := f.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Head{}, err
	}
	return ParseHead(string(text[:n]))
}

// Append writes an entry, so that the system has it when Append returns; it is
// on the disk within a second. When the disk is full the entry is lost: Append
// says so, and the next entry that can be written tells how many were.
func (w *Writer) Append(entry ...Field) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fs.ErrClosed
	}
	if w.lost > 0 {
		entry = append(entry, Field{"lost_before", fmt.Sprint(w.lost)})
	}
	text, head := line(w.head, w.now(), entry)
	if _, err := w.file.Write(text); err != nil {
		w.lost++
		// What was written of the line would make the next one unreadable.
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.head, w.lost = head, 0
	w.size += int64(len(text))
	if w.timer == nil {
		w.timer = time.AfterFunc(syncEvery, func() { _ = w.Sync() })
	}
	if _, err := w.heads.WriteAt([]byte(fmt.Sprintf("%-86s\n", head)), 0); err != nil {
		return fmt.Errorf("the entry is written, but not the head of the trail: %w", err)
	}
	return nil
}

// Sync returns when all that was appended is on the disk.
func (w *Writer) Sync() error {
	w.mu.Lock()
	w.timer = nil
	file, heads := w.file, w.heads
	w.mu.Unlock()
	return errors.Join(file.Sync(), heads.Sync())
}

// Head is where the trail ends now.
func (w *Writer) Head() Head {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}

// Reopen goes on in a new file if the one that is open was moved away: its
// first entry follows from the last one of the old file.
func (w *Writer) Reopen() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	open, err := w.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(w.path); err == nil && os.SameFile(open, there) {
		return nil
	}
	old, heads := w.file, w.heads
	if _, err := w.open(w.head); err != nil {
		w.file, w.heads = old, heads
		return err
	}
	return errors.Join(old.Sync(), old.Close(), heads.Close())
}

// Close closes the trail, with everything on the disk.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return errors.Join(w.file.Sync(), w.heads.Sync(), w.file.Close(), w.heads.Close())
}
