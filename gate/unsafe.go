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

// reach is what a finding is about, and so where it is accepted.
type reach string

const (
	ofSite    reach = "agent_gate of the site"
	ofProcess reach = "the global option gatehouse"
)

var findings = make(map[Finding]reach)

// RegisterFinding makes a finding known, while the program starts, so that
// `allow_unsafe` can name it in a site. It panics if the name is taken.
func RegisterFinding(name Finding) Finding { return register(name, ofSite) }

// RegisterGlobalFinding is RegisterFinding for what concerns no single site and
// is accepted in the global option gatehouse.
func RegisterGlobalFinding(name Finding) Finding { return register(name, ofProcess) }

func register(name Finding, of reach) Finding {
	if findings[name] != "" {
		panic("finding " + name + " is registered already")
	}
	findings[name] = of
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

func (a Accepted) check(at reach) error {
	switch of := findings[a.Finding]; of {
	case at:
	case "":
		return fmt.Errorf("allow_unsafe %s: there is no finding of that name: there is %s", a.Finding, findingNames(at))
	default:
		return fmt.Errorf("allow_unsafe %s: this finding is accepted in %s, not here", a.Finding, of)
	}
	if strings.TrimSpace(a.Reason) == "" {
		return fmt.Errorf("allow_unsafe %s: say why it is accepted, for the next person who looks after the gate", a.Finding)
	}
	return nil
}

func findingNames(at reach) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(findings)) {
		if findings[name] == at {
			names = append(names, string(name))
		}
	}
	return strings.Join(names, ", ")
}

// parseAllowUnsafe reads `allow_unsafe <finding> "<reason>"` into a list.
func parseAllowUnsafe(list *[]Accepted, at reach) Option {
	return Option{Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
		args := d.RemainingArgs()
		if len(args) != 2 {
			return d.Errf(`allow_unsafe is written: allow_unsafe <finding> "<reason>"; findings are %s`, findingNames(at))
		}
		accepted := Accepted{Finding: Finding(args[0]), Reason: args[1]}
		if err := accepted.check(at); err != nil {
			return d.WrapErr(err)
		}
		if accepts(*list, accepted.Finding) != nil {
			return d.Errf("allow_unsafe %s is there twice", accepted.Finding)
		}
		*list = append(*list, accepted)
		return nil
	}}
}

// accepts returns the acceptance of a finding, or nil.
func accepts(list []Accepted, name Finding) *Accepted {
	i := slices.IndexFunc(list, func(a Accepted) bool { return a.Finding == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// Accepts reports whether the operator accepts a finding that concerns no
// single site.
func (a *App) Accepts(name Finding) bool { return accepts(a.AllowUnsafe, name) != nil }

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
	found := *accepted
	a.OnStart(func() error {
		a.report(found)
		return nil
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.met[met{s.key(), name}] = true
	return nil
}

// report tells that a danger is accepted and in force.
func (a *App) report(accepted Accepted) {
	a.events.Report(events.Event{
		Name:    events.DangerAccepted,
		Message: "[SECURITY] Dangerous setting accepted",
		Level:   zapcore.WarnLevel,
		Rule:    string(accepted.Finding),
		Reason:  accepted.Reason,
	})
}

// warnOfStaleAcceptances tells of findings that are accepted and not there:
// they would hide a danger that comes later.
func (a *App) warnOfStaleAcceptances(sites []*site) {
	for _, s := range sites {
		if s.gate == nil {
			continue
		}
		for _, accepted := range s.gate.AllowUnsafe {
			if !a.met[met{s.key(), accepted.Finding}] {
				a.logger.Warn("allow_unsafe accepts a finding that this site does not have: remove the line",
					zap.String("site", s.name()), zap.String("finding", string(accepted.Finding)))
			}
		}
	}
}

func checkAccepted(list []Accepted, at reach) error {
	var mistakes []error
	for i, accepted := range list {
		mistakes = append(mistakes, accepted.check(at))
		if accepts(list[:i], accepted.Finding) != nil {
			mistakes = append(mistakes, fmt.Errorf("allow_unsafe %s is there twice", accepted.Finding))
		}
	}
	return errors.Join(mistakes...)
}
