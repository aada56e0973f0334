package events

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/events/chain"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(Audit)) }

// Audit is the audit trail: a file to which every key change, every call that
// used the scope admin, refusals of known callers for lack of rights, every accepted
// danger, every start and every reload is appended. Each line carries the hash
// of the one before, so that `gatehouse audit verify` finds a line that was
// changed, taken out or moved.
//
// A line is given to the system before the request goes on, and is on the disk
// within a second. A trail that cannot be opened refuses the configuration.
// When it cannot be written later, the disk being full, requests go on: that is
// the event sys_audit_failed, the metric counts it, and the next line that can
// be written tells how many are missing.
type Audit struct {
	// File is the path of the trail. It is made with mode 0600. Default: there
	// is no trail.
	File string `json:"file,omitempty"`

	written string // the file, as it is configured

	logger *zap.Logger
	opened bool
	trail  *trail
}

// trail is an open file, shared by the configurations of the process that name it.
type trail struct {
	*chain.Writer
	memory  *memory
	broken  error // what was wrong with it when it was opened; told once
	mu      sync.Mutex
	failing bool
}

// Destruct closes the file when no configuration names it any more.
func (t *trail) Destruct() error { return t.Close() }

var trails = caddy.NewUsagePool()

// CaddyModule returns the Caddy module information.
func (*Audit) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "gatehouse.audit", New: func() caddy.Module { return new(Audit) }}
}

// UnmarshalCaddyfile sets up the trail from the global option gatehouse. Syntax:
//
//	audit <path>
func (a *Audit) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&a.File) {
		return d.Err("audit takes the path of one file, such as /var/log/gatehouse/audit.log")
	}
	if d.NextBlock(0) {
		return d.Errf("unknown option %s: audit has none", d.Val())
	}
	return nil
}

// Provision finds the file; it is opened when the configuration is started.
func (a *Audit) Provision(ctx caddy.Context) (err error) {
	a.logger = ctx.Logger()
	a.written = a.File
	if a.File == "" {
		return nil
	}
	if a.File, err = filepath.Abs(a.File); err != nil {
		return err
	}
	if info, err := os.Stat(a.File); err == nil && info.IsDir() {
		return a.told(fmt.Errorf("audit: %s is a folder: name a file in it", a.File))
	}
	if _, err := os.Stat(filepath.Dir(a.File)); errors.Is(err, fs.ErrNotExist) {
		return a.told(fmt.Errorf("audit: %w: make the folder %s, for the gate's user alone", err, filepath.Dir(a.File)))
	}
	return nil
}

// told is an error with the line of the option.
func (a *Audit) told(err error) error { return places.Told(err, "", "audit", a.written) }

// open opens the trail, or shares it with the configuration before.
func (a *Audit) open() error {
	if a.File == "" {
		return nil
	}
	shared, loaded, err := trails.LoadOrNew(a.File, func() (caddy.Destructor, error) {
		w, broken, err := chain.Open(a.File)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("audit: %w: make the folder %s, for the gate's user alone", err, filepath.Dir(a.File))
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("audit: %w: give the folder %s, and the files in it, to the gate's user", err, filepath.Dir(a.File))
		case err != nil:
			return nil, fmt.Errorf("audit: %w", err)
		}
		fresh := w.Head().Seq == 0
		memory, lost := openMemory(a.File, fresh)
		if fresh && memory.kept && broken == nil {
			broken = fmt.Errorf("it is empty, and its head is gone; but %s tells that there was one", memory.path)
		}
		return &trail{Writer: w, memory: memory, broken: errors.Join(broken, lost)}, nil
	})
	if err != nil {
		return a.told(err)
	}
	a.trail, a.opened = shared.(*trail), true
	if loaded { // logrotate moves the file and reloads
		if err := a.trail.Reopen(); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

// Head is where the trail ends; false if there is none.
func (a *Audit) Head() (chain.Head, bool) {
	if a.trail == nil {
		return chain.Head{}, false
	}
	return a.trail.Head(), true
}

// Cleanup gives the trail back.
func (a *Audit) Cleanup() error {
	if !a.opened {
		return nil
	}
	a.opened = false
	_, err := trails.Delete(a.File)
	return err
}

// audited are the events that stand in the trail.
var audited = map[Name]bool{
	KeyCreated: true, KeyRevoked: true, KeyDeleted: true, RightsChanged: true, KeyFileBroken: true, KeyExposed: true,
	AdminCall: true, AuthzFail: true, DangerAccepted: true, Started: true, Reloaded: true, Stopped: true, AuditBroken: true,
}

// belongs reports whether an event stands in the trail. What a stranger may not
// do does not: anybody on the internet could make the trail grow by it.
func (e *Event) belongs() bool {
	return audited[e.Name] && (e.Name != AuthzFail || e.KeyID != "" || e.RequestID == "")
}

// auditLines counts over reloads, as eventsTotal does.
var auditLines = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy",
	Subsystem: "gatehouse",
	Name:      "audit_lines_total",
	Help:      "Lines of the audit trail, by outcome: written, or failed where the disk did not take them.",
}, []string{"outcome"})

