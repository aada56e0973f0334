package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestFieldsThatNeverArrive holds that a header is refused where one is looked
// for exactly if Caddy drops it before.
func TestFieldsThatNeverArrive(t *testing.T) {
	servers := map[string]string{
		"by default":  "",
		"underscores": "expected_underscore_headers X_Api_Key hook_* both_ways.id",
		"dots":        "expected_dot_headers X.Api.Key hook.*",
		"all":         "expected_underscore_headers X_Api_Key\nexpected_dot_headers both_ways.id",
	}
	names := []string{"X-Api-Key", "X_API_KEY", "x.api.key", "Hook-Name", "HOOK_NAME", "hook.name", "hook_", "hook", "both_ways.id", "both-ways-id", "hook_name.id", "other_name", "Plain"}
	for name, options := range servers {
		t.Run(name, func(t *testing.T) {
			global := "{\nservers {\n" + options + "\n}\n}\n"
			g := gatetest.Start(t, global+"GATE {\nreverse_proxy BACKEND\n}")
			arrives := make(map[string]bool)
			for _, field := range names {
				if res := g.Get("/", field, "some value"); res.Status != http.StatusOK {
					t.Fatalf("%s: %d", field, res.Status)
				}
				arrives[field] = g.Backend.Last().Header.Get(field) != ""
			}
			for _, field := range names {
				for what, directive := range map[string]string{
					"accept":     "agent_auth {\naccept header " + field + "\nkey a {$KEY:" + key + "}\n}",
					"header":     "agent_security_log {\nheader " + field + "\n}",
					"by":         "agent_rate_limit {\ntier a {\nlimit 1 1s\nby {http.request.header." + field + "}\n}\n}",
					"agent_cors": "agent_cors https://app.example.com {\nheaders " + field + "\n}",
				} {
					before := len(g.Log())
					err := g.Validate(global + "GATE {\n" + directive + "\nreverse_proxy BACKEND\n}")
					said := g.Log()[before:]
					if err != nil {
						said = err.Error()
					}
					if dropped := strings.Contains(said, "the header "+field+" never gets here"); dropped == arrives[field] {
						t.Errorf("%s arrives: %v, and %s is told: %v, %v", field, arrives[field], what, dropped, err)
					} else if dropped && what != "agent_cors" && (!strings.Contains(said, "Caddyfile:") || !strings.Contains(said, what+": the header")) {
						t.Errorf("%s does not say where it stands: %s", what, said)
					}
				}
			}
		})
	}
}
