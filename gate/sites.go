package gate

import (
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// site is what a route of a server leads to, seen from outside: the hosts that
// it answers, and what stands in it of ours.
type site struct {
	server *caddyhttp.Server
	index  int // its place among the server's routes
	hosts  []caddyhttp.MatchHost
	all    bool // it answers every host

	guarded bool  // an agent handler stands in it
	gate    *Gate // its agent_gate, if it has one
	guards  []Guard
	loggers []string // names that its log_name gives to access loggers
}

// sitesOf are the sites of a server, in the order in which it asks them.
func sitesOf(server *caddyhttp.Server) []*site {
	var sites []*site
	for i, route := range server.Routes {
		s := &site{server: server, index: i, all: len(route.MatcherSets) == 0}
		for _, set := range route.MatcherSets {
			hosts := hostsOf(set)
			s.hosts = append(s.hosts, hosts...)
			s.all = s.all || len(hosts) == 0
		}
		s.collect(route.Handlers)
		sites = append(sites, s)
	}
	return sites
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
			if names, ok := (*h)[caddyhttp.AccessLoggerNameVarKey].([]any); ok {
				for _, name := range names {
					if name, ok := name.(string); ok {
						s.loggers = append(s.loggers, name)
					}
				}
			}
		case *Gate:
			if s.gate == nil {
				s.gate = h
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

// named reports whether the site answers r's host by name.
func (s *site) named(r *http.Request) bool {
	return slices.ContainsFunc(s.hosts, func(hosts caddyhttp.MatchHost) bool {
		match, err := hosts.MatchWithError(r)
		return err == nil && match
	})
}

// answers reports whether the site answers r's host.
func (s *site) answers(r *http.Request) bool { return s.all || s.named(r) }
