package ratelimit

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(new(Limits)) }

// Limits holds the counters that all sites share. They belong to the process,
// not to a configuration: a reload does not touch them. When the process ends,
// and every minute while it runs, they are saved to Caddy's storage, from
// where the next start takes them; a snapshot that is damaged is reported and
// ignored.
type Limits struct {
	// MaxClients is how many clients have counters of their own, from 1 to
	// 16777216. One takes 64 to 200 bytes for each tier and window in which it
	// is active. While all places are taken, newcomers are counted together
	// with their network (IPv4 /24, IPv6 /48). Default: 1048576.
	MaxClients gate.Number `json:"max_clients,omitempty"`

	// KeyPlaces is how many of the places only callers with a key may take.
	// Default: an eighth.
	KeyPlaces gate.Number `json:"key_places,omitempty"`

	// Redis has several gates count together. Default: each counts for itself.
	Redis *Redis `json:"redis,omitempty"`

	counters  *counters
	store     *shared // nil without one
	app       *gate.App
	ctx       caddy.Context
	logger    *zap.Logger
	maxPlaces int
	keyPlaces int

	mu      sync.Mutex
	defined map[string]definition // by the tier's name in the table
	placed  map[string]int        // handlers of a site so far
}

// definition is what this configuration says of a tier.
type definition struct {
	tier *window.Tier
	spec window.Spec
}

// CaddyModule returns the Caddy module information.
func (*Limits) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "gatehouse.limits", New: func() caddy.Module { return new(Limits) }}
}

// Provision finds the counters of the process, or restores them.
func (l *Limits) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(l, l.line()...)(&err)
	l.ctx, l.logger = ctx, ctx.Logger()
	l.defined = make(map[string]definition)
	l.placed = make(map[string]int)
	app, err := gate.AppOf(ctx)
	if err != nil {
		return err
	}
	l.app = app
	var mistakes []error
	var options redis.Options
	if l.Redis != nil {
		if options, err = l.Redis.options(app.Resolve); err != nil {
			mistakes = append(mistakes, fmt.Errorf("limits: %w", err))
		}
	}
	for _, number := range []struct {
		name string
		from gate.Number
		into *int
	}{{"max_clients", l.MaxClients, &l.maxPlaces}, {"key_places", l.KeyPlaces, &l.keyPlaces}} {
		if number.from == "" {
			continue
		}
		value, err := number.from.Int(app.Resolve)
		if err == nil && value < 1 {
			err = errNotPositive
		}
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("limits: %s %s: %w", number.name, number.from, err), number.name, string(number.from)))
		}
		*number.into = value
	}
	if _, err := window.New(window.Options{MaxClients: l.maxPlaces, KeyPlaces: l.keyPlaces}); err != nil {
		mistakes = append(mistakes, fmt.Errorf("limits: %w", err))
	}
	if err := errors.Join(mistakes...); err != nil {
		return err
	}
	if l.counters, err = openCounters(ctx, l.logger); err != nil {
		return err
	}
	if l.Redis != nil {
		if l.store, err = openStore(options, l.Redis.CA); err != nil {
			return err
		}
	}
	if err := l.counters.register(ctx); err != nil {
		return err
	}
	return l.subscribe(ctx)
}

// line is how the line begins that configures the part.
func (l *Limits) line() []string {
	if l.Redis == nil {
		return []string{"limits"}
	}
	return []string{"limits", "redis", l.Redis.URL}
}

// subscribe has the numbers of this configuration come into force when all of
// it has been started, and not if something else of it fails.
func (l *Limits) subscribe(ctx caddy.Context) error {
	return errors.Join(
		events.On(ctx, "started", func(caddy.Event) { l.inForce() }),
		events.On(ctx, foreignEvent, countForeign),
	)
}

// inForce changes the numbers of tiers that were there before.
func (l *Limits) inForce() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.counters.table.SetSize(l.maxPlaces, l.keyPlaces); err != nil {
		l.logger.Error("the number of clients could not be changed", zap.Error(err))
	}
	for name, d := range l.defined {
		if err := l.counters.table.Change(d.tier, d.spec); err != nil {
			l.logger.Error("a tier keeps the numbers that it had", zap.String("tier", name), zap.Error(err))
		}
	}
	l.counters.keep(l.ctx.Storage(), l.logger)
	l.counters.store.Store(l.store)
	if l.store != nil {
		l.store.limits.Store(l)
		l.store.Keep()
	}
}

// Cleanup lets the counters go; the last configuration to do so ends them.
func (l *Limits) Cleanup() error {
	var errs []error
	if l.store != nil {
		_, err := stores.Delete(l.store.name)
		errs = append(errs, err)
	}
	if l.counters != nil {
		errs = append(errs, closeCounters())
	}
	return errors.Join(errs...)
}

// place names the place of a handler: its site, and for further handlers in
// the same site their number.
func (l *Limits) place(site string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.placed[site]++
	if n := l.placed[site]; n > 1 {
		return fmt.Sprintf("%s#%d", site, n)
	}
	return site
}

// define is the tier of that name. It is an error if this configuration has
// given it other numbers already.
func (l *Limits) define(name string, spec window.Spec, shared bool) (*window.Tier, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.defined[name]; ok {
		if !shared || !reflect.DeepEqual(known.spec, spec) {
			return nil, fmt.Errorf("%s is there with other numbers (%s): tiers that count together have the same limits and plans",
				name, describe(known.spec))
		}
		return known.tier, nil
	}
	tier, err := l.counters.table.Tier(name, spec)
	if err != nil {
		return nil, err
	}
	l.defined[name] = definition{tier, spec}
	return tier, nil
}

func describe(spec window.Spec) (text string) {
	for i, limit := range spec.Limits {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d per %s", limit.N, limit.Window)
	}
	return text
}

var (
	_ caddy.Provisioner  = (*Limits)(nil)
	_ caddy.CleanerUpper = (*Limits)(nil)
	_ gate.Limiter       = (*Limits)(nil)
	_ gate.Troubled      = (*Limits)(nil)
)
