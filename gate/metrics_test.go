package gate_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestEventsAreCounted holds that each refusal is counted once, by the name of
// its event, and that the counts go on over a reload.
func TestEventsAreCounted(t *testing.T) {
	t.Setenv("KEY", key)
	g := gatetest.Start(t, doorSite(t, "elizaos"))
	before := counted(t, "authn_login_fail")
	g.Get("/")
	if got := counted(t, "authn_login_fail"); got != before+1 {
		t.Errorf("counted %v, then %v", before, got)
	}
	if err := g.Load(doorSite(t, "code")); err != nil {
		t.Fatal(err)
	}
	g.Get("/")
	if got := counted(t, "authn_login_fail"); got != before+2 {
		t.Errorf("after a reload: %v, before all %v", got, before)
	}
}

// counted is the value of the running gate's counter for an event.
func counted(t *testing.T, event string) (total float64) {
	t.Helper()
	ctx := caddy.ActiveContext()
	families, err := ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "caddy_gatehouse_security_events_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "event" && strings.EqualFold(label.GetValue(), event) {
					total += metric.GetCounter().GetValue()
				}
			}
		}
	}
	return total
}
