package keys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func newFile(t testing.TB) *File {
	t.Helper()
	f := NewFile(filepath.Join(t.TempDir(), "keys.json"))
	require.NoError(t, f.Init())
	return f
}

func addKey(t testing.TB, f *File, id string) string {
	t.Helper()
	var minted Minted
	require.NoError(t, f.Update(func(d *Document) (err error) {
		minted, err = d.Add(Key{ID: id, Scopes: []string{"read"}}, Edit{Now: noon})
		return err
	}))
	return minted.Reveal()
}

func TestInitMakesAnEmptyPrivateFile(t *testing.T) {
	f := newFile(t)
	info, err := os.Stat(f.Path())
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, f.CheckMode())
	doc, err := f.Load()
	require.NoError(t, err)
	require.Empty(t, doc.Keys)

	addKey(t, f, "ci")
	require.NoError(t, f.Init())
	doc, err = f.Load()
	require.NoError(t, err)
	require.Len(t, doc.Keys, 1, "Init leaves a file alone")
}

func TestAKeyOfTheFileOpens(t *testing.T) {
	f := newFile(t)
	secret := addKey(t, f, "ci")
	text, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
	doc, err := f.Load()
	require.NoError(t, err)
	r, err := NewRing(doc.Keys, nil)
	require.NoError(t, err)
	k, outcome := r.Find(secret, noon)
	require.Equal(t, Found, outcome)
	require.Equal(t, "ci", k.ID)
}

func TestMissingFileIsAnError(t *testing.T) {
	f := NewFile(filepath.Join(t.TempDir(), "keys.json"))
	_, err := f.Load()
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, f.Path())
	require.ErrorContains(t, err, "gatehouse key add")
	require.ErrorIs(t, f.Update(func(*Document) error { return nil }), fs.ErrNotExist)
	require.ErrorIs(t, f.CheckMode(), fs.ErrNotExist)
	_, err = os.Stat(f.Path())
	require.ErrorIs(t, err, fs.ErrNotExist, "Update makes no file")
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	_, err := NewFile(t.TempDir()).Load()
	require.ErrorContains(t, err, "not a regular file")
}

func TestBrokenFileIsNamedWithItsLine(t *testing.T) {
	f := newFile(t)
	require.NoError(t, os.WriteFile(f.Path(), []byte("{\n  \"version\": 1,\n  \"keys\": [}\n"), 0o600))
	_, err := f.Load()
	require.ErrorContains(t, err, f.Path())
	require.ErrorContains(t, err, "line 3, column 12")
	require.Error(t, f.Update(func(*Document) error { return nil }), "a broken file is not written over")
}

func TestUpdateLeavesTheFileAloneOnErrors(t *testing.T) {
	f := newFile(t)
	addKey(t, f, "ci")
	before, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	mine := errors.New("mine")
	require.Equal(t, mine, f.Update(func(d *Document) error {
		d.Keys = nil
		return mine
	}))
	require.ErrorContains(t, f.Update(func(d *Document) error {
		d.Keys[0].ID = "-"
		return nil
	}), "left as it is")
	after, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Empty(t, leftovers(t, f))
}

func TestUpdateWithoutAChangeWritesNothing(t *testing.T) {
	f := newFile(t)
	addKey(t, f, "ci")
	before, err := os.Stat(f.Path())
	require.NoError(t, err)
	require.NoError(t, f.Update(func(*Document) error { return nil }))
	after, err := os.Stat(f.Path())
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
}

// leftovers are the files beside the key file and its lock.
func leftovers(t testing.TB, f *File) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.Path()))
	require.NoError(t, err)
	base := filepath.Base(f.Path())
	for _, e := range entries {
		if e.Name() != base && e.Name() != base+".lock" {
			names = append(names, e.Name())
		}
	}
	return names
}
