package admin

import (
	"slices"
	"testing"
)

func TestMistakesIn(t *testing.T) {
	const way = "loading http app module: provision http: server srv0: setting up route handlers: route 0: loading handler modules: position 0: loading module 'agent_ip': provision http.handlers.agent_ip: "
	for text, want := range map[string][]string{
		way + "Caddyfile:3: one\nCaddyfile:4: two":                                 {"Caddyfile:3: one", "Caddyfile:4: two"},
		"loading new config: " + way + "Caddyfile:3: one":                          {"Caddyfile:3: one"},
		"provision gatehouse: loading the parts: provision gatehouse.keys: x:1: y": {"x:1: y"},
		"http.handlers.agent_gate: invalid configuration: wrong":                   {"wrong"},
		`sending configuration to instance: caddy responded with error: HTTP 400: {"error":"loading config: ` + way + `the line with ` + "`a \\u003cb\\u003e`" + `: one\nCaddyfile:4: two"}` + "\n": {"the line with `a <b>`: one", "Caddyfile:4: two"},

		"adapting config using caddyfile: parsing caddyfile tokens for 'gatehouse': parsing caddyfile tokens for 'agent_auth': one, at Caddyfile:3\ntwo, at Caddyfile:4 (say (it) so)": {
			"Caddyfile:3: one", "Caddyfile:4: two (say (it) so)"},
		"parsing caddyfile tokens for 'gatehouse': one, two, at Caddyfile:2 (line 7 of `gatehouse preset elizaos`)": {"Caddyfile:2 (line 7 of `gatehouse preset elizaos`): one, two"},
		"adapting config using caddyfile: Caddyfile:2: unrecognized directive: agent_x":                             {"Caddyfile:2: unrecognized directive: agent_x"},

		"loading http app module: provision http: server srv0: listen tcp :80: bind: permission denied": nil,
		"sending configuration to instance: performing request: connection refused":                     nil,
	} {
		if got := mistakesIn(text); !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q", text, got, want)
		}
	}
}
