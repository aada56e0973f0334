package gate

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// decisionSeconds belongs to the process: registered again with every
// configuration, it keeps its counts over a reload.
var decisionSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Namespace: "caddy",
	Subsystem: "gatehouse",
	Name:      "decision_seconds",
	Help:      "Time from a request's arrival at the gate to its decision: passed to the backend (by the transport agent_backend), refused, or failed (a status of 500 or more).",
	Buckets:   []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .005, .025, .1, .5, 2.5, 10},
}, []string{"decision"})

// refusalsTotal belongs to the process, too. Codes come from the gate and from
// the configuration (a tier's code), never from a request.
var refusalsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy",
	Subsystem: "gatehouse",
	Name:      "refusals_total",
	Help:      "Answers of the gate in place of the backend's, by status and code: refusals, and failures such as BACKEND_UNAVAILABLE.",
}, []string{"status", "code"})

// The decisions on a request.
const (
	decidedPass   = "passed"
	decidedRefuse = "refused"
	decidedFail   = "failed"
)

var decisionObservers = map[string]prometheus.Observer{
	decidedPass:   decisionSeconds.WithLabelValues(decidedPass),
	decidedRefuse: decisionSeconds.WithLabelValues(decidedRefuse),
	decidedFail:   decisionSeconds.WithLabelValues(decidedFail),
}

// Passed tells the metrics and the trace that every check has let the request
// pass. The transport calls it; calls after the first count for nothing.
func (req *Request) Passed(ctx context.Context) { req.decide(ctx, nil) }

// decide tells of the decision on a request: the refusal, or that it passed.
// What fails after it has passed is told too, but not counted twice.
func (req *Request) decide(ctx context.Context, f *Refusal) {
	decision := decidedPass
	switch {
	case f == nil:
	case f.Status >= http.StatusInternalServerError:
		decision = decidedFail
	default:
		decision = decidedRefuse
	}
	if !req.decided.Swap(true) {
		decisionObservers[decision].Observe(time.Since(req.began).Seconds())
	}
	if f != nil {
		refusalsTotal.WithLabelValues(strconv.Itoa(f.Status), f.Code).Inc()
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := []attribute.KeyValue{
		attribute.String("gatehouse.decision", decision),
		attribute.String("gatehouse.request_id", req.ID),
	}
	add := func(key, value string) {
		if value != "" {
			attributes = append(attributes, attribute.String(key, clean(value)))
		}
	}
	if p := req.Principal; p != nil {
		add("gatehouse.key_id", p.KeyID)
		add("gatehouse.plan", p.Plan)
	}
	if f != nil {
		add("gatehouse.code", f.Code)
	}
	span.SetAttributes(attributes...)
}

// traceEvent puts a security event on the request's span, if Caddy traces it.
// Nothing of what the request brought along goes there: traces are read by
// more people than the security log.
func traceEvent(ctx context.Context, e events.Event) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := []attribute.KeyValue{attribute.Bool("gatehouse.enforced", e.Enforced)}
	for _, a := range [...]struct{ key, value string }{
		{"gatehouse.tier", e.Tier},
		{"gatehouse.class", e.Class},
		{"gatehouse.rule", e.Rule},
	} {
		if a.value != "" {
			attributes = append(attributes, attribute.String(a.key, clean(a.value)))
		}
	}
	span.AddEvent(string(e.Name), trace.WithAttributes(attributes...))
}

// clean makes a value fit to be shown.
func clean(value string) string { return events.Text(events.Redact(value), 256) }
