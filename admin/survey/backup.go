package survey

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
)

// lookForBackup looks at the newest file of a folder, or at the file itself.
// nil: nobody said where.
func lookForBackup(where string) *doctor.Backup {
	if where == "" {
		return nil
	}
	b := &doctor.Backup{Where: where}
	err := filepath.WalkDir(where, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.ModTime().After(b.Changed) {
			b.Path, b.Changed, b.Size = path, info.ModTime(), info.Size()
			b.Readable = info.Mode().Perm()&0o004 != 0
		}
		return err
	})
	switch {
	case err != nil:
		b.Problem = err.Error()
	case b.Path == "":
		b.Problem = "no file is there"
	default:
		b.Encrypted, b.Names = contents(b.Path)
	}
	return b
}

// encryptions are how files begin that are encrypted.
var encryptions = [][]byte{[]byte("age-encryption.org/"), []byte("-----BEGIN AGE ENCRYPTED FILE"), []byte("-----BEGIN PGP MESSAGE"), []byte("Salted__")}

// maxNames bounds what is read of an archive.
const maxNames = 100_000

// contents lists an archive of tar, compressed or not; nil: it is something else.
func contents(path string) (encrypted bool, names []string) {
	f, err := os.Open(path)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	file := bufio.NewReader(f)
	head, _ := file.Peek(64)
	for _, begin := range encryptions {
		if bytes.HasPrefix(head, begin) {
			return true, nil
		}
	}
	var archive io.Reader = file
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		if archive, err = gzip.NewReader(file); err != nil {
			return false, nil
		}
	}
	for files := tar.NewReader(archive); len(names) < maxNames; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return false, names
		}
		if err != nil {
			return false, nil
		}
		names = append(names, header.Name)
	}
	return false, names
}
