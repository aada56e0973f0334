//go:build unix

package keys

import (
	"bufio"
	"flag"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLooseModeIsReportedAndKept(t *testing.T) {
	f := newFile(t)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620} {
		require.NoError(t, os.Chmod(f.Path(), mode))
		require.ErrorContains(t, f.CheckMode(), "chmod 600 "+f.Path())
		addKey(t, f, "k"+strconv.FormatUint(uint64(mode), 8))
		info, err := os.Stat(f.Path())
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), "the gate may read it by its group")
	}
	require.NoError(t, os.Chmod(f.Path(), 0o400))
	require.NoError(t, f.CheckMode())
}

func TestOwnerIsKept(t *testing.T) {
	f := newFile(t)
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(f.Path(), 12345, 23456))
	}
	before, err := os.Stat(f.Path())
	require.NoError(t, err)
	addKey(t, f, "ci")
	for _, name := range []string{f.Path(), f.Path() + ".lock"} {
		after, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, before.Sys().(*syscall.Stat_t).Uid, after.Sys().(*syscall.Stat_t).Uid, name)
		require.Equal(t, before.Sys().(*syscall.Stat_t).Gid, after.Sys().(*syscall.Stat_t).Gid, name)
	}
}

func TestSymbolicLinkStays(t *testing.T) {
	f := newFile(t)
	link := filepath.Join(t.TempDir(), "link.json")
	require.NoError(t, os.Symlink(f.Path(), link))
	addKey(t, NewFile(link), "ci")
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeSymlink)
	doc, err := f.Load()
	require.NoError(t, err)
	require.Len(t, doc.Keys, 1)
	require.FileExists(t, f.Path()+".lock", "both names have one lock")
}

func TestLockIsPatientButNotForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	unlock, err := lock(path, time.Second)
	require.NoError(t, err)
	_, err = lock(path, 3*lockRetry)
	require.ErrorContains(t, err, "another process has held "+path+".lock")
	waited := make(chan error)
	go func() {
		again, err := lock(path, time.Minute)
		if err == nil {
			again()
		}
		waited <- err
	}()
	unlock()
	require.NoError(t, <-waited)
}

func startWriter(t testing.TB, f *File, task string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), writerPath+"="+f.Path(), writerTask+"="+task)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

var kills = flag.Int("kills", 100, "how many writers TestKilledWriters kills")

// A writer is killed at random moments. What it said it had written is in the file, the file can always be read, and at
// most one temporary file is left behind. A thousand kills take about half a minute.
func TestKilledWriters(t *testing.T) {
	f := newFile(t)
	for i := range 50 {
		addKey(t, f, "k"+strconv.Itoa(i))
	}
	midWrite := 0
	for range *kills {
		cmd, lines := startWriter(t, f, "count")
		require.True(t, lines.Scan(), "the writer writes")
		start := time.Now()
		require.True(t, lines.Scan(), "the writer goes on writing")
		acknowledged := lines.Text()
		kill := time.AfterFunc(rand.N(2*time.Since(start)), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			acknowledged = lines.Text()
		}
		kill.Stop()
		require.ErrorContains(t, cmd.Wait(), "killed", acknowledged)

		doc, err := f.Load()
		require.NoError(t, err)
		require.Len(t, doc.Keys, 50)
		want, err := strconv.Atoi(acknowledged)
		require.NoError(t, err)
		got, err := strconv.Atoi(doc.Keys[0].Plan)
		require.NoError(t, err)
		require.True(t, got == want || got == want+1, "said %d, wrote %d", want, got)
		if rest := leftovers(t, f); len(rest) > 0 {
			require.Equal(t, []string{".keys.json.tmp"}, rest)
			midWrite++
		}
	}
	require.NotZero(t, midWrite, "no writer was killed while it wrote: the test shows nothing")
	t.Logf("%d of %d writers were killed while they wrote", midWrite, *kills)
	addKey(t, f, "last")
	require.Empty(t, leftovers(t, f), "the next writer cleans up")
}

// Two processes and two goroutines add keys at once, while the file is read without a lock.
func TestConcurrentWritersLoseNothing(t *testing.T) {
	f := newFile(t)
	var stop atomic.Bool
	reads := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			if _, err := f.Load(); err != nil {
				t.Error(err)
				break
			}
		}
		reads <- n
	}()
	first, firstLines := startWriter(t, f, "first")
	second, secondLines := startWriter(t, f, "second")
	local := make(chan struct{})
	for _, name := range []string{"a", "b"} {
		go func() {
			for i := range 20 {
				addKey(t, f, name+strconv.Itoa(i))
			}
			local <- struct{}{}
		}()
	}
	said := slices.Concat(readLines(firstLines), readLines(secondLines))
	require.NoError(t, first.Wait())
	require.NoError(t, second.Wait())
	<-local
	<-local
	stop.Store(true)
	require.NotZero(t, <-reads)
	doc, err := f.Load()
	require.NoError(t, err)
	require.Len(t, said, 2*addedByEach)
	require.Len(t, doc.Keys, 2*addedByEach+40)
	for _, id := range said {
		require.NotNil(t, doc.Key(id), id)
	}
}

func readLines(s *bufio.Scanner) (lines []string) {
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	return lines
}

func TestUnreadableFileSaysWhoMustOwnIt(t *testing.T) {
	f := newFile(t)
	err := f.explain(&fs.PathError{Op: "open", Path: f.Path(), Err: fs.ErrPermission})
	require.ErrorContains(t, err, "the user that runs the gate must own it")
	require.ErrorIs(t, f.explain(io.ErrUnexpectedEOF), io.ErrUnexpectedEOF)
}
