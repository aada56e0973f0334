package gate

import (
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
)

// Dresser is a handler whose headers belong on every response of its site.
// Handlers that Caddy orders before it may answer or fail themselves (redir,
// request_body); then the door has it put its headers on.
type Dresser interface {
	Step
	caddy.Module
	// Dress puts the headers on a response that has not begun.
	Dress(w http.ResponseWriter, r *http.Request, req *Request)
}

// wardrobe holds the dressers of a site.
type wardrobe struct {
	list atomic.Pointer[[]Dresser]
}

// Hang tells the door of a Dresser that is being provisioned. One that some
// requests of the site do not come to, or that is not the only one of its
// kind, is not asked: nobody could tell whether its headers belong on a
// response.
func (d *Door) Hang(dresser Dresser) {
	if slices.Contains(d.site.sometimes, dresser.CaddyModule().ID.Name()) {
		return
	}
	var list []Dresser
	if old := d.wardrobe.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = append(list, dresser)
	d.wardrobe.list.Store(&list)
}

// Dressed notes that a Dresser sees to the response itself.
func (req *Request) Dressed(by Dresser) { req.dressed = append(req.dressed, by) }

// dress has those dressers of the site that the request has not come to put
// their headers on the response.
func (req *Request) dress(w http.ResponseWriter, r *http.Request) {
	if req.door.wardrobe == nil {
		return // the door of no site: plain http
	}
	list := req.door.wardrobe.list.Load()
	if list == nil || len(*list) <= len(req.dressed) {
		return
	}
	for _, dresser := range *list {
		same := func(other Dresser) bool { return other.CaddyModule().ID == dresser.CaddyModule().ID }
		twice := slices.ContainsFunc(*list, func(other Dresser) bool { return other != dresser && same(other) })
		if !twice && !slices.ContainsFunc(req.dressed, same) {
			dresser.Dress(w, r, req)
			req.Dressed(dresser)
		}
	}
}
