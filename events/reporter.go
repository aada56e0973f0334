package events

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// BusEvent is the name under which security events appear on Caddy's event bus.
const BusEvent = "agent_security"

// These collectors belong to the process: registered again with every
// configuration, they keep their counts over a reload.
var (
	eventsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "gatehouse",
		Name:      "security_events_total",
		Help:      "Security events by name, and whether the gate enforced or only observed. All are counted, those too that the log sums up.",
	}, []string{"event", "enforced"})
	summedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy",
		Subsystem: "gatehouse",
		Name:      "security_events_summed_total",
		Help:      "Security events, by name, that the log did not write one by one but summed up.",
	}, []string{"event"})
)

// counts are the counters of one kind of event.
type counts struct{ enforced, observed, summed prometheus.Counter }

// countsOf are those of the vocabulary. A series that is there from the start
// lets its first event be seen as a rise.
var countsOf = func() map[Name]counts {
	of := make(map[Name]counts)
	for _, kind := range Vocabulary() {
		of[kind.Name] = newCounts(kind.Name)
	}
	return of
}()

func newCounts(name Name) counts {
	return counts{
		enforced: eventsTotal.WithLabelValues(string(name), "true"),
		observed: eventsTotal.WithLabelValues(string(name), "false"),
		summed:   summedTotal.WithLabelValues(string(name)),
	}
}

// Reporter counts each event, writes it to the security log, and publishes it
// on Caddy's event bus. Of a flood it writes the first events of each source
// and then how many more there were. It is safe for concurrent use.
type Reporter struct {
	logger  *zap.Logger
	ctx     caddy.Context
	bus     *caddyevents.App
	sampler *sampler
	minutes minutes
	// kept decides which events of requests stand one by one in the trail.
	kept *sampler
}

// NewReporter makes the reporter of one configuration. Events are logged by
// the child logger "security" of the module that ctx belongs to.
func NewReporter(ctx caddy.Context) (*Reporter, error) {
	bus, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	if err := Register(ctx, eventsTotal, summedTotal, auditLines); err != nil {
		return nil, err
	}
	if err := checkSubscriptions(bus.(*caddyevents.App)); err != nil {
		return nil, err
	}
	return newReporter(ctx, bus.(*caddyevents.App), ctx.Logger().Named("security"), systemClock), nil
}

func newReporter(ctx caddy.Context, bus *caddyevents.App, logger *zap.Logger, c clock) *Reporter {
	r := &Reporter{logger: logger, ctx: ctx, bus: bus}
	r.sampler = newSampler(c, r.sumUp)
	r.kept = newSampler(c, r.sumUpKept)
	r.kept.byKey, r.kept.lines = true, linesOfKey
	return r
}

