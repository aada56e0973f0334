package ratelimit_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// series are the values of a metric by the values of its labels, in the order of
// the labels' names, with a slash between.
func series(t *testing.T, name string) map[string]float64 {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			key := ""
			for i, label := range m.GetLabel() {
				if i > 0 {
					key += "/"
				}
				key += label.GetValue()
			}
			values[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

// TestMetrics holds the figures that docs/rate-limiting.md tells people to read.
// They belong to the process, so what is looked at is how they grow.
func TestMetrics(t *testing.T) {
	g := start(t, site(`{
		tier metered /a {
			limit 2 15m
		}
		tier tried /b {
			limit 1 15m
			shadow
		}
		tier failing /c {
			limit 5 15m
			count failures
		}
		concurrent 5
	}`))
	decisions := func() map[string]float64 {
		return series(t, "caddy_gatehouse_rate_limit_decisions_total")
	}
	keys := func() map[string]float64 { return series(t, "caddy_gatehouse_rate_limit_key_decisions_total") }
	before, beforeKeys := decisions(), keys()
	expect(t, "a tier", statuses(g, 3, "/a", "X-API-KEY", carlKey), 2, 1)
	expect(t, "a shadow", statuses(g, 3, "/b"), 3, 0)
	expect(t, "failures", statuses(g, 2, "/c"), 2, 0)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	statuses(g, 1, "/c")

	after, afterKeys := decisions(), keys()
	for label, want := range map[string]float64{
		"admitted/metered": 2, "refused/metered": 1,
		"admitted/tried": 1, "would_refuse/tried": 2, "refused/tried": 0,
		"admitted/failing": 3, "returned/failing": 2,
		"admitted/concurrent": 9, "refused/concurrent": 0,
	} {
		if got := after[label] - before[label]; got != want {
			t.Errorf("decisions %s: %v, want %v", label, got, want)
		}
	}
	for label, want := range map[string]float64{"carl/admitted": 2, "carl/refused": 1, "(none)/admitted": 6} {
		if got := afterKeys[label] - beforeKeys[label]; got != want {
			t.Errorf("keys %s: %v, want %v (%v)", label, got, want, afterKeys)
		}
	}
	for name, want := range map[string]float64{
		"rate_limit_clients": 2, "rate_limit_clients_with_key": 1, "rate_limit_client_places": 1 << 20, "rate_limit_slots_in_use": 0,
		"rate_limit_shared_cells": 0, "rate_limit_shared_decisions_total": 0, "rate_limit_evictions_total": 0,
	} {
		gatetest.Await(t, name, func() bool { return series(t, "caddy_gatehouse_"+name)[""] == want })
	}
	if series(t, "caddy_gatehouse_rate_limit_memory_bytes")[""] <= 0 {
		t.Error("the counters take no memory")
	}
	if _, there := gauge(t, "caddy_gatehouse_rate_limit_store_up"); there {
		t.Error("without a store there is a state of it")
	}
}

// TestKeyLabelsAreBounded holds that whoever makes keys without end makes no
// labels without end.
func TestKeyLabelsAreBounded(t *testing.T) {
	start(t, site("5 15m"))
	const name = "caddy_gatehouse_rate_limit_key_decisions_total"
	before := len(series(t, name))
	other := series(t, name)["(other)/admitted"]
	ratelimit.CountNewKeys(ratelimit.MaxKeyLabels + 50)
	// Two outcomes for each.
	if grown := len(series(t, name)) - before; grown != 2*ratelimit.MaxKeyLabels {
		t.Errorf("%d series more", grown)
	}
	if got := series(t, name)["(other)/admitted"] - other; got != 50 {
		t.Errorf("%v requests of other keys", got)
	}
}

// TestNamesOfMetrics holds the gate's metrics to Prometheus' own rules of naming.
func TestNamesOfMetrics(t *testing.T) {
	start(t, site("5 15m"))
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := families[:0]
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "caddy_gatehouse_") {
			ours = append(ours, family)
		}
		// Older ones of Prometheus' tools take the name of any kind for the metric's.
		for _, kind := range []string{"_counter", "_gauge", "_histogram", "_summary"} {
			if strings.Contains(family.GetName()+"_", kind+"_") && strings.HasPrefix(family.GetName(), "caddy_gatehouse_") {
				t.Errorf("%s has the name of a kind of metrics in its name", family.GetName())
			}
		}
	}
	problems, err := promlint.NewWithMetricFamilies(ours).Lint()
	if err != nil || len(ours) == 0 {
		t.Fatalf("%d families, %v", len(ours), err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}
