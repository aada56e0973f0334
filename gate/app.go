package gate

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(App))
	httpcaddyfile.RegisterGlobalOption(appName, parseGlobalOption)
}

const appName = "gatehouse"

// App holds what all sites share: the environment files, and the parts that
// live in rooms of their own (the key ring, the counters of limits), which are
// loaded by name so that this package knows none of them.
//
// The app need not be configured: the first handler that asks for it starts
// one with the defaults.
type App struct {
	// EnvFile names files in the form of Node's dotenv, from which the
	// variables that Gatehouse documents are read; any others in them are
	// ignored. The process environment wins over the files, and an earlier file
	// over a later one. Default: none. A file that cannot be read is an error.
	EnvFile []string `json:"env_file,omitempty"`

	// PartsRaw configures the shared parts, by name. Parts that are not named
	// have their defaults.
	PartsRaw caddy.ModuleMap `json:"parts,omitempty" caddy:"namespace=gatehouse"`

	// AllowUnsafe accepts dangers that concern no single site. Each is an event
	// at every start. Default: none is accepted.
	AllowUnsafe []Accepted `json:"allow_unsafe,omitempty"`

	ctx     caddy.Context
	logger  *zap.Logger
	events  *events.Reporter
	env     environment
	streams *Streams
	limiter Limiter
	parts   map[string]any // by name
	proxies proxyWatch
	// handover is for the servers of this configuration.
	handover handover

	mu      sync.Mutex
	onStart []func() error
	met     map[met]bool // what sites accept and have
	// wardrobes are there for each place that has been looked at.
	wardrobes map[place]*wardrobe

	attended sync.Once // attendServers was called
	// Both are there once the configuration is started.
	sites atomic.Pointer[[]*site]
	paths atomic.Pointer[configPaths]
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appName, New: func() caddy.Module { return new(App) }}
}

// AppOf returns the app of the configuration that ctx belongs to.
func AppOf(ctx caddy.Context) (*App, error) {
	app, err := ctx.App(appName)
	if err != nil {
		return nil, places.Told(err, "") // its lines are in it
	}
	return app.(*App), nil
}

// Active is the app of the configuration that runs now; an error if that has
// none.
func Active() (*App, error) {
	app, err := caddy.ActiveContext().AppIfConfigured(appName)
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}

// httpApp is the http app of a configuration; nil where it has none.
func httpApp(ctx caddy.Context) *caddyhttp.App {
	found, err := ctx.AppIfConfigured("http")
	if err != nil {
		return nil
	}
	app, _ := found.(*caddyhttp.App)
	return app
}

// attendServers does what the servers of the configuration need as a whole. It is
// called once, while a handler of the http app is provisioned: then the servers
// are there and none runs yet.
func (a *App) attendServers(ctx caddy.Context) error {
	app := httpApp(ctx)
	if app == nil {
		return nil // a server outside the http app
	}
	a.guardPlainHTTP(app.Servers)
	a.drainServers(app)
	return a.handOver(ctx, app.Servers)
}

// Provision reads the environment files and loads the parts.
func (a *App) Provision(ctx caddy.Context) (err error) {
	defer func() { err = places.Told(err, "") }()
	a.ctx = ctx
	a.logger = ctx.Logger()
	a.proxies.logger = a.logger
	a.streams = processStreams
	a.limiter = newCounter()
	a.met = make(map[met]bool)
	a.wardrobes = make(map[place]*wardrobe)
	if a.events, err = events.NewReporter(ctx); err != nil {
		return fmt.Errorf("starting the event reporter: %w", err)
	}
	if err := events.Register(ctx, decisionSeconds, refusalsTotal); err != nil {
		return err
	}
	if a.env, err = readEnvironment(a.EnvFile); err != nil {
		return err
	}
	return a.loadParts(ctx)
}

// Validate judges what the operator accepts.
func (a *App) Validate() error { return checkAccepted(a.AllowUnsafe, ofProcess) }

// Start looks over the configuration as a whole and runs what was left for
// when it is in force.
func (a *App) Start() error {
	audit, _ := Part[*events.Audit](a)
	if err := a.events.Audit(audit); err != nil {
		return err
	}
	a.reportStart()
	for hooks := a.hooks(); len(hooks) > 0; hooks = a.hooks() {
		for _, hook := range hooks {
			if err := hook(); err != nil {
				return err
			}
		}
	}
	for _, accepted := range a.AllowUnsafe {
		a.report(accepted)
	}
	makeRoom()
	err := a.inspect()
	places.Forget()
	return err
}

// Stop tells of the end of the process, and has the security log say what it
// has not written one by one. What else must end with the configuration ends in
// the parts' own Cleanup.
func (a *App) Stop() error {
	if caddy.Exiting() {
		a.events.Report(events.Event{Name: events.Stopped, Message: "[SECURITY] Gate stopped", Enforced: true})
	}
	a.events.Close()
	return nil
}

// Cleanup forgets where the lines of a configuration stand that was not started.
func (a *App) Cleanup() error {
	places.Forget()
	return nil
}

// running tells the first configuration of the process from those that follow.
var running atomic.Bool

func (a *App) reportStart() {
	e := events.Event{Name: events.Started, Message: "[SECURITY] Gate started", Enforced: true}
	if running.Swap(true) {
		e.Name, e.Message = events.Reloaded, "[SECURITY] Configuration reloaded"
	}
	a.events.Report(e)
}

// hooks takes what is left to be done.
func (a *App) hooks() []func() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	hooks := a.onStart
	a.onStart = nil
	return hooks
}

// OnStart leaves something to be done when the configuration is started, and
// not when it is only validated. It is meant for Provision. What a hook leaves
// to be done comes after all others.
func (a *App) OnStart(hook func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onStart = append(a.onStart, hook)
}

// Events is the reporter of security events.
func (a *App) Events() *events.Reporter { return a.events }

// Streams is the registry of the requests that are in flight, the same for
// every configuration of the process.
func (a *App) Streams() *Streams { return a.streams }

// Limiter is where rooms that count something without owning a limiter do so.
func (a *App) Limiter() Limiter { return a.limiter }

// parseGlobalOption sets up the app from the global options. Syntax:
//
//	gatehouse {
//		env_file <path>...
//		allow_unsafe <finding> "<reason>"
//		<part> ...
//	}
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next()
	if existing != nil {
		return nil, d.Err("the global option gatehouse is there twice: put everything into one block")
	}
	app := new(App)
	if d.NextArg() {
		return nil, d.Err("the global option gatehouse takes no arguments: its options stand in a block behind it")
	}
	options := Options{
		envFileLine: {Repeat: true, Parse: func(d *caddyfile.Dispenser) error {
			files := d.RemainingArgs()
			if len(files) == 0 {
				return d.Err("env_file needs the path of a file, such as /srv/eliza/.env")
			}
			app.EnvFile = append(app.EnvFile, files...)
			return nil
		}},
		"allow_unsafe": parseAllowUnsafe(&app.AllowUnsafe, ofProcess),
	}
	for _, part := range caddy.GetModules(appName) {
		name := part.ID.Name()
		options[name] = Option{Parse: func(d *caddyfile.Dispenser) error {
			unm, err := caddyfile.UnmarshalModule(d, string(part.ID))
			if err != nil {
				return err
			}
			if app.PartsRaw == nil {
				app.PartsRaw = make(caddy.ModuleMap)
			}
			app.PartsRaw[name] = caddyconfig.JSON(unm, nil)
			return nil
		}}
	}
	if err := options.ParseBlock(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appName, Value: caddyconfig.JSON(app, nil)}, nil
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.Validator    = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
