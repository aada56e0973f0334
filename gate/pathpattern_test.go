package gate_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// A rule on a path that no request has when it comes there is refused, in every
// option that takes paths, with the line where the path is written.
func TestPathsThatNoRequestHas(t *testing.T) {
	g := gatetest.New(t)
	for _, test := range []struct{ site, directive, option string }{
		{"GATE", "agent_auth {\nanonymous read", "public PATH"},
		{"GATE", "agent_auth {\nanonymous read", "require admin PATH"},
		{"GATE", "agent_auth {\nanonymous read", "require admin @named"},
		{"GATE", "agent_rate_limit {\nheaders draft6", "tier api /x PATH {\nlimit 1 1m\n}"},
		{"GATE", "agent_rate_limit {\nheaders draft6", "concurrent 5 PATH"},
		{"GATE", "agent_validate {\nmethods GET", "max_body 2MB PATH"},
		{"http://:8199", "agent_auth {\nanonymous read", "require admin PATH"},
	} {
		for _, path := range []struct{ written, why string }{{"/a;b", "semicolon"}, {"/a%3Bb", "semicolon"}, {"//a", "empty segments"}, {"/a", ""}} {
			for _, passes := range []bool{false, true} {
				semicolons := ""
				if passes {
					semicolons = "semicolons pass"
				}
				text := test.site + " {\n@named path PATH\nagent_gate {\n" + semicolons + "\n}\n" + test.directive + "\n" + test.option + "\n}\nrespond in\n}"
				err := g.Validate(strings.ReplaceAll(text, "PATH", path.written))
				switch refused := path.why != "" && (!passes || path.why != "semicolon"); {
				case (err != nil) != refused:
					t.Errorf("%s in %s with %q: %v", path.written, test.option, semicolons, err)
				case refused && (!strings.Contains(err.Error(), "Caddyfile:8: ") || !strings.Contains(err.Error(), "the path "+strings.ToLower(path.written)) || !strings.Contains(err.Error(), path.why)):
					t.Errorf("%s in %s: %v", path.written, test.option, err)
				}
			}
		}
	}
}

func TestDirectivesOnPathsThatNoRequestHas(t *testing.T) {
	for _, test := range []struct {
		site, gate, directive string
		warns                 bool
	}{
		{"GATE", "", "agent_ip /a;b", true},
		{"GATE", "", "agent_ip //a", true},
		{"GATE", "", "agent_ip /a", false},
		{"GATE", "", "agent_ip", false},
		{"GATE", "semicolons pass", "agent_ip /a;b", false},
		{"GATE", "semicolons pass", "agent_ip //a", true},
	} {
		g := gatetest.Start(t, test.site+" {\nagent_gate {\n"+test.gate+"\n}\n"+test.directive+" {\ndeny 192.0.2.0/24\n}\nrespond in\n}")
		warned := strings.Contains(g.Log(), "a directive has a matcher with a path that no request has") && strings.Contains(g.Log(), `"directive":"agent_ip"`)
		if warned != test.warns {
			t.Errorf("%s with %q: warned %t\n%s", test.directive, test.gate, warned, g.Log())
		}
	}
	g := gatetest.Start(t, "GATE {\nagent_gate //a\nrespond in\n}")
	if strings.Contains(g.Log(), "a directive has a matcher") {
		t.Errorf("paths are not yet cleaned before agent_gate:\n%s", g.Log())
	}
}
