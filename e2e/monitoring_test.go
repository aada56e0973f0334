package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// query is one of the dashboard's or of the alerts'.
type query struct{ name, expr string }

// panels are the queries of the dashboard of examples/monitoring.
func panels(t *testing.T) (queries []query) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(monitoring(t, "grafana/gatehouse.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			// What Grafana would put there, by the interval of the scrapes.
			queries = append(queries, query{panel.Title, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")})
		}
	}
	if len(queries) < 10 {
		t.Fatalf("only %d queries in the dashboard", len(queries))
	}
	return queries
}

// alerts are the rules of examples/monitoring, as Prometheus has read them.
func alerts(t *testing.T, p *house.Prometheus) (queries []query) {
	t.Helper()
	var read struct {
		Groups []struct {
			Rules []struct{ Name, Query, Health, LastError string }
		}
	}
	p.Get(t, "/api/v1/rules", &read)
	for _, group := range read.Groups {
		for _, rule := range group.Rules {
			if rule.Health == "err" {
				t.Errorf("%s: %s", rule.Name, rule.LastError)
			}
			queries = append(queries, query{rule.Name, rule.Query})
		}
	}
	if len(queries) < 5 {
		t.Fatalf("only %d rules", len(queries))
	}
	return queries
}

// TestAlertRules runs the cases beside the rules: for each one that fires and
// one that does not.
func TestAlertRules(t *testing.T) {
	house.Promtool(t, filepath.Join(house.Root(), "examples/monitoring/prometheus"), "test", "rules", "alerts_test.yml")
	cases := monitoring(t, "prometheus/alerts_test.yml")
	for line := range strings.Lines(monitoring(t, "prometheus/alerts.yml")) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "alert: "); ok {
			for _, which := range []string{" fires\n", " is silent\n"} {
				if !strings.Contains(cases, name+which) {
					t.Errorf("no case in which %s%s", name, which)
				}
			}
		}
	}
}

// TestMonitoring holds that a Prometheus reads the gate's metrics, that every
// alert of examples/monitoring is silent before there is a reason and has one
// afterwards, and that every panel of the dashboard shows something then.
func TestMonitoring(t *testing.T) {
	const key = "a-key-of-the-monitoring-test-4711"
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "keys.json")
	writeKeys := func(text string) {
		t.Helper()
		if err := os.WriteFile(keyFile+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(keyFile+".new", keyFile); err != nil {
			t.Fatal(err)
		}
	}
	writeKeys(`{"version":1,"keys":[]}`)
	metrics, nobody := house.Port(t), house.Port(t)
	sites := func(danger string) string {
		return fmt.Sprintf(`
http://127.0.0.1:%d {
	metrics
}
http://localhost {
	%s
	agent_security_log
	agent_auth {
		key ada {env.ADA_KEY}
	}
	agent_rate_limit {
		tier api /limited {
			limit 1 15m
		}
	}
	reverse_proxy 127.0.0.1:%d {
		transport agent_backend
	}
}
`, metrics, danger, nobody)
	}
	global := "\tlog {\n\t\tformat agent\n\t}\n\tgatehouse {\n\t\tkeys " + keyFile + "\n\t}\n"
	g := house.StartGate(t, house.GateConfig{Env: []string{"ADA_KEY=" + key}, Global: global, Sites: sites("agent_gate")})
	p := house.StartPrometheus(t,
		strings.NewReplacer("15s", "1s", "127.0.0.1:9180", fmt.Sprintf("127.0.0.1:%d", metrics)).Replace(monitoring(t, "prometheus/prometheus.yml")),
		map[string]string{"alerts.yml": monitoring(t, "prometheus/alerts.yml")})
	scrapes := func() int {
		samples := p.Query(t, `count_over_time(up{job="gatehouse"}[1h])`)
		if len(samples) == 0 {
			return 0
		}
		n, err := strconv.Atoi(samples[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	awaitScrapes := func(more int) {
		t.Helper()
		until := scrapes() + more
		p.Retry(t, func() error {
			if n := scrapes(); n < until {
				return fmt.Errorf("%d scrapes, not %d", n, until)
			}
			return nil
		})
	}
	awaitScrapes(3)
	p.Retry(t, func() error { // a scrape that takes more than its second is one that fails
		for _, alert := range alerts(t, p) {
			if found := p.Query(t, alert.expr); len(found) > 0 {
				return fmt.Errorf("%s has a reason before anything has happened: %v", alert.name, found)
			}
		}
		return nil
	})

	client := house.Client(t, "")
	send := func(target, key string, want int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://localhost:%d%s", g.Config.HTTPPort, target), nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			request.Header.Set("X-API-KEY", key)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Fatalf("%s answers %d, not %d", target, response.StatusCode, want)
		}
	}
	send("/limited", key, http.StatusBadGateway) // nobody is behind the gate
	awaitScrapes(2)
	for range 800 {
		send("/?id=1%27%20or%201=1--", "", http.StatusUnauthorized)
		send("/limited", key, http.StatusTooManyRequests)
	}
	for range 40 {
		send("/", key, http.StatusBadGateway)
	}
	writeKeys("{")
	g.WaitFor(t, "sys_key_file_broken")
	awaitScrapes(2)
	writeKeys(`{"version":1,"keys":[]}`) // a reload takes no broken one
	g.Reload(t, sites("agent_gate {\n\t\tallow_unsafe unredacted_log \"to see the alert\"\n\t}\n\tlog {\n\t\toutput file "+filepath.Join(t.TempDir(), "access.log")+"\n\t\tformat json\n\t}"), global)
	awaitScrapes(2)

	for _, panel := range panels(t) {
		if len(p.Query(t, panel.expr)) == 0 {
			t.Errorf("the panel %q shows nothing: %s", panel.name, panel.expr)
		}
	}
	// Some alerts have their reason while the gate runs, one when it is gone.
	fired := map[string]bool{}
	fire := func() {
		for _, alert := range alerts(t, p) {
			fired[alert.name] = fired[alert.name] || len(p.Query(t, alert.expr)) > 0
		}
	}
	fire()
	g.Stop()
	awaitScrapes(2)
	fire()
	for _, alert := range alerts(t, p) {
		// A valid key in the clear takes a gate with https: promtool's cases have it.
		if alert.name != "GatehouseKeyExposed" && !fired[alert.name] {
			t.Errorf("%s has no reason: %s", alert.name, alert.expr)
		}
	}
}
