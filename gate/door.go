package gate

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Door is where a request enters the gate and where every error leaves it.
// The first agent handler that a request meets opens it; from there on each
// error of the chain, whichever handler it comes from, leaves in the format of
// the site, as one security event, and without reaching Caddy's error log,
// which would print the request with its key.
type Door struct {
	// Format is how refusals are written.
	Format Format
	// Realm is the realm of WWW-Authenticate.
	Realm string
	// Semicolons is what becomes of paths with a semicolon.
	Semicolons Semicolons

	app       *App
	server    *caddyhttp.Server
	site      *site
	wardrobe  *wardrobe
	logger    *zap.Logger
	accessLog *accessLog // nil where Caddy's own will do
}

// DefaultRealm is the realm of WWW-Authenticate where none is configured.
const DefaultRealm = "agents"

// NewDoor makes the door of a handler that is being provisioned, with the
// default format and realm. It serves where no agent_gate stands before the
// handler.
func NewDoor(ctx caddy.Context) (*Door, error) {
	app, err := AppOf(ctx)
	if err != nil {
		return nil, err
	}
	// Absent where a handler is provisioned outside a server, as in tests of its own.
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	s, hangs := new(site), new(wardrobe)
	if server != nil {
		app.attended.Do(func() { err = app.attendServers(ctx) })
		if err != nil {
			return nil, err
		}
		withoutEarlyData(server)
		s = siteOf(server)
		first := false
		if hangs, first = app.wardrobe(s.key()); first {
			if err := errors.Join(app.checkProxies(server), app.checkLogs(s), checkTwice(server)); err != nil {
				return nil, err
			}
		}
	}
	return &Door{
		Format:   FormatElizaOS,
		Realm:    DefaultRealm,
		app:      app,
		server:   server,
		site:     s,
		wardrobe: hangs,
		logger:   app.logger.Named("errors"),
	}, nil
}

// App is the gatehouse app of the door's configuration.
func (d *Door) App() *App { return d.app }

// Step is one handler's work on a request that has come through the door.
type Step interface {
	Serve(w http.ResponseWriter, r *http.Request, req *Request, next caddyhttp.Handler) error
}

// Through runs a handler's step. If no door is open yet, this handler's is
// opened around it.
func (d *Door) Through(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, step Step) error {
	if req := From(r.Context()); req != nil {
		return serve(w, r, req, next, step)
	}
	return d.open(w, r, next, step)
}

// serve runs a step, and notes in its refusal which handler it is from: the
// innermost that it comes through.
func serve(w http.ResponseWriter, r *http.Request, req *Request, next caddyhttp.Handler, step Step) error {
	if req.trial != nil {
		name := nameOf(step)
		req.trial.enter(name, passes, req.door.app.pathOf(step, req.door.server, name))
	}
	err := step.Serve(w, r, req, next)
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Event.Step == "" {
		refusal.Event.Step, refusal.step = nameOf(step), step
	}
	return err
}

func nameOf(step Step) string {
	if module, ok := step.(caddy.Module); ok {
		return module.CaddyModule().ID.Name()
	}
	return ""
}

func (d *Door) open(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, step Step) error {
	if r.ProtoMajor >= 2 && r.Context().Err() != nil {
		// The client has taken the request back already. A flood of such (rapid
		// reset, CVE-2023-44487) is to cost it more than the gate. Of HTTP/1.1
		// this is not so: a client may close its side and wait for the answer.
		w.WriteHeader(statusClientClosed)
		return nil
	}
	if d.accessLog != nil && caddyhttp.GetVar(r.Context(), trialVar) == nil {
		watched, done := d.accessLog.begin(w, r)
		w = watched
		defer done()
	}
	req := newRequest(w, r, d)
	d.app.proxies.look(r, req)
	dropHearsay(r)
	r = d.app.streams.enter(w, r, req)
	defer req.stream.leave()
	defer req.letGo()
	req.writer.r = r
	err := d.run(r, req, next, step)
	if refusal := req.refusal.Load(); refusal != nil {
		err = refusal
	}
	switch {
	case errors.Is(err, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case err != nil && req.trial != nil:
		d.concludes(r, req, err)
	case err != nil:
		d.answer(w, r, req, err)
	}
	return nil
}

// run runs the step and makes an error of a panic. http.ErrAbortHandler is not
// a fault: it is how Caddy's proxy ends a stream that broke.
func (d *Door) run(r *http.Request, req *Request, next caddyhttp.Handler, step Step) (err error) {
	if cameEarly(r) {
		return tooEarly()
	}
	defer func() {
		recovered := recover()
		if recovered == nil {
			return
		}
		if recovered == any(http.ErrAbortHandler) {
			err = http.ErrAbortHandler
			return
		}
		// The panic's text may hold anything, the request's secrets included,
		// so only its type and the stack, which holds no values, are logged.
		d.logger.Error("a handler panicked: this is a fault in the software, please report it with the stack",
			zap.String("request_id", req.ID),
			zap.String("type", fmt.Sprintf("%T", recovered)),
			zap.ByteString("stack", debug.Stack()))
		err = caddyhttp.HandlerError{StatusCode: http.StatusInternalServerError}
	}()
	return serve(&req.writer, r, req, next, step)
}

// answer ends a request with an error.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, req *Request, err error) {
	refusal := d.refusalOf(r, req, err)
	req.decide(r.Context(), refusal)
	if e := refusal.Event; e.Name != "" {
		d.Report(r, req, e)
	}
	processRefusals.add(refused(r, req, refusal, time.Now()))
	if req.writer.began {
		// Part of a response is out. Ending it normally would pass it off as
		// whole, so the connection or stream is cut instead.
		panic(http.ErrAbortHandler)
	}
	req.dress(w, r)
	if d.Format == FormatCaddy {
		d.delegate(w, r, req, refusal)
		return
	}
	d.write(w, req, refusal)
}

