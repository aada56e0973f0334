package events_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestWebhookOfNoEvent holds that a webhook that would never post is refused, and
// that those of other modules' events are left alone.
func TestWebhookOfNoEvent(t *testing.T) {
	for name, want := range map[string]string{
		"agent_security":        "",
		"cert_obtained":         "",
		"rate_limit_exceeded":   "",
		"agent_started":         "",
		"agent_securty":         "that of the gate is agent_security",
		"Agent-Security":        "that of the gate is agent_security",
		"agent_securities":      "",
		"security":              "that of the gate is agent_security",
		"authn_login_fail":      "their field `event` is authn_login_fail",
		"attack_no_such_attack": "",
	} {
		err := gatetest.New(t).Validate("{\nevents {\non " + name + " agent_webhook https://hook.example\n}\n}\nGATE {\nagent_gate\n}")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s is refused: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), "`on "+name+" agent_webhook` would never post") || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}
