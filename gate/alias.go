package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
)

// Alias has paths taken for others.
type Alias struct {
	// From is the beginning of paths, such as /agents. It ends where a segment
	// ends: /agents/x is meant and /agentsx is not.
	From string `json:"from"`
	// To stands in its place, such as /api/agents.
	To string `json:"to"`
}

func (a Alias) check() error {
	for _, path := range []string{a.From, a.To} {
		if !urlpath.IsPlain(path) || path == "/" || strings.HasSuffix(path, "/") {
			return fmt.Errorf("alias %s %s: both are paths without a slash at the end, such as `alias /agents /api/agents`", a.From, a.To)
		}
	}
	return nil
}

// apply returns what a path is taken for.
func (a Alias) apply(path string) (string, bool) {
	if !urlpath.Under(path, a.From) {
		return "", false
	}
	return a.To + path[len(a.From):], true
}

// isNavigation reports whether a browser asks for a page to show, and not a
// program for data. Browsers say so themselves (Fetch Metadata); of older ones,
// and over plain http, the media types that they accept tell.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// setPath has the request be one for another path, for every check that
// follows and for the backend.
func (req *Request) setPath(r *http.Request, path string) {
	req.path = path
	r.URL.Path, r.URL.RawPath = path, ""
	r.RequestURI = r.URL.RequestURI()
}

// checkAliases refuses one that another takes all paths from.
func checkAliases(list []Alias) error {
	for i, alias := range list {
		if slices.ContainsFunc(list[:i], func(above Alias) bool { return above.From == alias.From }) {
			return fmt.Errorf("alias %s %s: there is another alias for %s above, which is taken: leave one of them out", alias.From, alias.To, alias.From)
		}
	}
	return nil
}
