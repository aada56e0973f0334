package e2e_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// Mozilla's HTTP Observatory grades the gate in front of the real server, for
// the API and for the UI, and beside it what stands without the gate: the bare
// server, the same behind TLS alone, and Helmet's defaults.
func TestObservatory(t *testing.T) {
	e := house.SharedElizaOS(t)
	observatory := house.StartObservatory(t)
	ui, tls, helmet := house.Port(t), house.Port(t), house.Port(t)
	g := house.StartGate(t, house.GateConfig{
		// The Observatory asks one port for https and, for the redirect, for http.
		Global: "\tservers {\n\t\tlistener_wrappers {\n\t\t\thttp_redirect\n\t\t\ttls\n\t\t}\n\t}",
		Sites: fmt.Sprintf(`
localhost {
	gatehouse elizaos 127.0.0.1:%[1]d
}
localhost:%[2]d {
	gatehouse elizaos 127.0.0.1:%[1]d {
		ui on
	}
}
localhost:%[3]d {
	reverse_proxy 127.0.0.1:%[1]d
}
localhost:%[4]d {
	reverse_proxy 127.0.0.1:%[5]d
}`, e.Port, ui, tls, helmet, observatory.HelmetPort),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	for _, site := range []struct {
		name  string
		port  int
		least int
		full  bool // passes every test
	}{
		{"the gate, API", g.Config.HTTPSPort, 130, true},
		{"the gate, UI", ui, 100, false},
		{"ElizaOS behind TLS alone", tls, 0, false},
		{"ElizaOS, bare", e.Port, 0, false},
		{"Helmet's defaults behind TLS", helmet, 0, false},
	} {
		grade := observatory.Scan(t, fmt.Sprintf("localhost:%d", site.port), g.LocalCA())
		t.Logf("%-30s %-2s %3d, %d of %d tests passed %v", site.name, grade.Grade, grade.Score, grade.Passed, grade.Passed+grade.Failed, grade.Deductions)
		if grade.Score < site.least || site.full && grade.Failed > 0 {
			t.Errorf("%s: at least %d was expected", site.name, site.least)
		}
	}
}