// Register puts collectors of the process into the metrics of a configuration.
func Register(ctx caddy.Context, collectors ...prometheus.Collector) error {
	for _, c := range collectors {
		err := ctx.GetMetricsRegistry().Register(c)
		if already := (prometheus.AlreadyRegisteredError{}); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}

// Close sums up what has not been written one by one. It is called when the
// configuration ends.
func (r *Reporter) Close() {
	r.sampler.close()
	r.kept.close()
}

// Report tells of e. What e carries from the request is cut to a bound and
// cleaned of characters that could forge or break a line. The details, which
// cost more to find out, are asked for only if e is written.
func (r *Reporter) Report(e Event, details ...func(*Event)) {
	counts, known := countsOf[e.Name]
	if !known {
		counts = newCounts(e.Name)
	}
	if e.Enforced {
		counts.enforced.Inc()
	} else {
		counts.observed.Inc()
	}
	if e.belongs() && r.keeps() && (!e.ofRequest() || r.kept.admit(&e)) {
		for _, complete := range details {
			complete(&e)
		}
		details = nil
		r.Note(e)
	}
	if e.ofRequest() && !r.sampler.admit(&e) {
		counts.summed.Inc()
		return
	}
	for _, complete := range details {
		complete(&e)
	}
	r.write(e)
}

// ofRequest reports whether somebody can make any number of such events, by
// sending requests: to a site, or to the admin endpoint.
func (e *Event) ofRequest() bool { return e.RequestID != "" || e.ClientIP.IsValid() }

func (r *Reporter) write(e Event) {
	e.clean()
	if entry := r.logger.Check(e.Level, e.Message); entry != nil {
		entry.Write(e.fields(time.Now())...)
	}
	if r.bus != nil && r.bus.ShouldEmit(BusEvent) {
		r.bus.Emit(r.ctx, BusEvent, e.data())
	}
}

// sumUp writes what was not written one by one within a window.
func (r *Reporter) sumUp(s summary) {
	s.tell(r.write)
}

// sumUpKept writes what stands in the trail only as a number.
func (r *Reporter) sumUpKept(s summary) { s.tell(r.Note) }

// tell makes the events that sum up a window.
func (s summary) tell(write func(Event)) {
	seconds := strconv.Itoa(int(max(s.span, time.Second).Seconds()))
	for _, from := range s.sources {
		write(Event{
			Name:     from.name,
			Message:  from.message + ", and " + grouped(from.more) + " more",
			Level:    zapcore.WarnLevel,
			ClientIP: from.client,
			KeyID:    from.key,
			Enforced: from.enforced,
			More:     from.more,
			Reason:   "events of this kind from " + from.networkName() + " that were not written one by one, within " + seconds + " s",
		})
	}
	if len(s.others) == 0 {
		return
	}
	total := 0
	var kinds []string
	for _, name := range slices.Sorted(maps.Keys(s.others)) {
		total += s.others[name]
		kinds = append(kinds, fmt.Sprintf("%s %s", grouped(s.others[name]), name))
	}
	sources := grouped(s.otherSources) + " further sources"
	if s.strangers {
		sources += " and others that were not told apart"
	}
	write(Event{
		Name:    ManyEvents,
		Message: "[SECURITY] Many sources at once, and " + grouped(total) + " more events",
		Level:   zapcore.WarnLevel,
		More:    total,
		Reason:  "from " + sources + ", within " + seconds + " s: " + strings.Join(kinds, ", "),
	})
}

// networkName is how a line names a source.
func (s source) networkName() string {
	switch {
	case !s.network.IsValid():
		return "clients without an address"
	case s.network.Addr().Is6():
		return s.network.String()
	}
	return s.network.Addr().String()
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// clean takes out of e what no log may hold.
func (e *Event) clean() {
	e.URI = Text(Redact(e.URI), maxURI)
	e.UserAgent = Text(Redact(e.UserAgent), maxUserAgent)
}

// fields are the fields of the log line, the two that people filter by first.
func (e Event) fields(now time.Time) []zap.Field {
	fields := make([]zap.Field, 0, 14)
	fields = append(fields,
		zap.String("event", string(e.Name)),
		zap.String("client_ip", e.clientIP()),
		// Caddy's "ts" is a float by default; collectors want a date.
		zap.String("time", now.Format(time.RFC3339)),
		zap.Bool("enforced", e.Enforced),
	)
	if e.More > 0 {
		fields = append(fields, zap.Int("more", e.More))
	}
	e.each(func(key, value string) { fields = append(fields, zap.String(key, value)) })
	return fields
}

func (e Event) data() map[string]any {
	data := map[string]any{
		"event":     string(e.Name),
		"message":   e.Message,
		"level":     e.Level.String(),
		"client_ip": e.clientIP(),
		"enforced":  e.Enforced,
	}
	if e.More > 0 {
		data["more"] = e.More
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

// each visits the fields that are set, in the order of the log line. They are
// cleaned like the message: reasons quote what a request brought along.
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
		{"step", e.Step},
		{"reason", e.Reason},
	} {
		if f.value != "" {
			visit(f.key, Text(f.value, maxURI))
		}
	}
}
