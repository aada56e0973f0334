package elizaos

import (
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// table is a tree of path segments. Segments are compared without regard to
// case and a trailing slash means nothing, as in the server itself (Express).
type table struct{ root *node }

type node struct {
	static []edge                 // a segment by name
	param  *node                  // any one segment
	routes map[string]*gate.Route // by method; nil where no route ends
	rest   map[string]*gate.Route // of a route that ends in "*"
}

type edge struct {
	segment string
	to      *node
}

const anyMethod = "*"

func compile(routes []route) *table {
	t := &table{root: new(node)}
	for _, r := range routes {
		n, rest := t.root, false
		for segment := range strings.SplitSeq(strings.TrimPrefix(r.path, "/"), "/") {
			switch {
			case segment == "*":
				rest = true
			case strings.HasPrefix(segment, ":"):
				if n.param == nil {
					n.param = new(node)
				}
				n = n.param
			default:
				n = n.child(segment)
			}
		}
		into := &n.routes
		if rest {
			into = &n.rest
		}
		if *into == nil {
			*into = make(map[string]*gate.Route)
		}
		for _, method := range strings.Fields(r.methods) {
			(*into)[method] = &gate.Route{Scope: r.scope, Tiers: r.tiers(), IDs: r.ids(), Reach: r.reach(method)}
		}
	}
	return t
}

func (n *node) child(segment string) *node {
	if to := n.find(segment); to != nil {
		return to
	}
	to := new(node)
	n.static = append(n.static, edge{segment, to})
	return to
}

func (n *node) find(segment string) *node {
	for _, e := range n.static {
		if len(e.segment) == len(segment) && strings.EqualFold(e.segment, segment) {
			return e.to
		}
	}
	return nil
}

// Scopes are all those that routes and events need.
func (t *table) Scopes() []string { return []string{read, chat, upload, admin} }

// Route returns the scope that a request needs, and the tiers that count it. A
// scope of "" means a key and no scope.
func (t *table) Route(method, path string) *gate.Route {
	if gate.IsGet(method) {
		method = "GET"
	}
	if found := t.root.lookup(method, strings.Trim(path, "/")); found != nil {
		return found
	}
	return unknown
}

var unknown = &gate.Route{Scope: admin}

// lookup prefers a segment's name to a parameter, and both to a "*".
func (n *node) lookup(method, path string) *gate.Route {
	if path == "" {
		if found := byMethod(n.routes, method); found != nil {
			return found
		}
		return byMethod(n.rest, method)
	}
	segment, remaining, _ := strings.Cut(path, "/")
	for _, next := range [...]*node{n.find(segment), n.param} {
		if next == nil {
			continue
		}
		if found := next.lookup(method, remaining); found != nil {
			return found
		}
	}
	return byMethod(n.rest, method)
}

func byMethod(routes map[string]*gate.Route, method string) *gate.Route {
	if found := routes[method]; found != nil {
		return found
	}
	return routes[anyMethod]
}
