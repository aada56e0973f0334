package gatehouse_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors are the rooms of the house, from the ground up. A room imports only
// from floors below its own. CONTRIBUTING.md says what lives in each.
var floors = [][]string{
	{"events"},
	{"gate"},
	{"auth", "ratelimit", "headers", "access", "validate", "securitylog", "backend"},
	{"elizaos", "admin"},
	{""}, // the root package
	{"cmd", "gatetest"},
	{"bench", "e2e", "examples"},
}

// engines know nothing of Caddy, nor of the handlers built on them. Of the
// house they import only engines of floors below.
var engines = []string{"access/list", "admin/doctor", "auth/keys", "auth/pass", "backend/scrub", "backend/sockets", "events/chain", "events/places", "gate/dotenv", "gate/ipaddr", "gate/urlpath", "headers/cors", "headers/policy", "ratelimit/window", "securitylog/detect", "validate/jsonsyntax", "validate/upload"}

const module = "github.com/gatehouse-dev/caddy-gatehouse"

type listed struct {
	ImportPath string
	Name       string
	Doc        string
	GoFiles    []string // without tests
	Imports    []string
}

// packages lists the packages of the module with what their code (not their
// tests) imports.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Doc,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// room is the room that a package belongs to, and its floor.
func room(path string) (name string, floor int) {
	inside, ok := strings.CutPrefix(path, module)
	if !ok {
		return "", -1
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(inside, "/"), "/")
	for floor, rooms := range floors {
		if slices.Contains(rooms, name) {
			return name, floor
		}
	}
	return name, -1
}

func engine(path string) bool {
	return slices.ContainsFunc(engines, func(e string) bool { return path == module+"/"+e })
}

func TestNoArrowRunsUpward(t *testing.T) {
	for _, p := range packages(t) {
		from, floor := room(p.ImportPath)
		if floor < 0 {
			t.Errorf("%s lies in no room of the house plan", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if engine(p.ImportPath) && strings.HasPrefix(imported, "github.com/caddyserver/") {
				t.Errorf("the engine %s imports %s", p.ImportPath, imported)
			}
			if !strings.HasPrefix(imported, module) {
				continue
			}
			to, below := room(imported)
			switch {
			case engine(p.ImportPath) && (!engine(imported) || below >= floor):
				t.Errorf("the engine %s imports %s, which is no engine of a floor below", p.ImportPath, imported)
			case engine(imported) && to != from && floor == below:
				t.Errorf("%s imports the engine of %s, a room of its own floor", p.ImportPath, to)
			case to != from && below >= floor:
				t.Errorf("%s (floor %d) imports %s (floor %d)", p.ImportPath, floor+1, imported, below+1)
			}
		}
	}
}

// TestPackageDocs holds that each package says in a sentence what it is for.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name != "main" && len(p.GoFiles) > 0 && !strings.HasPrefix(p.Doc, "Package "+p.Name+" ") {
			t.Errorf("%s does not say what it is for: its documentation begins %q", p.ImportPath, p.Doc)
		}
	}
}
