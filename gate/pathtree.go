package gate

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pathTree finds, among any number of path patterns, the few that a path may
// match. Each pattern is kept by the text before its first wildcard. Sorted, a
// text is followed by those that it begins, so one search finds the longest
// beginning of a path, and from there each leads to the next shorter one.
type pathTree struct{ nodes []pathNode }

// newPathTree is the tree of a matcher's patterns, each under its number; nil if
// there is none, or one that no tree can hold.
func newPathTree(patterns caddyhttp.MatchPath) *pathTree {
	t := new(pathTree)
	for i, pattern := range patterns {
		if !t.add(pattern, i) {
			return nil
		}
	}
	if t.grow(); len(t.nodes) == 0 {
		return nil
	}
	return t
}

type pathNode struct {
	literal string // without a slash at its end
	shorter int    // the node of the longest beginning of literal; -1 if there is none
	// whole are the numbers of the patterns that are the literal, under those of
	// patterns of what is under it, such as /x/*, and begun those of patterns
	// that go on with a wildcard, such as /x*.
	whole, under, begun []int
}

// add notes a pattern under a number. It reports false, and notes nothing, for
// one that says too little: it has a placeholder or an escape sequence, minds
// double slashes, or begins with a wildcard.
func (t *pathTree) add(pattern string, number int) bool {
	if !strings.HasPrefix(pattern, "/") || strings.ContainsAny(pattern, "{%") || strings.Contains(pattern, "//") {
		return false
	}
	literal := pattern
	if wildcard := strings.IndexAny(pattern, `*?[\`); wildcard >= 0 {
		literal = pattern[:wildcard]
	}
	node := pathNode{literal: strings.ToLower(strings.TrimSuffix(literal, "/"))}
	switch {
	case len(literal) == len(pattern):
		node.whole = []int{number}
	case strings.HasSuffix(literal, "/"):
		node.under = []int{number}
	default:
		node.begun = []int{number}
	}
	t.nodes = append(t.nodes, node)
	return true
}

// grow makes the tree ready, when all patterns are in it.
func (t *pathTree) grow() {
	slices.SortStableFunc(t.nodes, func(a, b pathNode) int { return strings.Compare(a.literal, b.literal) })
	all := t.nodes
	t.nodes = nil
	for _, node := range all {
		last := len(t.nodes) - 1
		if last >= 0 && t.nodes[last].literal == node.literal {
			t.nodes[last].whole = append(t.nodes[last].whole, node.whole...)
			t.nodes[last].under = append(t.nodes[last].under, node.under...)
			t.nodes[last].begun = append(t.nodes[last].begun, node.begun...)
			continue
		}
		for node.shorter = last; node.shorter >= 0 && !strings.HasPrefix(node.literal, t.nodes[node.shorter].literal); {
			node.shorter = t.nodes[node.shorter].shorter
		}
		t.nodes = append(t.nodes, node)
	}
}

// near appends to found, in no order, the numbers of the patterns that may match
// a path, with its trailing slash or without: all that do, and few others.
func (t *pathTree) near(path string, found []int) []int {
	return t.along(strings.TrimSuffix(caddyhttp.NormalizedPath(strings.ToLower(path), true), "/"), found)
}

// along is near for a path that is in normal form, without a slash at its end.
func (t *pathTree) along(path string, found []int) []int {
	at, is := slices.BinarySearchFunc(t.nodes, path, func(n pathNode, path string) int { return strings.Compare(n.literal, path) })
	if !is {
		at--
	}
	for ; at >= 0; at = t.nodes[at].shorter {
		node := &t.nodes[at]
		if !strings.HasPrefix(path, node.literal) {
			continue
		}
		found = append(found, node.begun...)
		if len(path) == len(node.literal) {
			found = append(append(found, node.whole...), node.under...)
		} else if path[len(node.literal)] == '/' {
			found = append(found, node.under...)
		}
	}
	return found
}
