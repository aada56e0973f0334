package gate_test

import (
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestOverridesEndHere holds that the backend is not told of another path or
// another method than those that were judged.
func TestOverridesEndHere(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_gate\nreverse_proxy BACKEND {\ntransport agent_backend\n}\n}")
	res := g.Send("POST", "/api/x", "", "x-original-url", "/admin", "X-Rewrite-URL", "/admin", "X-HTTP-Method-Override", "DELETE",
		"X-HTTP-Method", "DELETE", "X-Method-Override", "DELETE", "X-Http-Version", "passes")
	if res.Status != 200 {
		t.Fatalf("%d", res.Status)
	}
	for name, values := range g.Backend.Last().Header {
		if values[0] == "/admin" || values[0] == "DELETE" {
			t.Errorf("the backend got %s: %s", name, values)
		}
	}
	if g.Backend.Last().Header.Get("X-Http-Version") == "" {
		t.Error("another field is lost")
	}
}

// TestClaimsEndHere holds that the backend hears of a client's address from
// trusted proxies alone, and from none by a field that only looks like theirs.
func TestClaimsEndHere(t *testing.T) {
	const site = "GATE {\nagent_gate\nreverse_proxy BACKEND {\ntransport agent_backend\n}\n}"
	sent := []string{"X-Real-IP", "1", "forwarded", "for=1", "True-Client-IP", "1", "CF-Connecting-IP", "1", "X-Client-IP", "1",
		"X_Real_IP", "1", "x_forwarded_for", "1", "X_Api-Key", "1", "X_Entity_ID", "1", "X_Rewrite_URL", "1", "Content_Length", "1",
		"X-Real-Ipx", "passes"}
	for name, test := range map[string]struct {
		options string
		want    []string
	}{
		"anybody":         {"", []string{"X-Real-Ipx"}},
		"a trusted proxy": {"{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\n", []string{"X-Real-Ipx", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"}},
	} {
		g := gatetest.Start(t, test.options+site)
		if res := g.Get("/api/x", sent...); res.Status != 200 {
			t.Fatalf("%s: %d", name, res.Status)
		}
		got := g.Backend.Last().Header
		for _, field := range test.want {
			if got.Get(field) == "" && len(got[field]) == 0 {
				t.Errorf("of %s the backend does not hear %s", name, field)
			}
			delete(got, field)
		}
		for field, values := range got {
			if values[0] == "1" || values[0] == "for=1" {
				t.Errorf("of %s the backend hears %s: %s", name, field, values)
			}
		}
	}
}
