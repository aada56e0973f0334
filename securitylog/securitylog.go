// Package securitylog is the handler agent_security_log: which requests carry
// an attack. What attacks look like lies in the engine detect.
package securitylog

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(SecurityLog)) }

// SecurityLog looks at each request for patterns of attacks and tells the
// security log of them. It refuses requests only for the classes that it is
// told to block, with 403.
//
// It looks at the request's target as it came over the wire, before the gate
// cleaned it, at the User-Agent and the Referer. It looks at further headers
// and at bodies only where it is told to: free text, such as chat, is full of
// what looks like code.
//
// A request is one event, however many patterns it shows. An event names the
// classes, the rules and where they matched, and never the payload.
//
// The classes are ua, log4shell, xxe, crlf, xss, js, sqli, nosqli, ssti, cmdi,
// traversal, lfi and rfi.
type SecurityLog struct {
	// Detect are the classes to look for, or "all". Default: all.
	Detect []string `json:"detect,omitempty"`
	// Block are the classes whose requests are refused with 403, or "all" for
	// those that are detected. Default: none. A class that is not detected is
	// an error.
	Block []string `json:"block,omitempty"`
	// Ignore says which classes are nothing to tell of in which requests. A
	// request whose path cannot be cleaned is never ignored.
	Ignore []*Exception `json:"ignore,omitempty"`
	// Headers are further headers to look at, by name. Default: none.
	Headers []string `json:"headers,omitempty"`
	// BodiesRaw matches the requests whose bodies are looked at: JSON and
	// forms, not compressed, up to the first 64 KiB. Default: none.
	BodiesRaw caddyhttp.RawMatcherSets `json:"bodies,omitempty" caddy:"namespace=http.matchers"`

	door     *gate.Door
	detector *detect.Detector
	block    detect.Set
	headers  []string // in canonical form
	inBodies bool     // whether any are looked at
	bodies   gate.Requests
}

// Exception is a class that is nothing to tell of in some requests.
type Exception struct {
	// Class is the class that is ignored, or "all".
	Class string `json:"class"`
	// MatchRaw says in which requests. It is required.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	classes detect.Set
	match   gate.Requests
}

// CaddyModule returns the Caddy module information.
func (*SecurityLog) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_security_log", New: func() caddy.Module { return new(SecurityLog) }}
}

// Provision makes the detector. All mistakes come in one report.
func (s *SecurityLog) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(s)(&err)
	if s.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	var mistakes []error
	classes, err := chosen(s.Detect, s.Block)
	mistakes = append(mistakes, err)
	s.block = classes.block
	s.detector = detect.New(detect.Options{Classes: classes.detect, MaxBytes: maxInspected})
	for _, exception := range s.Ignore {
		if err := exception.provision(ctx); err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("ignore %s: %w", exception.Class, err), "ignore", exception.Class))
		}
	}
	for _, name := range s.Headers {
		mistakes = append(mistakes, checkHeader(name))
		if err := s.door.CheckField(name); err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("header: %w", err), "header", name))
		}
		s.headers = append(s.headers, http.CanonicalHeaderKey(name))
	}
	if s.BodiesRaw != nil {
		loaded, err := ctx.LoadModule(s, "BodiesRaw")
		if err == nil {
			s.inBodies = true
			s.bodies, err = gate.RequestsOf(loaded)
		}
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("body: %w", err), "body"))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("agent_security_log: %w", err)
	}
	return nil
}

func (e *Exception) provision(ctx caddy.Context) (err error) {
	if e.classes, err = classSet([]string{e.Class}); err != nil {
		return err
	}
	if len(e.MatchRaw) == 0 {
		return errors.New("say in which requests: give it a matcher, or leave the class out of detect")
	}
	loaded, err := ctx.LoadModule(e, "MatchRaw")
	if err != nil {
		return err
	}
	e.match, err = gate.ExactRequestsOf(loaded)
	return err
}

func (s *SecurityLog) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return s.door.Through(w, r, next, s)
}

// Serve tells of the patterns in the request, and refuses it for those that
// are to be blocked.
func (s *SecurityLog) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	found, err := s.inspect(r, req)
	if err != nil {
		return err
	}
	if found == nil {
		return next.ServeHTTP(w, r)
	}
	if found, err = s.worthTelling(found, r, req); err != nil {
		return err
	}
	switch blocked := found.Without(^s.block); {
	case len(blocked) > 0:
		return refusal(blocked[0].Class, found)
	case len(found) > 0:
		s.door.Observe(r, req, event(found[0].Class, found, "the request was let pass: to refuse such requests, name the class with `block`"))
	}
	return next.ServeHTTP(w, r)
}

// inspect looks at the request; it returns nil where nothing was found.
func (s *SecurityLog) inspect(r *http.Request, req *gate.Request) (detect.Findings, error) {
	found := s.detector.Request(gate.OriginalURI(r), r.UserAgent(), r.Referer())
	if len(s.headers) == 0 && !s.inBodies {
		return found, nil
	}
	own := len(found)
	for _, name := range s.headers {
		for _, value := range r.Header[name] {
			found = append(found, s.detector.Header(name, value)...)
		}
	}
	inBody, err := s.inspectBody(r, req)
	found = append(found, inBody...)
	if len(found) > own {
		slices.SortStableFunc(found, func(a, b detect.Finding) int { return cmp.Compare(a.Class, b.Class) })
	}
	return found, err
}

// worthTelling are the findings that no exception covers.
func (s *SecurityLog) worthTelling(found detect.Findings, r *http.Request, req *gate.Request) (detect.Findings, error) {
	if len(s.Ignore) == 0 || req.CheckPath() != nil {
		// The path of an exception says nothing of a path that servers read
		// in different ways.
		return found, nil
	}
	var ignored detect.Set
	for _, exception := range s.Ignore {
		if found.Classes()&exception.classes&^ignored == 0 {
			continue
		}
		matched, err := exception.match.Match(r)
		if err != nil {
			return nil, err
		}
		if matched {
			ignored |= exception.classes
		}
	}
	return found.Without(ignored), nil
}

// refusal refuses a request for the class of patterns that leads.
func refusal(leads detect.Class, found detect.Findings) *gate.Refusal {
	f := gate.Forbidden("", "")
	f.Event = event(leads, found, "the class "+leads.String()+" is blocked by agent_security_log: where such requests are meant, name it with `ignore`")
	return f
}

// event tells of a request's patterns, under the name of the class that leads.
func event(leads detect.Class, found detect.Findings, reason string) events.Event {
	return events.Event{
		Name:    names[leads],
		Message: message(leads),
		Level:   zapcore.WarnLevel,
		Class:   strings.Join(found.Names(), " "),
		Rule:    rules(found),
		Reason:  reason,
	}
}

var (
	_ caddy.Provisioner           = (*SecurityLog)(nil)
	_ caddyhttp.MiddlewareHandler = (*SecurityLog)(nil)
	_ gate.Step                   = (*SecurityLog)(nil)
)
