package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// releaseCommand is the build of a release, as SECURITY.md has it.
func releaseCommand(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(house.Root(), "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if command, found := strings.CutPrefix(line, "$ CGO_ENABLED=0 go build "); found {
			command, _, _ = strings.Cut(command, " && ")
			return "CGO_ENABLED=0 go build " + command
		}
	}
	t.Fatal("SECURITY.md does not tell how a release is built")
	return ""
}

// Two builds of one state of the tree, in two folders and with different
// surroundings, are one and the same file, and the image is built in the same way.
func TestReproducibleBuild(t *testing.T) {
	command := releaseCommand(t)
	image := example(t, "docker/Dockerfile", nil)
	if flags := strings.TrimSuffix(command, " -o gatehouse ./cmd/gatehouse"); !strings.Contains(image, "RUN "+flags+" -o /gatehouse ./cmd/gatehouse\n") {
		t.Errorf("the Dockerfile builds otherwise than SECURITY.md: %s", flags)
	}
	copied := filepath.Join(t.TempDir(), "elsewhere")
	copyTree(t, house.Root(), copied)
	var sums [][]byte
	for i, dir := range []string{house.Root(), copied} {
		target := filepath.Join(t.TempDir(), "gatehouse")
		script := strings.Replace(command, "-o gatehouse", "-o "+target, 1)
		house.RunScript(t, "curl", "curl", "cd "+dir+" && "+script, []string{"TZ=UTC", "TZ=Asia/Tokyo"}[i], "GOFLAGS=")
		binary, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{dir, os.Getenv("HOME") + "/go/pkg"} {
			if bytes.Contains(binary, []byte(trace)) {
				t.Errorf("the binary tells where it was built: %s", trace)
			}
		}
		sum := sha256.Sum256(binary)
		sums = append(sums, sum[:])
		t.Logf("%x", sum)
		if i == 0 {
			checkBill(t, target)
		}
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("two builds differ: %x and %x", sums[0], sums[1])
	}
}

// copyTree copies the files of the checkout that git knows or would add.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*.caddyfile", "*.json", "*.lua", "*.txt", "go.mod", "go.sum")
	list.Dir = from
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			continue // deleted and not committed yet
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// checkBill checks that the bill of materials names each module of the binary,
// with version and licence, and that the list of licences is that of this build.
func checkBill(t *testing.T, binary string) {
	t.Helper()
	out := house.Tool(t, "sbom", binary)
	var bill struct {
		BOMFormat  string
		Components []struct {
			Name, Version string
			Licenses      []any
			Hashes        []any
		}
	}
	if err := json.Unmarshal([]byte(out), &bill); err != nil {
		t.Fatalf("%v: %.500s", err, out)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	billed := make(map[string]bool)
	for _, component := range bill.Components {
		if len(component.Licenses) == 0 || len(component.Hashes) == 0 {
			t.Errorf("%s has no licence or no hash", component.Name)
		}
		billed[component.Name+" "+component.Version] = true
	}
	for _, module := range info.Deps {
		if !billed[module.Path+" "+module.Version] {
			t.Errorf("%s %s is in the binary and not in the bill", module.Path, module.Version)
		}
	}
	if len(billed) != len(info.Deps) || bill.BOMFormat != "CycloneDX" {
		t.Errorf("%d modules are in the binary, %d in the %s bill", len(info.Deps), len(billed), bill.BOMFormat)
	}
	table := house.Tool(t, "sbom", "-licences", binary)
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "licences.md"))
	if err != nil || string(page) != table {
		t.Errorf("docs/licences.md is not the list of this build (%v): write it anew with the command that stands in it", err)
	}
}
