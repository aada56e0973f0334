package window

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Limit admits at most N requests in every window of the stated length.
type Limit struct {
	// N is the number of requests, from 1 to 2,147,483,647.
	N int
	// Window is a whole number of milliseconds, from 1 ms to 49 days.
	Window time.Duration
}

// Spec is what a tier allows.
type Spec struct {
	// Limits hold all at once. At least one and at most eight, of different
	// windows.
	Limits []Limit
	// Plans are the limits of clients on a plan, by its name, in place of Limits.
	// A client on a plan that is not named here has Limits.
	Plans map[string][]Limit
	// Shadow lets every request pass: the tier counts and says what it would have
	// refused. Default: false.
	Shadow bool
}

const (
	maxLimits = 8
	maxN      = math.MaxInt32
	maxWindow = 49 * 24 * time.Hour
)

// Tier is one named set of counters in a [Table]. The same tier keeps its
// counters while its numbers change.
type Tier struct {
	name   string
	no     uint16
	policy atomic.Pointer[policy]
}

// Name is the name that the tier was defined with.
func (t *Tier) Name() string { return t.name }

// policy is a Spec in the form that decisions read. It is never changed.
type policy struct {
	limits  []limit
	plans   map[string][]limit
	windows []uint32 // the lengths in use by limits or any plan
	shadow  bool
}

type limit struct{ n, ms uint32 }

func (p *policy) of(plan string) []limit {
	if plan != "" {
		if l, ok := p.plans[plan]; ok {
			return l
		}
	}
	return p.limits
}

func (p *policy) uses(ms uint32) bool { return slices.Contains(p.windows, ms) }

// compile reports all mistakes of the spec together.
func (s Spec) compile() (*policy, error) {
	p := &policy{shadow: s.Shadow}
	var errs []error
	add := func(of string, limits []Limit) []limit {
		out, err := compileLimits(limits)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", of, err))
		}
		for _, l := range out {
			if !p.uses(l.ms) {
				p.windows = append(p.windows, l.ms)
			}
		}
		return out
	}
	p.limits = add("limits", s.Limits)
	if len(s.Plans) > 0 {
		p.plans = make(map[string][]limit, len(s.Plans))
		for _, name := range slices.Sorted(maps.Keys(s.Plans)) {
			p.plans[name] = add(fmt.Sprintf("plan %q", name), s.Plans[name])
		}
	}
	return p, errors.Join(errs...)
}

// Check judges a limit by itself.
func (l Limit) Check() error {
	if l.N < 1 || l.N > maxN {
		return fmt.Errorf("the number of requests must be between 1 and %d", maxN)
	}
	if l.Window < time.Millisecond || l.Window > maxWindow || l.Window%time.Millisecond != 0 {
		return errors.New("the window must be whole milliseconds, from 1ms to 49 days")
	}
	return nil
}

// Check reports all mistakes of the spec together.
func (s Spec) Check() error {
	_, err := s.compile()
	return err
}

func compileLimits(limits []Limit) ([]limit, error) {
	if len(limits) == 0 || len(limits) > maxLimits {
		return nil, fmt.Errorf("there are %d limits: from 1 to %d can hold at once", len(limits), maxLimits)
	}
	var out []limit
	var errs []error
	for _, l := range limits {
		ms := uint32(l.Window / time.Millisecond)
		err := l.Check()
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("limit %d %v: %w", l.N, l.Window, err))
		case slices.ContainsFunc(out, func(o limit) bool { return o.ms == ms }):
			errs = append(errs, fmt.Errorf("limit %d %v: there is another limit for the same window", l.N, l.Window))
		default:
			out = append(out, limit{n: uint32(l.N), ms: ms})
		}
	}
	return out, errors.Join(errs...)
}

// InForce is what holds now for a client on a plan: the limits, and whether the
// tier is a shadow. It is the zero value for a tier that is only known from a
// snapshot.
func (t *Tier) InForce(plan string) (limits []Limit, shadow bool) {
	p := t.policy.Load()
	if p == nil {
		return nil, false
	}
	for _, l := range p.of(plan) {
		limits = append(limits, Limit{int(l.n), time.Duration(l.ms) * time.Millisecond})
	}
	return limits, p.shadow
}