// minutes are what a reporter keeps for the trail. Events that come while the
// configuration is provisioned wait until it is started: one that is only
// validated writes nothing.
type minutes struct {
	mu      sync.Mutex
	waiting []Event
	started bool
	audit   *Audit
}

// maxWaiting bounds what waits.
const maxWaiting = 1000

// Audit has the events that belong there written to a trail, from the first
// one on. A nil trail, and one without a file, is none.
func (r *Reporter) Audit(a *Audit) error {
	if a != nil {
		if err := a.open(); err != nil {
			return err
		}
	}
	r.minutes.mu.Lock()
	waiting := r.minutes.waiting
	r.minutes.waiting, r.minutes.started, r.minutes.audit = nil, true, a
	r.minutes.mu.Unlock()
	if a == nil || a.trail == nil {
		return nil
	}
	a.trail.mu.Lock()
	broken := a.trail.broken
	a.trail.broken = nil
	a.trail.mu.Unlock()
	if broken != nil {
		r.Report(Event{
			Name: AuditBroken, Message: "[SECURITY] Audit trail is not what was written", Level: zapcore.ErrorLevel,
			Rule: a.File, Reason: broken.Error(),
		})
	}
	for _, e := range waiting {
		r.append(a, e)
	}
	return nil
}

// Audited reports whether there is a trail, for those who would make an event
// for it alone.
func (r *Reporter) Audited() bool {
	r.minutes.mu.Lock()
	defer r.minutes.mu.Unlock()
	return r.minutes.audit != nil && r.minutes.audit.trail != nil
}

// keeps reports whether an event for the trail is wanted: there is one, or it
// is not known yet whether there will be.
func (r *Reporter) keeps() bool {
	r.minutes.mu.Lock()
	defer r.minutes.mu.Unlock()
	return !r.minutes.started || r.minutes.audit != nil && r.minutes.audit.trail != nil
}

// Note writes an event to the trail alone.
func (r *Reporter) Note(e Event) {
	m := &r.minutes
	m.mu.Lock()
	if !m.started && len(m.waiting) < maxWaiting {
		m.waiting = append(m.waiting, e)
	}
	audit := m.audit
	m.mu.Unlock()
	if audit != nil && audit.trail != nil {
		r.append(audit, e)
	}
}

// append writes a line. What is wrong with it is told when it begins and when
// it ends, not for each line.
func (r *Reporter) append(a *Audit, e Event) {
	e.clean()
	entry := make([]chain.Field, 0, 13)
	for _, f := range [...]chain.Field{{Key: "event", Value: string(e.Name)}, {Key: "message", Value: e.Message}, {Key: "client_ip", Value: e.clientIP()}} {
		if f.Value != "" {
			entry = append(entry, f)
		}
	}
	if e.More > 0 {
		entry = append(entry, chain.Field{Key: "more", Value: strconv.Itoa(e.More)})
	}
	e.each(func(key, value string) { entry = append(entry, chain.Field{Key: key, Value: value}) })
	err := a.trail.Append(entry...)
	a.trail.mu.Lock()
	before := a.trail.failing
	a.trail.failing = err != nil
	a.trail.mu.Unlock()
	if err == nil {
		auditLines.WithLabelValues("written").Inc()
		if before {
			a.logger.Info("the audit trail can be written again", zap.String("file", a.File))
		}
		return
	}
	auditLines.WithLabelValues("failed").Inc()
	if !before {
		r.Report(Event{
			Name: AuditFailed, Message: "[SECURITY] Audit trail cannot be written", Level: zapcore.ErrorLevel,
			Rule: a.File, Reason: err.Error() + "; requests go on, and the next line that can be written tells how many are missing",
		})
	}
}
