package gate

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"go.uber.org/zap"
)

// LoadRequests loads the matchers of a rule, from a field of it, for a handler
// that judges requests: a path that no request has when it comes there is an
// error, with the line where it is written.
func (d *Door) LoadRequests(ctx caddy.Context, rule any, field string) (Requests, error) {
	loaded, err := ctx.LoadModule(rule, field)
	if err != nil {
		return Requests{}, err
	}
	q, err := RequestsOf(loaded)
	if err == nil {
		err = d.site.semicolons.checkPaths(q.sets...)
	}
	return q, err
}

// pathLine is under what the lines of path patterns are kept.
const pathLine = "path"

// notePatterns keeps where the path patterns of a matcher stand.
func notePatterns(d *caddyfile.Dispenser, matcher caddy.ModuleMap) {
	var patterns caddyhttp.MatchPath
	_ = json.Unmarshal(matcher["path"], &patterns) // there may be none
	for _, pattern := range patterns {
		NotePlace(d, pathLine, strings.ToLower(pattern)) // as the matcher will have it
	}
}

func (s Semicolons) checkPaths(sets ...caddyhttp.MatcherSet) error {
	var mistakes []error
	for _, set := range sets {
		for _, matcher := range set {
			patterns, _ := pathPatterns(matcher)
			for _, pattern := range patterns {
				mistakes = append(mistakes, s.checkPath(pattern))
			}
		}
	}
	return errors.Join(mistakes...)
}

// pathPatterns are the patterns of a matcher by path; ok is false for any other.
func pathPatterns(matcher any) (patterns caddyhttp.MatchPath, ok bool) {
	switch m := matcher.(type) {
	case caddyhttp.MatchPath:
		return m, true
	case *caddyhttp.MatchPath:
		return *m, true
	}
	return nil, false
}

// warnOfPatterns tells of handlers whose own matcher has a path that no request
// has when it comes there.
func (a *App) warnOfPatterns(sites []*site) {
	passes := make(map[place]Semicolons)
	for _, s := range sites {
		if s.gate != nil {
			passes[s.key()] = s.gate.Semicolons
		}
	}
	for _, s := range sites {
		s.eachStep(func(step Step, matcher caddyhttp.MatcherSets) {
			if _, first := step.(*Gate); first { // paths are cleaned behind it
				return
			}
			if err := passes[s.key()].checkPaths(matcher...); err != nil {
				a.logger.Warn("a directive has a matcher with a path that no request has which goes on to the backend: write the path as the backend gets it",
					zap.String("site", s.name()), zap.String("directive", nameOf(step)), zap.Error(places.Told(err, "")))
			}
		})
	}
}

// eachStep shows the agent handlers of a site, with the matcher of each.
func (s *site) eachStep(show func(Step, caddyhttp.MatcherSets)) {
	var look func(caddyhttp.RouteList)
	look = func(routes caddyhttp.RouteList) {
		for _, route := range routes {
			for _, handler := range route.Handlers {
				switch h := handler.(type) {
				case *caddyhttp.Subroute:
					look(h.Routes)
				case Step:
					show(h, route.MatcherSets)
				}
			}
		}
	}
	look(s.server.Routes[s.index : s.index+1])
}
