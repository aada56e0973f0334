// Sbom writes the bill of materials of a Go binary: every module that was
// linked into it, with version, hash and licence, as CycloneDX JSON or, with
// -licences, as a table in Markdown. What it writes depends on the binary
// alone, so that two builds of one commit give one bill.
//
//	go build ./cmd/gatehouse
//	go run -C tools ./sbom ../gatehouse > gatehouse.cdx.json
//	go run -C tools ./sbom -licences ../gatehouse > docs/licences.md
//
// The licences are read from the module cache. A module without a licence that
// the tool knows, or with one that is not accepted below, is an error.
package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licensecheck"
)

// accepted are the licences that a binary under Apache-2.0 may hold. MPL-2.0
// asks no more of it than that changes of those files are published; there are
// none.
var accepted = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "OFL-1.1", "Unlicense", "Zlib"}

// component is one module of the binary.
type component struct {
	path, version, sum string
	licences           []string
}

func main() {
	table := flag.Bool("licences", false, "write a table of licences in Markdown")
	flag.Parse()
	if err := run(*table, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(table bool, binary string) error {
	if binary == "" {
		return errors.New("name a binary")
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	components, err := read(info)
	if err != nil {
		return err
	}
	if table {
		return writeTable(os.Stdout, components)
	}
	return writeBill(os.Stdout, info, components)
}

func read(info *debug.BuildInfo) ([]component, error) {
	dirs, err := moduleDirs()
	if err != nil {
		return nil, err
	}
	var components []component
	var mistakes []error
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		licences, err := licencesIn(dirs[module.Path+"@"+module.Version])
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s %s: %w", module.Path, module.Version, err))
		}
		components = append(components, component{module.Path, module.Version, module.Sum, licences})
	}
	slices.SortFunc(components, func(a, b component) int { return cmp.Compare(a.path, b.path) })
	return components, errors.Join(mistakes...)
}

// moduleDirs are the folders of all modules of the project above this one, by
// path and version.
func moduleDirs() (map[string]string, error) {
	cmd := exec.Command("go", "list", "-m", "-json=Path,Version,Dir", "all")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	dirs := make(map[string]string)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var module struct{ Path, Version, Dir string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[module.Path+"@"+module.Version] = module.Dir
	}
}

// licencesIn names the licences that lie in a module's folder.
func licencesIn(dir string) ([]string, error) {
	if dir == "" {
		return nil, errors.New("it is not in the module cache: run `go mod download`")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		name := strings.ToUpper(file.Name())
		if file.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") && !strings.HasPrefix(name, "UNLICENSE") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			return nil, err
		}
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL && !slices.Contains(found, match.ID) {
				found = append(found, match.ID)
			}
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return nil, errors.New("no licence was recognised in " + dir)
	}
	for _, licence := range found {
		if !slices.Contains(accepted, licence) {
			return found, fmt.Errorf("the licence %s is not among the accepted", licence)
		}
	}
	return found, nil
}

func writeTable(w io.Writer, components []component) error {
	var b strings.Builder
	b.WriteString("# Licences\n\nGatehouse is under Apache-2.0. The binary `gatehouse` holds these modules besides. The table is written by\n" +
		"`go run -C tools ./sbom -licences ../gatehouse`.\n\n| module | version | licence |\n|---|---|---|\n")
	for _, c := range components {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.path, c.version, strings.Join(c.licences, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeBill(w io.Writer, info *debug.BuildInfo, components []component) error {
	bill := cdx.NewBOM()
	bill.Metadata = &cdx.Metadata{Component: &cdx.Component{
		Type: cdx.ComponentTypeApplication, Name: "gatehouse", BOMRef: info.Main.Path,
		PackageURL: "pkg:golang/" + info.Main.Path, Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		Properties: &[]cdx.Property{{Name: "go:version", Value: info.GoVersion}},
	}}
	refs := []string{}
	list := []cdx.Component{}
	for _, c := range components {
		url := "pkg:golang/" + c.path + "@" + c.version
		entry := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: c.path, Version: c.version, BOMRef: url, PackageURL: url}
		// A module's h1 sum is the SHA-256 of the list of its files' hashes.
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.sum, "h1:")); err == nil && len(sum) == 32 {
			entry.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
		}
		choices := cdx.Licenses{}
		for _, id := range c.licences {
			choices = append(choices, cdx.LicenseChoice{License: &cdx.License{ID: id}})
		}
		entry.Licenses = &choices
		list, refs = append(list, entry), append(refs, url)
	}
	bill.Components = &list
	bill.Dependencies = &[]cdx.Dependency{{Ref: info.Main.Path, Dependencies: &refs}}
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bill)
}
