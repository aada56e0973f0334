package gate_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestTrustedProxiesOfTheWorld holds that a configuration is refused in which
// every client may choose the address that it is taken for, and no other.
func TestTrustedProxiesOfTheWorld(t *testing.T) {
	const cloudflare = "static 173.245.48.0/20 103.21.244.0/22 141.101.64.0/18 162.158.0.0/15 104.16.0.0/13 172.64.0.0/13 2400:cb00::/32 2606:4700::/32 2a06:98c0::/29"
	for proxies, refused := range map[string]bool{
		"static 0.0.0.0/0":             true,
		"static ::/0":                  true,
		"static 10.0.0.7 0.0.0.0/0":    true,
		"static 0.0.0.0/1 128.0.0.0/1": true,
		"static 2000::/3":              true,
		"static 10.0.0.7":              false,
		"static private_ranges":        false,
		"static 16.0.0.0/4":            false,
		cloudflare:                     false,
	} {
		g := gatetest.New(t)
		config := "{\nservers {\ntrusted_proxies " + proxies + "\n}\nGLOBAL\n}\nGATE {\nagent_auth {\nanonymous read\n}\n}"
		err := g.Validate(strings.Replace(config, "GLOBAL", "", 1))
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "allow_unsafe trusted_proxies") {
			t.Errorf("%s: %v", proxies, err)
		}
		accepted := strings.Replace(config, "GLOBAL", "gatehouse {\nallow_unsafe trusted_proxies \"the front door is another's\"\n}", 1)
		if err := g.Validate(accepted); err != nil {
			t.Errorf("%s, accepted: %v", proxies, err)
		}
	}
	// Accepted, it is an event at every start.
	g := gatetest.Start(t, "{\nservers {\ntrusted_proxies static ::/0\n}\ngatehouse {\nallow_unsafe trusted_proxies \"the front door is another's\"\n}\n}\nGATE {\nagent_auth {\nanonymous read\n}\n}")
	if events := g.Events(); len(events) != 1 || events[0]["event"] != "sys_danger_accepted" || events[0]["rule"] != "trusted_proxies" {
		t.Errorf("%v", events)
	}
	// A server without a handler of the gate's is nobody's business here.
	if err := gatetest.New(t).Validate("{\nservers {\ntrusted_proxies static 0.0.0.0/0\n}\n}\nGATE {\nrespond ok\n}"); err != nil {
		t.Error(err)
	}
}
