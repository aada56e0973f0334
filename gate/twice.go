package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
)

// A site may have several backends, each behind a gate of its own, as long as
// the one that is asked first leaves some requests to the others. Whoever writes
// two `gatehouse` below each other means both, and gets the first alone.

// presetLine is how the places of `gatehouse` are kept, with the upstreams to
// which their requests go.
const presetLine = "gatehouse"

// NotePreset keeps where a preset stands that was just expanded to handlers.
func NotePreset(at caddyfile.Token, handlers []json.RawMessage) {
	if upstreams := answering(handlers); upstreams != nil {
		places.Note(placeOf(at), presetLine+" ... "+strings.Join(upstreams, " "))
	}
}

// answering are the upstreams of a proxy that stands behind an agent_gate and to
// which all requests go that come to the handlers; nil if that is not so.
func answering(handlers []json.RawMessage) []string {
	gated := false
	var look func(handlers []json.RawMessage) []string
	look = func(handlers []json.RawMessage) []string {
		for _, text := range handlers {
			h := readHandler(text)
			switch {
			case h.Handler == "agent_gate":
				gated = true
			case h.Handler == "reverse_proxy" && gated:
				upstreams := []string{} // there may be none, and others than nil
				for _, upstream := range h.Upstreams {
					upstreams = append(upstreams, upstream.Dial)
				}
				return upstreams
			case h.Handler == "subroute":
				for _, route := range h.Routes {
					if route.Match != nil || route.Group != "" {
						continue
					}
					if upstreams := look(route.Handlers); upstreams != nil {
						return upstreams
					}
				}
			}
		}
		return nil
	}
	return look(handlers)
}

// checkTwice finds gates in the site of the handler that is being provisioned
// that no request comes to, since another takes them all.
func checkTwice(server *caddyhttp.Server) error {
	route, index := routeOf(server)
	if route == nil {
		return nil
	}
	if len(newSite(server, index, route).hosts) > 0 || index < 0 {
		return twice([]writtenRoute{{Handlers: route.HandlersRaw}})
	}
	// A site that answers every host is the routes of the server itself.
	var routes []writtenRoute
	for i, route := range server.Routes {
		if len(newSite(server, i, &server.Routes[i]).hosts) > 0 {
			continue
		}
		written := writtenRoute{Group: route.Group, Handlers: route.HandlersRaw}
		for _, set := range route.MatcherSets {
			// They are made already; what they were made of is what they write.
			for _, matcher := range set {
				text, err := json.Marshal(matcher)
				if err != nil {
					text = fmt.Append(nil, i) // like no other
				}
				written.Match = fmt.Appendf(written.Match, "%T %s,", matcher, text)
			}
			written.Match = append(written.Match, ';')
		}
		routes = append(routes, written)
	}
	return twice(routes)
}

// taken are requests that a gate takes all of.
type taken struct {
	match     json.RawMessage // nil: every request
	upstreams []string
}

// twice judges routes that stand in a row, and those inside them.
func twice(routes []writtenRoute) error {
	var mistakes []error
	var byAll []taken
	for _, route := range routes {
		before := &byAll
		if route.Group != "" {
			before = new([]taken) // it may be passed over for another of its group
		}
		for _, text := range route.Handlers {
			mistakes = append(mistakes, twice(readHandler(text).Routes))
			upstreams := answering([]json.RawMessage{text})
			if upstreams == nil {
				continue
			}
			i := slices.IndexFunc(*before, func(t taken) bool { return t.match == nil || sameMatch(t.match, route.Match) })
			if i >= 0 {
				mistakes = append(mistakes, fmt.Errorf("the site has two gates for the same requests, to %s and to %s: the first takes all of them, and the second is never asked; "+
					"to share the load write all addresses in one line, or else give one of the two a matcher, such as `gatehouse /other/* ...`",
					presetAt((*before)[i].upstreams), presetAt(upstreams)))
				continue
			}
			*before = append(*before, taken{route.Match, upstreams})
		}
	}
	return errors.Join(mistakes...)
}

// presetAt are upstreams, with the place of the `gatehouse` that names them.
func presetAt(upstreams []string) string {
	to := strings.Join(upstreams, " ")
	return to + " (" + places.Line(presetLine+" ... "+to) + ")"
}

// sameMatch reports whether two lists of matchers are written alike.
func sameMatch(a, b json.RawMessage) bool {
	if string(a) == string(b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
