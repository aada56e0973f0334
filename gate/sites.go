package gate

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// site is what a route of a server leads to, seen from outside: the hosts that
// it answers, and what stands in it of ours.
type site struct {
	place
	hosts []caddyhttp.MatchHost
	all   bool // it answers every host

	guarded  bool  // an agent handler stands in it
	gate     *Gate // its agent_gate, if it has one
	accepted []Accepted
	// semicolons is what its agent_gate does with paths that have one.
	semicolons Semicolons
	// sometimes are the names of handlers that some of the site's requests come
	// to and others do not. Only siteOf finds them.
	sometimes []string
	guards    []Guard
	loggers   []string // names that its log_name gives to access loggers
}

// sitesOf are the sites of a server, in the order in which it asks them.
func sitesOf(server *caddyhttp.Server) []*site {
	var sites []*site
	for i := range server.Routes {
		s := newSite(server, i, &server.Routes[i])
		s.collect(server.Routes[i].Handlers)
		sites = append(sites, s)
	}
	return sites
}

// newSite is a site of which nothing is known but whom it answers.
func newSite(server *caddyhttp.Server, index int, route *caddyhttp.Route) *site {
	s := &site{place: place{server, index}, all: len(route.MatcherSets) == 0}
	for _, set := range route.MatcherSets {
		hosts := hostsOf(set)
		s.hosts = append(s.hosts, hosts...)
		s.all = s.all || len(hosts) == 0
	}
	return s
}

func hostsOf(set caddyhttp.MatcherSet) []caddyhttp.MatchHost {
	var hosts []caddyhttp.MatchHost
	for _, matcher := range set {
		switch m := matcher.(type) {
		case caddyhttp.MatchHost:
			hosts = append(hosts, m)
		case *caddyhttp.MatchHost:
			hosts = append(hosts, *m)
		}
	}
	return hosts
}

func (s *site) collect(handlers []caddyhttp.MiddlewareHandler) {
	for _, handler := range handlers {
		switch h := handler.(type) {
		case *caddyhttp.Subroute:
			for _, route := range h.Routes {
				s.collect(route.Handlers)
			}
		case *caddyhttp.VarsMiddleware:
			names, _ := (*h)[caddyhttp.AccessLoggerNameVarKey].([]any)
			s.addLoggers(names)
		case *Gate:
			if s.gate == nil {
				s.gate, s.accepted, s.semicolons = h, h.AllowUnsafe, h.Semicolons
			}
		}
		if _, ok := handler.(Step); ok {
			s.guarded = true
		}
		if guard, ok := handler.(Guard); ok {
			s.guards = append(s.guards, guard)
		}
	}
}

// key is the place under which is kept what is known of the site.
func (s *site) key() place {
	if len(s.hosts) == 0 {
		return place{s.server, -1}
	}
	return s.place
}

func (s *site) addLoggers(names []any) {
	for _, name := range names {
		if name, ok := name.(string); ok {
			s.loggers = append(s.loggers, name)
		}
	}
}

// named reports whether the site answers r's host by name.
func (s *site) named(r *http.Request) bool {
	return slices.ContainsFunc(s.hosts, func(hosts caddyhttp.MatchHost) bool {
		match, err := hosts.MatchWithError(r)
		return err == nil && match
	})
}

// answers reports whether the site answers r's host.
func (s *site) answers(r *http.Request) bool { return s.all || s.named(r) }
