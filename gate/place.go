package gate

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// A site is judged while its handlers are provisioned, and not when it is
// started, so that `caddy validate` refuses what a start would refuse. At that
// moment its other handlers are half made or not made at all: what they will be
// is read from the JSON of their route.

// place is where a site stands: a route of a server. The index is -1 for all
// that has no hosts of its own: the routes of a site that answers every host,
// which Caddy does not put together, those of handle_errors, and named routes.
type place struct {
	server *caddyhttp.Server
	index  int
}

// routeOf returns the route in which a handler stands while it is provisioned.
// Caddy provisions the matchers of all routes, then the handlers of one after
// the other, and drops the JSON of those that it is done with: the first route
// that still has it is the handler's.
func routeOf(server *caddyhttp.Server) (*caddyhttp.Route, int) {
	for i := range server.Routes {
		if len(server.Routes[i].HandlersRaw) > 0 {
			return &server.Routes[i], i
		}
	}
	if server.Errors != nil {
		for i := range server.Errors.Routes {
			if len(server.Errors.Routes[i].HandlersRaw) > 0 {
				return &server.Errors.Routes[i], -1
			}
		}
	}
	for _, route := range server.NamedRoutes {
		if len(route.HandlersRaw) > 0 {
			return route, -1
		}
	}
	return nil, -1
}

// siteOf is the site of a handler that is being provisioned.
func siteOf(server *caddyhttp.Server) *site {
	route, index := routeOf(server)
	if route != nil {
		if s := newSite(server, index, route); len(s.hosts) > 0 {
			s.guarded = true
			s.read(route.HandlersRaw, false)
			return s
		}
	}
	s := &site{place: place{server, -1}, all: true, guarded: true}
	for i := range server.Routes {
		if route := &server.Routes[i]; len(newSite(server, i, route).hosts) == 0 {
			s.collect(route.Handlers) // those that are made already
			s.read(route.HandlersRaw, len(route.MatcherSets) > 0 || route.Group != "")
		}
	}
	if index < 0 && route != nil {
		s.read(route.HandlersRaw, true)
	}
	return s
}

// written is what counts of a handler as the configuration has it.
type written struct {
	Handler     string         `json:"handler"`
	AllowUnsafe []Accepted     `json:"allow_unsafe"`
	Semicolons  Semicolons     `json:"semicolons"`
	LoggerNames []any          `json:"access_logger_names"`
	Routes      []writtenRoute `json:"routes"`
	Upstreams   []struct {
		Dial string `json:"dial"`
	} `json:"upstreams"`
}

type writtenRoute struct {
	Group    string            `json:"group"`
	Match    json.RawMessage   `json:"match"`
	Handlers []json.RawMessage `json:"handle"`
}

func readHandler(text json.RawMessage) (h written) {
	// Handlers of others may have fields of these names and other types.
	// Those are passed over, and the rest is read.
	_ = json.Unmarshal(text, &h)
	return h
}

// read is collect, for handlers that are not made yet. some tells that not all
// requests of the site come to them.
func (s *site) read(handlers []json.RawMessage, some bool) {
	for _, text := range handlers {
		h := readHandler(text)
		switch h.Handler {
		case "subroute":
			for _, route := range h.Routes {
				s.read(route.Handlers, some || route.Match != nil || route.Group != "")
			}
		case "vars":
			s.addLoggers(h.LoggerNames)
		case "agent_gate":
			if s.accepted == nil {
				s.accepted = h.AllowUnsafe
			}
			if s.semicolons == "" {
				s.semicolons = h.Semicolons
			}
		}
		if some {
			s.sometimes = append(s.sometimes, h.Handler)
		}
	}
}

// wardrobe returns what hangs at a place, and whether this is the first handler
// of ours to ask.
func (a *App) wardrobe(at place) (w *wardrobe, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w = a.wardrobes[at]
	if w == nil {
		w, first = new(wardrobe), true
		a.wardrobes[at] = w
	}
	return w, first
}

// Judge returns what a dangerous setting of the handler that is being
// provisioned means: an error that refuses the configuration, or nil where the
// site accepts it, which is then an event of every start.
func (d *Door) Judge(name Finding, danger error) error {
	return d.app.judge(d.site, name, danger)
}

// Exposed returns the addresses that the handler's server listens on and that
// others than this machine can reach.
func (d *Door) Exposed() []string {
	if d.server == nil {
		return nil
	}
	var exposed []string
	for _, listen := range d.server.Listen {
		if addr, err := caddy.ParseNetworkAddress(listen); err != nil || !isLoopback(addr) {
			exposed = append(exposed, listen)
		}
	}
	return exposed
}

// isLoopback reports whether only this machine can reach an address: loopback,
// and unix sockets.
func isLoopback(addr caddy.NetworkAddress) bool {
	if addr.IsUnixNetwork() {
		return true
	}
	if !strings.HasPrefix(addr.Network, "tcp") && !strings.HasPrefix(addr.Network, "udp") {
		return false // a descriptor, say: nobody knows
	}
	return ipaddr.IsLoopback(addr.Host)
}
