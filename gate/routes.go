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

// Route is what is known of one of a backend's routes. It is shared by all
// requests and never changed.
type Route struct {
	// Scope is what a key needs for it; "" for any key.
	Scope string
	// Tiers are the names of the limits that count its requests.
	Tiers []string
	// Reach is how the agents that a request reaches can be told.
	Reach Reach
	// IDs are the segments of the path that are UUIDs.
	IDs []PathID
}

// PathID is a segment of a route's path that has to be a UUID.
type PathID struct {
	// Segment is the segment's number, counted from 0.
	Segment int
	// Message is the sentence for clients who give something else.
	Message string
}

// RouteTable knows a backend's routes. Tables are data of the backend's own
// room, registered here by name, so that handlers can ask what a route needs
// without knowing which backend they stand before.
type RouteTable interface {
	// Route returns what is known of a request's route. method is in capitals
	// and path is cleaned. A route that the table does not know needs the
	// strictest scope that the backend has.
	Route(method, path string) *Route
	// Field returns what a field of that name names: in a query, and in JSON
	// at any depth. "" is nothing that matters.
	Field(name string) Kind
	// Event returns the scope that a client needs to send an event of that
	// name on a socket.
	Event(name string) (scope string)
	// Scopes are all those that routes and events need.
	Scopes() []string
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

// RouteTableOf returns the table that is registered under a backend's name.
func RouteTableOf(name string) (RouteTable, error) {
	table := routeTables[name]
	if table == nil {
		return nil, fmt.Errorf("no route table %q: there is %s", name, strings.Join(slices.Sorted(maps.Keys(routeTables)), ", "))
	}
	return table, nil
}

// RouteIn returns what a table knows of the request's route.
func (req *Request) RouteIn(table RouteTable, r *http.Request) *Route {
	return req.route.of(table, r.Method, r.URL.Path)
}

// MatchRoute matches requests by what the route table of a backend says of
// them, on the cleaned path. Caddyfile syntax:
//
//	@admin agent_route <table> scope <scope>
//	@uploads agent_route <table> tier <tier>
type MatchRoute struct {
	// Table is the name of the route table, such as "elizaos". An unknown
	// name is an error.
	Table string `json:"table"`
	// Scope matches routes that need this scope. Either it or Tier is given.
	Scope string `json:"scope,omitempty"`
	// Tier matches routes whose requests count in the limit of this name.
	Tier string `json:"tier,omitempty"`

	table RouteTable
}

// CaddyModule returns the Caddy module information.
func (MatchRoute) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.agent_route", New: func() caddy.Module { return new(MatchRoute) }}
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens.
func (m *MatchRoute) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		var word, name string
		if m.Table != "" || !d.Args(&m.Table, &word, &name) || word != "scope" && word != "tier" || d.NextArg() {
			return d.Err("the matcher is written: agent_route <table> scope <scope>, or agent_route <table> tier <tier>")
		}
		if word == "scope" {
			m.Scope = name
		} else {
			m.Tier = name
		}
	}
	return nil
}

// Provision finds the table.
func (m *MatchRoute) Provision(caddy.Context) error {
	var err error
	if m.table, err = RouteTableOf(m.Table); err != nil {
		return fmt.Errorf("agent_route: %w", err)
	}
	if m.Scope != "" && m.Tier != "" {
		return fmt.Errorf("agent_route: give either a scope or a tier, not both")
	}
	return nil
}

// Match reports whether the request's route needs the scope, or counts in the tier.
func (m *MatchRoute) Match(r *http.Request) bool {
	match, _ := m.MatchWithError(r)
	return match
}

// MatchWithError reports whether the request's route needs the scope, or counts
// in the tier.
func (m *MatchRoute) MatchWithError(r *http.Request) (bool, error) {
	req := From(r.Context())
	if req == nil {
		// Before the door the path is not clean, so the answer may not be trusted.
		return false, fmt.Errorf("agent_route: no agent handler stands before this matcher")
	}
	route := req.RouteIn(m.table, r)
	if m.Tier != "" {
		return slices.Contains(route.Tiers, m.Tier), nil
	}
	return route.Scope == m.Scope, nil
}

// routeMemo remembers the last answer of a table, since several matchers ask
// the same of one request.
type routeMemo struct {
	table        RouteTable
	method, path string
	found        *Route
}

func (memo *routeMemo) of(table RouteTable, method, path string) *Route {
	path = strings.TrimSuffix(path, "/") // tables take both forms for one
	if memo.table != table || memo.method != method || memo.path != path {
		*memo = routeMemo{table, method, path, table.Route(method, path)}
	}
	return memo.found
}

var (
	_ caddy.Provisioner                 = (*MatchRoute)(nil)
	_ caddyfile.Unmarshaler             = (*MatchRoute)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchRoute)(nil)
)
