package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestPagesOfTheWebUI holds that the list of the web UI's files is that of the
// package.
func TestPagesOfTheWebUI(t *testing.T) {
	folder := house.ElizaClientFiles(t)
	var served []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(folder))
		if err == nil && !entry.IsDir() && name != "/index.html" && !strings.HasSuffix(name, ".map") {
			served = append(served, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := os.ReadFile(filepath.Join(house.Root(), "elizaos", "pages.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(strings.Fields(string(listed)), "\n"), strings.Join(served, "\n"); got != want {
		t.Errorf("the list is\n%s\nthe package has\n%s", got, want)
	}
}
