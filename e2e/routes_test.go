package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// tableRoute is a line of the preset's route table.
type tableRoute struct {
	methods string
	path    string
	scope   string
}

// routeTable is the preset's route table as its page shows it, without the
// lines that stand for whatever else there may be.
func routeTable(t *testing.T) []tableRoute {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "endpoints.md"))
	if err != nil {
		t.Fatal(err)
	}
	var table []tableRoute
	for _, line := range regexp.MustCompile("(?m)^\\| ([A-Z ]+) \\| `(/[^`*]+)` \\| ([a-z ]+) \\|").FindAllStringSubmatch(string(page), -1) {
		table = append(table, tableRoute{methods: line[1], path: line[2], scope: line[3]})
	}
	return table
}

// besides is what the server has at paths of its own that is no route: the
// check of its key, and what answers errors below it.
var besides = []string{"USE /api"}

// The router of the real server and the route table have the same routes: one
// that the table does not know would need the scope admin, whoever it is for,
// and one that the server does not have would hide such a gap.
func TestTableHasTheRoutesOfTheServer(t *testing.T) {
	parameter := regexp.MustCompile(`:\w+`)
	table := make(map[string]bool)
	for _, route := range routeTable(t) {
		for _, method := range strings.Fields(route.methods) {
			table[method+" "+parameter.ReplaceAllString(route.path, ":")] = true
		}
	}
	server := make(map[string]bool)
	for _, route := range house.SharedElizaOS(t).Routes(t) {
		if slices.Contains(besides, route) {
			continue
		}
		shape := parameter.ReplaceAllString(route, ":")
		server[shape] = true
		if !table[shape] {
			t.Errorf("the server has %s, which elizaos/routes.go does not know", route)
		}
	}
	for route := range table {
		if !server[route] {
			t.Errorf("elizaos/routes.go has %s, which the server does not know", route)
		}
	}
	t.Logf("%d routes of the server, %d of the table", len(server), len(table))
	if len(server) < 100 {
		t.Error("the server's router was not walked")
	}
}
