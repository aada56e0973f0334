package events

import (
	"errors"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// BusEvent is the name under which security events appear on Caddy's event bus.
const BusEvent = "agent_security"

// eventsTotal is one collector for the whole process: registered again with
// every configuration, it keeps its counts over a reload.
var eventsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy",
	Subsystem: "gatehouse",
	Name:      "security_events_total",
	Help:      "Security events by name, and whether the gate enforced or only observed.",
}, []string{"event", "enforced"})

// Reporter writes each event once to the security log, counts it, and
// publishes it on Caddy's event bus. It is safe for concurrent use.
type Reporter struct {
	logger *zap.Logger
	ctx    caddy.Context
	bus    *caddyevents.App
}

// NewReporter makes the reporter of one configuration. Events are logged by
// the child logger "security" of the module that ctx belongs to.
func NewReporter(ctx caddy.Context) (*Reporter, error) {
	bus, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	err = ctx.GetMetricsRegistry().Register(eventsTotal)
	if already := (prometheus.AlreadyRegisteredError{}); err != nil && !errors.As(err, &already) {
		return nil, err
	}
	return &Reporter{
		logger: ctx.Logger().Named("security"),
		ctx:    ctx,
		bus:    bus.(*caddyevents.App),
	}, nil
}

// Report tells of e. What e carries from the request is cut to a bound and
// cleaned of characters that could forge or break a line.
func (r *Reporter) Report(e Event) {
	eventsTotal.WithLabelValues(string(e.Name), strconv.FormatBool(e.Enforced)).Inc()
	e.URI = Text(RedactURI(e.URI), maxURI)
	e.UserAgent = Text(Redact(e.UserAgent), maxUserAgent)
	if entry := r.logger.Check(e.Level, e.Message); entry != nil {
		entry.Write(e.fields(time.Now())...)
	}
	if r.bus.ShouldEmit(BusEvent) {
		r.bus.Emit(r.ctx, BusEvent, e.data())
	}
}

// fields are the fields of the log line, the two that people filter by first.
func (e Event) fields(now time.Time) []zap.Field {
	fields := make([]zap.Field, 0, 13)
	fields = append(fields,
		zap.String("event", string(e.Name)),
		zap.String("client_ip", e.clientIP()),
		// Caddy's "ts" is a float by default; collectors want a date.
		zap.String("time", now.Format(time.RFC3339)),
		zap.Bool("enforced", e.Enforced),
	)
	e.each(func(key, value string) { fields = append(fields, zap.String(key, value)) })
	return fields
}

func (e Event) data() map[string]any {
	data := map[string]any{
		"event":     string(e.Name),
		"message":   e.Message,
		"client_ip": e.clientIP(),
		"enforced":  e.Enforced,
	}
	e.each(func(key, value string) { data[key] = value })
	return data
}

func (e Event) clientIP() string {
	if !e.ClientIP.IsValid() {
		return ""
	}
	return e.ClientIP.String()
}

// each visits the fields that are set, in the order of the log line.
func (e Event) each(visit func(key, value string)) {
	for _, f := range [...]struct{ key, value string }{
		{"key_id", e.KeyID},
		{"method", e.Method},
		{"uri", e.URI},
		{"user_agent", e.UserAgent},
		{"request_id", e.RequestID},
		{"tier", e.Tier},
		{"class", e.Class},
		{"rule", e.Rule},
		{"reason", e.Reason},
	} {
		if f.value != "" {
			visit(f.key, f.value)
		}
	}
}
