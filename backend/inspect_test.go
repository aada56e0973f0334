package backend_test

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/backend"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

func TestPlainTransportIsNamed(t *testing.T) {
	setenv(t)
	g := gatetest.Start(t, "GATE {\nagent_auth {\nkey ada {env.CLIENT_KEY}\n}\nreverse_proxy BACKEND\n}")
	const warning = "a reverse_proxy behind agent_auth uses a plain transport"
	if !strings.Contains(g.Log(), warning) || !strings.Contains(g.Log(), g.Backend.Addr()) {
		t.Errorf("no warning:\n%s", g.Log())
	}
	g = start(t, "", "")
	if strings.Contains(g.Log(), warning) {
		t.Error("a warning about our own transport")
	}
}

// TestUnguardedBackendIsNamed holds that a forgotten agent_auth is told of at
// each start.
func TestUnguardedBackendIsNamed(t *testing.T) {
	setenv(t)
	const warning = "none of them is agent_auth: everybody who reaches the site can use the backend"
	for site, warns := range map[string]bool{
		"agent_gate\nreverse_proxy BACKEND":                                                   true,
		"agent_rate_limit 100 1m\nreverse_proxy BACKEND {\ntransport agent_backend\n}":        true,
		"agent_gate\nagent_auth {\nanonymous read\n}\nreverse_proxy BACKEND":                  false,
		"agent_gate\nagent_auth /api/* {\nkey ada {env.CLIENT_KEY}\n}\nreverse_proxy BACKEND": false,
		"reverse_proxy BACKEND": false, // no site of the gate's
	} {
		g := gatetest.Start(t, "GATE {\n"+site+"\n}")
		if strings.Contains(g.Log(), warning) != warns {
			t.Errorf("%s: a warning: %v", site, !warns)
		}
	}
}

// TestRewritesBehindAuthAreNamed holds that the start tells of paths that nobody
// has judged in the form in which a plain proxy sends them.
func TestRewritesBehindAuthAreNamed(t *testing.T) {
	setenv(t)
	const warning = "the path is rewritten after agent_auth has judged it"
	for site, warns := range map[string]bool{
		"handle_path /v1/* {\nreverse_proxy BACKEND\n}":                                 true,
		"reverse_proxy BACKEND {\nrewrite /x{uri}\n}":                                   true,
		"route {\nuri strip_suffix x\nreverse_proxy BACKEND\n}":                         true,
		"rewrite * /x{uri}\nreverse_proxy BACKEND":                                      false, // before agent_auth
		"handle /v1/* {\nreverse_proxy BACKEND\n}":                                      false,
		"route {\nuri query +a b\nreverse_proxy BACKEND\n}":                             false,
		"handle_path /v1/* {\nreverse_proxy BACKEND {\ntransport agent_backend\n}\n}\n": false, // it refuses them
	} {
		g := gatetest.Start(t, "GATE {\nagent_auth {\nkey ada {env.CLIENT_KEY}\n}\n"+site+"\n}")
		if strings.Contains(g.Log(), warning) != warns {
			t.Errorf("%s: a warning: %v", site, !warns)
		}
	}
}

// TestExposedBackend holds that a backend which listens on more than loopback
// is named at the start, and that it is tried whether it answers there.
func TestExposedBackend(t *testing.T) {
	// The tests stay on loopback, so an address of its own plays the outward one.
	outward := "127.83.0.1"
	if runtime.GOOS != "linux" {
		outward = "127.0.0.1"
	}
	defer backend.SetOutwardAddrs(netip.MustParseAddr(outward))()
	l, err := net.Listen("tcp", net.JoinHostPort(outward, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, test := range []struct {
		listens       string
		warns, alarms bool
	}{
		{"0.0.0.0", true, true},
		{"{env.NOT_SET:0.0.0.0}", true, true},
		{"192.0.2.1", true, true},
		{"127.0.0.1", false, false},
		{"::1", false, false},
		{"localhost", false, false},
	} {
		g := gatetest.Start(t, "GATE {\nreverse_proxy 127.0.0.1:"+port+" {\ntransport agent_backend {\nlistens "+test.listens+"\n}\n}\n}")
		if got := strings.Contains(g.Log(), "told to listen on more than loopback"); got != test.warns {
			t.Errorf("%s: warned %v", test.listens, got)
		}
		if got := strings.Contains(g.Log(), "the backend answers on an outward address") && strings.Contains(g.Log(), l.Addr().String()); got != test.alarms {
			t.Errorf("%s: alarmed %v", test.listens, got)
		}
	}
}
