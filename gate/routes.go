package gate

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(MatchRoute{}) }

// RouteTable knows a backend's routes. Tables are data of the backend's own
// room, registered here by name, so that handlers can ask what a route needs
// without knowing which backend they stand before.
type RouteTable interface {
	// Scope returns the scope that a request needs. method is in capitals and
	// path is cleaned. A route that the table does not know needs the
	// strictest scope that the backend has.
	Scope(method, path string) string
}

var routeTables = make(map[string]RouteTable)

// RegisterRouteTable registers a table under a backend's name, while the
// program starts. It panics if the name is taken.
func RegisterRouteTable(name string, table RouteTable) {
	if routeTables[name] != nil {
		panic("route table " + name + " is registered already")
	}
	routeTables[name] = table
}

// MatchRoute matches requests by what the route table of a backend says of
// them, on the cleaned path. Caddyfile syntax:
//
//	@admin agent_route <table> scope <scope>
type MatchRoute struct {
	// Table is the name of the route table, such as "elizaos". An unknown
	// name is an error.
	Table string `json:"table"`
	// Scope is the scope that the route needs.
	Scope string `json:"scope"`

	table RouteTable
}

// CaddyModule returns the Caddy module information.
func (MatchRoute) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.agent_route", New: func() caddy.Module { return new(MatchRoute) }}
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens.
func (m *MatchRoute) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		var word string
		if m.Table != "" || !d.Args(&m.Table, &word, &m.Scope) || word != "scope" || d.NextArg() {
			return d.Err("the matcher is written: agent_route <table> scope <scope>")
		}
	}
	return nil
}

// Provision finds the table.
func (m *MatchRoute) Provision(caddy.Context) error {
	m.table = routeTables[m.Table]
	if m.table == nil {
		return fmt.Errorf("agent_route: no route table %q: there is %s", m.Table,
			strings.Join(slices.Sorted(maps.Keys(routeTables)), ", "))
	}
	return nil
}

// Match reports whether the request's route needs the scope.
func (m *MatchRoute) Match(r *http.Request) bool {
	match, _ := m.MatchWithError(r)
	return match
}

// MatchWithError reports whether the request's route needs the scope.
func (m *MatchRoute) MatchWithError(r *http.Request) (bool, error) {
	req := From(r.Context())
	if req == nil {
		// Before the door the path is not clean, so the answer may not be trusted.
		return false, fmt.Errorf("agent_route: no agent handler stands before this matcher")
	}
	return req.route.scope(m.table, r.Method, r.URL.Path) == m.Scope, nil
}

// routeMemo remembers the last answer of a table, since several matchers ask
// the same of one request.
type routeMemo struct {
	table        RouteTable
	method, path string
	found        string
}

func (memo *routeMemo) scope(table RouteTable, method, path string) string {
	path = strings.TrimSuffix(path, "/") // tables take both forms for one
	if memo.table != table || memo.method != method || memo.path != path {
		*memo = routeMemo{table, method, path, table.Scope(method, path)}
	}
	return memo.found
}

var (
	_ caddy.Provisioner                 = (*MatchRoute)(nil)
	_ caddyfile.Unmarshaler             = (*MatchRoute)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchRoute)(nil)
)
