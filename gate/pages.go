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

func init() { caddy.RegisterModule(MatchPage{}) }

// Pages is what is known of a backend's web UI.
type Pages struct {
	// Files are the paths of everything that the UI consists of, the index
	// apart, which is /.
	Files []string
	// Data are the beginnings of paths that are never pages of the UI, such as
	// /api.
	Data []string
}

var knownPages = make(map[string]Pages)

// RegisterPages registers a backend's web UI, while the program starts. It
// panics if the name is taken.
func RegisterPages(name string, pages Pages) {
	if _, taken := knownPages[name]; taken {
		panic("the pages of " + name + " are registered already")
	}
	knownPages[name] = pages
}

// webUI is a site's web UI.
type webUI struct {
	on    bool
	files map[string]bool
	data  []Alias // what is under them is no page
}

// IsOn reports whether a word switches something on, as ElizaOS reads its
// ELIZA_UI_ENABLE: true, 1, yes and on do, in any case, and nothing else does.
func IsOn(word string) bool {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

func newWebUI(name, enabled string) (*webUI, error) {
	pages, known := knownPages[name]
	if !known {
		return nil, fmt.Errorf("the web UI of %q is not known: known are those of %s", name, strings.Join(slices.Sorted(maps.Keys(knownPages)), ", "))
	}
	ui := &webUI{on: IsOn(enabled), files: make(map[string]bool)}
	for _, path := range pages.Files {
		ui.files[path] = true
	}
	for _, path := range pages.Data {
		ui.data = append(ui.data, Alias{From: path})
	}
	return ui, nil
}

// page is what a request is to the web UI.
type page uint8

const (
	noPage   page = iota
	pageFile      // a file of the UI, or its index
	pageLink      // a page that the UI makes itself: its index is the answer
)

// see notes what the request is to the UI.
func (ui *webUI) see(r *http.Request, req *Request) {
	if !IsGet(r.Method) {
		return
	}
	isFile := req.path == "/" || req.path == "/index.html" || ui.files[req.path]
	switch {
	case isFile && ui.on:
		req.page = pageFile
	case isFile:
		req.closed = Forbidden("ui", "the web UI is off: set ELIZA_UI_ENABLE=true, or write `ui on`, to serve it to everybody")
	case ui.on && isNavigation(r) && !ui.isData(req.path):
		req.page = pageLink
	}
}

func (ui *webUI) isData(path string) bool {
	return slices.ContainsFunc(ui.data, func(a Alias) bool {
		_, under := a.apply(path)
		return under
	})
}

// OpenPage reports whether the request is for a page that is open to everybody.
// Where the web UI makes the page itself, the request becomes one for its index.
func (req *Request) OpenPage(r *http.Request) bool {
	if req.page == pageLink {
		req.setPath(r, "/")
	}
	return req.page != noPage
}

// MatchPage matches requests for pages of the web UI and its files, while the
// UI is on. Caddyfile syntax:
//
//	@pages agent_page
type MatchPage struct{}

// CaddyModule returns the Caddy module information.
func (MatchPage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.agent_page", New: func() caddy.Module { return new(MatchPage) }}
}

// UnmarshalCaddyfile sets up the matcher from Caddyfile tokens.
func (m *MatchPage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		if d.NextArg() {
			return d.Err("agent_page takes no arguments")
		}
	}
	return nil
}

// MatchWithError reports whether the request is for a page.
func (m *MatchPage) MatchWithError(r *http.Request) (bool, error) {
	req := From(r.Context())
	return req != nil && req.page != noPage, nil
}

var (
	_ caddyfile.Unmarshaler             = (*MatchPage)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchPage)(nil)
)
