package elizaos

import "strings"

// table is a tree of path segments. Segments are compared without regard to
// case and a trailing slash means nothing, as in the server itself (Express).
type table struct{ root *node }

type node struct {
	static []edge            // a segment by name
	param  *node             // any one segment
	scopes map[string]string // by method; nil where no route ends
	rest   map[string]string // of a route that ends in "*"
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
		into := &n.scopes
		if rest {
			into = &n.rest
		}
		if *into == nil {
			*into = make(map[string]string)
		}
		for _, method := range strings.Fields(r.methods) {
			(*into)[method] = r.scope
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

// Scope returns the scope that a request needs; "" means a key and no scope.
func (t *table) Scope(method, path string) string {
	if method == "HEAD" {
		method = "GET"
	}
	scope, ok := t.root.lookup(method, strings.Trim(path, "/"))
	if !ok {
		return admin
	}
	return scope
}

// lookup prefers a segment's name to a parameter, and both to a "*".
func (n *node) lookup(method, path string) (scope string, ok bool) {
	if path == "" {
		if scope, ok = byMethod(n.scopes, method); ok {
			return scope, true
		}
		return byMethod(n.rest, method)
	}
	segment, remaining, _ := strings.Cut(path, "/")
	for _, next := range [...]*node{n.find(segment), n.param} {
		if next == nil {
			continue
		}
		if scope, ok = next.lookup(method, remaining); ok {
			return scope, true
		}
	}
	return byMethod(n.rest, method)
}

func byMethod(scopes map[string]string, method string) (string, bool) {
	if scope, ok := scopes[method]; ok {
		return scope, true
	}
	scope, ok := scopes[anyMethod]
	return scope, ok
}
