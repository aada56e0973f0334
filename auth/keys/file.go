package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File is the place of a key file on disk.
type File struct {
	path string
}

// NewFile returns the key file at a path, which need not exist yet. Nothing is read.
func NewFile(path string) *File {
	return &File{path: path}
}

// Path returns the path as it was given.
func (f *File) Path() string { return f.path }

// maxFileSize is more than a file of a million keys has, and less than what would take the machine down.
const maxFileSize = 1 << 30

// Load reads the file. A missing file is fs.ErrNotExist; every error names the file, and one in its text names the line.
func (f *File) Load() (*Document, error) {
	doc, _, err := f.load()
	return doc, err
}

func (f *File) load() (*Document, []byte, error) {
	text, err := readFile(f.path)
	if err != nil {
		return nil, nil, f.explain(err)
	}
	doc, err := ParseDocument(text)
	if err != nil {
		return nil, nil, fmt.Errorf("key file %s: %w", f.path, err)
	}
	return doc, text, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s has %d bytes; %d are allowed", path, info.Size(), maxFileSize)
	}
	return os.ReadFile(path)
}

func (f *File) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("key file %s does not exist; `gatehouse key add <name> --file %s` makes it: %w", f.path, f.path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("key file %s may not be read by this user (uid %d); the user that runs the gate must own it: %w", f.path, os.Getuid(), err)
	}
	return fmt.Errorf("key file %s: %w", f.path, err)
}

// CheckMode returns an error, meant as a warning, when others than the file's owner may read or write it.
func (f *File) CheckMode() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return f.explain(err)
	}
	if mode := info.Mode().Perm(); looseMode(mode) {
		return fmt.Errorf("key file %s has mode %04o, so others than its owner may read or write it; run: chmod 600 %s", f.path, mode, f.path)
	}
	return nil
}

// Init makes an empty key file, mode 0600, unless there is a file.
func (f *File) Init() error {
	return f.locked(func(path string) error {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text, err := new(Document).Encode()
		if err != nil {
			return err
		}
		return f.replace(path, text, nil)
	})
}

// Update changes the file: it reads it, lets edit change the document, and puts the result in its place. An error of
// edit is returned as it is and leaves the file as it was.
//
// The change is atomic: a reader, and a machine that loses its power, sees the whole old text or the whole new one.
// Writers are kept apart by a lock, also those of other processes, so none undoes another's change; Update waits for it up
// to ten seconds. Owner and mode of the file stay. When nothing changes, nothing is written. A symbolic link is followed,
// and stays.
func (f *File) Update(edit func(*Document) error) error {
	return f.locked(func(path string) error {
		doc, before, err := f.load()
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return f.explain(err)
		}
		if err := edit(doc); err != nil {
			return err
		}
		after, err := doc.Encode()
		if err != nil {
			return fmt.Errorf("key file %s was left as it is: %w", f.path, err)
		}
		if bytes.Equal(before, after) {
			return nil
		}
		return f.replace(path, after, info)
	})
}

// locked runs change with the real path of the file, while this process alone may write it.
func (f *File) locked(change func(path string) error) error {
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		path, err = f.path, nil
	}
	if err != nil {
		return f.explain(err)
	}
	if folder := filepath.Dir(path); missing(folder) {
		return fmt.Errorf("key file %s: there is no folder %s: make it, for the user that runs the gate alone (mode 0700)", f.path, folder)
	}
	unlock, err := lock(path, lockPatience)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("key file %s may not be changed by this user (uid %d): be root, or the user that runs the gate: %w", f.path, os.Getuid(), err)
	}
	if err != nil {
		return fmt.Errorf("key file %s was left as it is: %w", f.path, err)
	}
	defer unlock()
	return change(path)
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

const (
	lockPatience = 10 * time.Second
	lockRetry    = 10 * time.Millisecond
)

// replace puts text in the place of the file by way of a temporary one beside it. The temporary file has one name only,
// which the lock makes safe, so a killed writer leaves at most one behind, and the next one takes it away.
func (f *File) replace(path string, text []byte, old fs.FileInfo) (err error) {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("key file %s was left as it is: %w", f.path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
			err = fmt.Errorf("key file %s was left as it is: %w", f.path, err)
		}
	}()
	if err := writeTemporary(temporary, text, old); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeTemporary(path string, text []byte, old fs.FileInfo) error {
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	if err == nil && old != nil {
		err = keepOwnerAndMode(w, old)
	}
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}