// Report tells the security log of an event that the gate acted on, completed
// with what the request tells.
func (d *Door) Report(r *http.Request, req *Request, e events.Event) {
	e.Enforced = true
	d.complete(r, req, e)
}

// Note is Report for the audit trail alone; it costs nothing where there is none.
func (d *Door) Note(r *http.Request, req *Request, e events.Event) {
	if d.app.events.Audited() && req.trial == nil {
		e.Enforced = true
		d.fill(r, req, &e)
		details(r)(&e)
		d.app.events.Note(e)
	}
}

// Observe is Report, for what the gate saw and let pass.
func (d *Door) Observe(r *http.Request, req *Request, e events.Event) {
	e.Enforced = false
	d.complete(r, req, e)
}

func (d *Door) complete(r *http.Request, req *Request, e events.Event) {
	if req.trial != nil {
		req.trial.sees(e)
		return
	}
	d.fill(r, req, &e)
	traceEvent(r.Context(), e)
	d.app.events.Report(e, details(r))
}

// fill adds to an event what the request tells.
func (d *Door) fill(r *http.Request, req *Request, e *events.Event) {
	e.Message = events.From(e.Message, req.Client)
	if e.Endpoint {
		e.Message = events.At(e.Message, req.Path())
	}
	e.ClientIP = req.Client
	e.RequestID = req.ID
	if req.Principal != nil && e.KeyID == "" {
		e.KeyID = req.Principal.KeyID
	}
}

// details adds to an event what is costly to find out.
func details(r *http.Request) func(*events.Event) {
	return func(e *events.Event) {
		e.Method = r.Method
		// What the client sent, not what it was cleaned to: the log is evidence.
		e.URI = events.RedactFor(r, OriginalURI(r))
		e.UserAgent = events.RedactFor(r, r.UserAgent())
	}
}

// OriginalURI is the request's target as it came over the wire: its path not
// cleaned, nothing decoded.
func OriginalURI(r *http.Request) string {
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.RequestURI != "" {
		return orig.RequestURI
	}
	return r.RequestURI
}

// refusalOf makes a refusal of any error. One that is not a refusal of ours
// already (the proxy's 502, another module's 413) is logged here in place of
// Caddy's error log, with the cause but without the request's headers.
func (d *Door) refusalOf(r *http.Request, req *Request, err error) *Refusal {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	status := http.StatusInternalServerError
	var handlerErr caddyhttp.HandlerError
	if errors.As(err, &handlerErr) && handlerErr.StatusCode != 0 {
		status = handlerErr.StatusCode
	}
	refusal := foreignRefusal(status)
	if status == http.StatusTooManyRequests {
		refusal.Event = foreignLimit(r)
	}
	cause := ""
	if handlerErr.Err != nil {
		cause = handlerErr.Err.Error()
	} else if handlerErr.StatusCode == 0 {
		cause = err.Error()
	}
	refusal.cause = events.Text(events.RedactFor(r, cause), 512)
	level := zap.DebugLevel
	if status >= http.StatusInternalServerError {
		level = zap.ErrorLevel
	}
	if entry := d.logger.Check(level, "request failed: "+refusal.Message); entry != nil {
		entry.Write(
			zap.String("request_id", req.ID),
			zap.Int("status", status),
			zap.String("code", refusal.Code),
			zap.String("method", r.Method),
			zap.String("uri", events.Text(events.RedactFor(r, OriginalURI(r)), 512)),
			zap.String("cause", refusal.cause),
		)
	}
	return refusal
}

// foreignLimit is the event of a request that the module caddy-ratelimit has
// refused; without a name if it was somebody else.
func foreignLimit(r *http.Request) events.Event {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return events.Event{}
	}
	zone, ok := repl.GetString("http.rate_limit.exceeded.name")
	if !ok {
		return events.Event{}
	}
	return events.Event{
		Name:    events.RateLimited,
		Message: "[SECURITY] Rate limit exceeded for IP:",
		Level:   zapcore.WarnLevel,
		Tier:    zone,
		Reason:  "the zone of rate_limit (caddy-ratelimit) is full",
	}
}

// delegate hands the error to the site's handle_errors, which run here, inside
// the door, and not in Caddy's server, whose error log prints the request.
func (d *Door) delegate(w http.ResponseWriter, r *http.Request, req *Request, refusal *Refusal) {
	d.setHeader(w.Header(), refusal)
	req.Principal = nil // whoever was refused gets no backend's key on the way through the site's error pages
	if d.server == nil || d.server.Errors == nil || len(d.server.Errors.Routes) == 0 {
		w.WriteHeader(refusal.Status)
		return
	}
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		r.Method, r.RequestURI = orig.Method, orig.RequestURI
		*r.URL = *orig.URL
		for _, name := range req.taken {
			req.TakeQuery(r, name)
		}
	}
	r = d.server.Errors.WithError(r, caddyhttp.Error(refusal.Status, errors.New(refusal.Message)))
	bare := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(refusal.Status)
		return nil
	})
	if err := d.server.Errors.Routes.Compile(bare).ServeHTTP(w, r); err != nil {
		d.logger.Error("the site's handle_errors failed", zap.Int("status", refusal.Status), zap.Error(err))
		w.WriteHeader(refusal.Status)
	}
}
