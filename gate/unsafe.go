package gate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Finding is the name of a kind of dangerous setting. A configuration with one
// is refused when it is loaded, unless agent_gate accepts it by that name.
type Finding string

var findings = make(map[Finding]bool)

// RegisterFinding makes a finding known, while the program starts, so that
// `allow_unsafe` can name it. It panics if the name is taken.
func RegisterFinding(name Finding) Finding {
	if findings[name] {
		panic("finding " + name + " is registered already")
	}
	findings[name] = true
	return name
}

// Accepted is a finding that the operator accepts, and why.
type Accepted struct {
	// Finding is its name, as the refusal of the configuration gives it.
	Finding Finding `json:"finding"`
	// Reason says why the danger is accepted. It is logged at each start, for
	// the next person who looks after the gate.
	Reason string `json:"reason"`
}

func (a Accepted) check() error {
	if !findings[a.Finding] {
		return fmt.Errorf("allow_unsafe %s: there is no finding of that name: there is %s", a.Finding, findingNames())
	}
	if strings.TrimSpace(a.Reason) == "" {
		return fmt.Errorf("allow_unsafe %s: say why it is accepted, for the next person who looks after the gate", a.Finding)
	}
	return nil
}

func findingNames() string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(findings)) {
		names = append(names, string(name))
	}
	return strings.Join(names, ", ")
}

// parseAllowUnsafe reads `allow_unsafe <finding> "<reason>"`.
func (g *Gate) parseAllowUnsafe(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf(`allow_unsafe is written: allow_unsafe <finding> "<reason>"; findings are %s`, findingNames())
	}
	accepted := Accepted{Finding: Finding(args[0]), Reason: args[1]}
	if err := accepted.check(); err != nil {
		return d.WrapErr(err)
	}
	if accepts(g.AllowUnsafe, accepted.Finding) != nil {
		return d.Errf("allow_unsafe %s is there twice", accepted.Finding)
	}
	g.AllowUnsafe = append(g.AllowUnsafe, accepted)
	return nil
}

// accepts returns the acceptance of a finding, or nil.
func accepts(list []Accepted, name Finding) *Accepted {
	i := slices.IndexFunc(list, func(a Accepted) bool { return a.Finding == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// met is a finding that a site accepts and has.
type met struct {
	place
	finding Finding
}

// judge returns what a dangerous setting of a site that is being provisioned
// means: an error that refuses the configuration, or nil where the site
// accepts it, which is then an event when it is started.
func (a *App) judge(s *site, name Finding, danger error) error {
	accepted := accepts(s.accepted, name)
	if accepted == nil {
		return fmt.Errorf("%w\n(this is the finding %s; to accept it, write `allow_unsafe %s \"<reason>\"` in agent_gate)", danger, name, name)
	}
	reason := accepted.Reason
	a.OnStart(func() error {
		a.events.Report(events.Event{
			Name:    events.DangerAccepted,
			Message: "[SECURITY] Dangerous setting accepted",
			Level:   zapcore.WarnLevel,
			Rule:    string(name),
			Reason:  reason,
		})
		return nil
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.met[met{s.place, name}] = true
	return nil
}

// warnOfStaleAcceptances tells of findings that are accepted and not there:
// they would hide a danger that comes later.
func (a *App) warnOfStaleAcceptances(sites []*site) {
	for _, s := range sites {
		if s.gate == nil {
			continue
		}
		for _, accepted := range s.gate.AllowUnsafe {
			if !a.met[met{s.place, accepted.Finding}] {
				a.logger.Warn("allow_unsafe accepts a finding that this site does not have: remove the line",
					zap.String("site", s.name()), zap.String("finding", string(accepted.Finding)))
			}
		}
	}
}

func checkAccepted(list []Accepted) error {
	var mistakes []error
	for i, accepted := range list {
		mistakes = append(mistakes, accepted.check())
		if slices.ContainsFunc(list[:i], func(a Accepted) bool { return a.Finding == accepted.Finding }) {
			mistakes = append(mistakes, fmt.Errorf("allow_unsafe %s is there twice", accepted.Finding))
		}
	}
	return errors.Join(mistakes...)
}
