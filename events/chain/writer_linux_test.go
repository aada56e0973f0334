package chain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskFull holds that a line which the disk does not take is told, leaves
// the trail whole, and is counted in the next one.
func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	w, _ := opened(t, path)
	appendN(t, w, 1)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := w.file
	w.file = full
	for range 2 {
		if err := w.Append(Field{"event", "lost"}); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%v", err)
		}
	}
	_ = full.Close()
	w.file = file
	appendN(t, w, 1)
	checkFile(t, 2, path)
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), `"lost_before":"2"`) {
		t.Errorf("%s", text)
	}
}
