package ratelimit

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	namespace = "caddy"
	subsystem = "gatehouse"
)

// These collectors belong to the process: registered again with every
// configuration, they keep their counts over a reload. Their labels are names
// from the configuration, or bounded.
var (
	decisionsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_decisions_total",
		Help: "Decisions by tier, and outcome: admitted, refused, would_refuse (by a shadow tier), or returned (after the response).",
	}, []string{"tier", "outcome"})
	keyDecisionsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_key_decisions_total",
		Help: "Requests by key id and outcome: admitted or refused. The first 1000 key ids have their own; all others are \"(other)\", callers without a key \"(none)\".",
	}, []string{"key_id", "outcome"})
	foreignTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_foreign_refusals_total",
		Help: "Requests that the module caddy-ratelimit refused, by its zone.",
	}, []string{"zone"})
)

// What the shared store does. The labels are closed sets.
var (
	storeSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_store_seconds",
		Help:    "How long the shared store took to decide.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25},
	})
	storeOutages = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_store_outages_total",
		Help: "Outages of the shared store by reason: unreachable, slow, refusing (a full disk, a wrong password), or emptied (it has lost its memory).",
	}, []string{"reason"})
	storeLocal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "rate_limit_store_local_decisions_total",
		Help: "Decisions that this gate made alone because the shared store was away.",
	})
)

func init() {
	for _, reason := range redis.Reasons {
		storeOutages.WithLabelValues(string(reason))
	}
}

type tierMetrics struct{ admitted, refused, wouldRefuse, returned prometheus.Counter }

func newTierMetrics(tier string) tierMetrics {
	return tierMetrics{
		admitted:    decisionsTotal.WithLabelValues(tier, "admitted"),
		refused:     decisionsTotal.WithLabelValues(tier, "refused"),
		wouldRefuse: decisionsTotal.WithLabelValues(tier, "would_refuse"),
		returned:    decisionsTotal.WithLabelValues(tier, "returned"),
	}
}

var slotMetrics = newTierMetrics(slotTier)

// maxKeyLabels bounds the key ids that have counts of their own. It counts for
// the life of the process.
const maxKeyLabels = 1000

// keyMetrics counts by key id.
type keyMetrics struct {
	mu    sync.Mutex
	known atomic.Pointer[map[string]keyCounters]
	other keyCounters
	none  keyCounters
}

type keyCounters struct{ admitted, refused prometheus.Counter }

// processKeys, like its collectors, belong to the process.
var processKeys = newKeyMetrics()

func newKeyMetrics() *keyMetrics {
	k := &keyMetrics{other: newKeyCounters("(other)"), none: newKeyCounters("(none)")}
	k.known.Store(&map[string]keyCounters{})
	return k
}

func newKeyCounters(id string) keyCounters {
	return keyCounters{keyDecisionsTotal.WithLabelValues(id, "admitted"), keyDecisionsTotal.WithLabelValues(id, "refused")}
}

func (k *keyMetrics) count(who *gate.Principal, admitted bool) {
	c := k.none
	if who != nil && !who.Anonymous() {
		c = k.of(who.KeyID)
	}
	if admitted {
		c.admitted.Inc()
	} else {
		c.refused.Inc()
	}
}

func (k *keyMetrics) of(id string) keyCounters {
	if c, ok := (*k.known.Load())[id]; ok {
		return c
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := *k.known.Load()
	if c, ok := known[id]; ok {
		return c
	}
	if len(known) >= maxKeyLabels {
		return k.other
	}
	next := maps.Clone(known)
	next[id] = newKeyCounters(id)
	k.known.Store(&next)
	return next[id]
}

// register registers the metrics with the registry of a configuration.
func (c *counters) register(ctx caddy.Context) error {
	return events.Register(ctx, decisionsTotal, keyDecisionsTotal, foreignTotal, storeSeconds, storeOutages, storeLocal, state{c})
}

// state collects the state of the counters.
type state struct{ of *counters }

func describeState(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, nil, nil)
}

var (
	descClients    = describeState("rate_limit_clients", "Clients with counters of their own.")
	descKeys       = describeState("rate_limit_clients_with_key", "Of the clients, those with a key.")
	descPlaces     = describeState("rate_limit_client_places", "Places for clients. When all are taken, newcomers are counted with their network.")
	descCells      = describeState("rate_limit_shared_cells", "Networks whose newcomers are counted together.")
	descEvictions  = describeState("rate_limit_evictions_total", "Clients removed because nothing of them was left in any window.")
	descSharedUses = describeState("rate_limit_shared_decisions_total", "Decisions about clients that are counted with their network.")
	descBytes      = describeState("rate_limit_memory_bytes", "Memory of the counters and their index.")
	descStore      = describeState("rate_limit_store_up", "1 while the shared store decides, 0 while this gate decides alone. Absent without a store.")
	descSlots      = describeState("rate_limit_slots_in_use", "Requests and streams in flight that hold a slot.")
)

// Describe implements prometheus.Collector.
func (s state) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		descClients, descKeys, descPlaces, descCells, descEvictions, descSharedUses, descBytes, descStore, descSlots,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (s state) Collect(ch chan<- prometheus.Metric) {
	now := s.of.table.Stats()
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value)
	}
	send(descClients, prometheus.GaugeValue, float64(now.Clients))
	send(descKeys, prometheus.GaugeValue, float64(now.Keys))
	send(descPlaces, prometheus.GaugeValue, float64(now.MaxClients))
	send(descCells, prometheus.GaugeValue, float64(now.Cells))
	send(descEvictions, prometheus.CounterValue, float64(now.Evictions))
	send(descSharedUses, prometheus.CounterValue, float64(now.SharedUses))
	send(descBytes, prometheus.GaugeValue, float64(now.Bytes))
	if store := s.of.store.Load(); store != nil {
		up := 1.0
		if store.State().Away {
			up = 0
		}
		send(descStore, prometheus.GaugeValue, up)
	}
	send(descSlots, prometheus.GaugeValue, float64(s.of.slots.used()))
}
