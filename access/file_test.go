package access

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"
)

// What watches the files ends with the configuration.
func TestWatcherEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	path := filepath.Join(t.TempDir(), "allow")
	if err := os.WriteFile(path, []byte("10.0.0.0/8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openFile(path, false, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	w, err := watch([]*file{f}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}
