package gate_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const loggedSite = `{
	GLOBAL
}
GATE {
	SITE
	agent_gate {
		OPTIONS
	}
	agent_auth {
		key ada {env.KEY}
	}
	respond "in"
}`

func withLog(global, site, options string) string {
	return strings.NewReplacer("GLOBAL", global, "SITE", site, "OPTIONS", options).Replace(loggedSite)
}

func TestLogsThatPrintKeys(t *testing.T) {
	t.Setenv("KEY", key)
	const agent = "log {\nformat agent\n}"
	for _, c := range []struct {
		name, global, site, options string
		refused                     bool
	}{
		{"no access log", "", "", "", false},
		{"json", "", "log", "", true},
		{"console", "", "log {\nformat console\n}", "", true},
		{"agent in both", agent, agent, "", false},
		{"agent in the default log, where the site's goes", agent, "log", "", false},
		{"agent in the site alone", "", agent, "", true},
		{"agent in the default log alone", agent, "log {\noutput discard\nformat json\n}", "", false}, // nothing is written
		{"json in the site alone", agent, "log {\nformat json\n}", "", true},
		{"agent around console", agent, "log {\nformat agent {\nwrap console\n}\n}", "", false},
		{"a filter that forgets the Referer", agent, "log {\nformat filter {\nrequest>headers>X-Api-Key delete\nrequest>uri query {\ndelete api_key\n}\n}\n}", "", true},
		{"a filter that forgets nothing", agent, "log {\nformat filter {\nrequest>headers delete\nrequest>uri delete\n}\n}", "", false},
		{"a log of its own by log_name", agent, agent + "\nlog other {\nformat json\nno_hostname\n}\nlog_name other", "", true},
		{"credentials", "servers {\nlog_credentials\n}\n" + agent, agent, "", false},
		{"debugging", "debug", "", "", true},
		{"debugging, with agent", "debug\n" + agent, "", "", false},
		{"accepted", "", "log", `allow_unsafe unredacted_log "a test"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := gatetest.New(t)
			err := g.Load(withLog(c.global, c.site, c.options))
			if (err != nil) != c.refused {
				t.Fatalf("refused: %v, wanted %t", err, c.refused)
			}
			// `caddy validate` starts nothing, and says the same.
			if err := g.Validate(withLog(c.global, c.site, c.options)); (err != nil) != c.refused {
				t.Fatalf("refused while validating: %v, wanted %t", err, c.refused)
			}
			if err != nil && (!strings.Contains(err.Error(), "format agent") || !strings.Contains(err.Error(), "unredacted_log")) {
				t.Errorf("the message does not say what to do: %v", err)
			}
		})
	}
}

func TestAcceptedFinding(t *testing.T) {
	t.Setenv("KEY", key)
	accepted := `allow_unsafe unredacted_log "a test"`
	g := gatetest.Start(t, withLog("", "log", accepted))
	g.Get("/a?api_key=0123456789abcdef", "X-API-KEY", key, "Referer", "https://x.test/?api_key="+key)
	var lines []map[string]any
	for _, line := range g.Lines() {
		if line["logger"] == "http.log.access" {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || lines[0]["status"] != float64(200) || lines[0]["size"] != float64(2) || lines[0]["user_id"] != "ada" || lines[0]["msg"] != "handled request" {
		t.Fatalf("not one line as Caddy writes it: %v", lines)
	}
	for _, secret := range []string{key, "0123456789abcdef"} {
		if strings.Contains(g.Log(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, g.Log())
		}
	}

	// At every start, a reload among them.
	if err := g.Load(withLog("", "log", accepted)); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range g.Events() {
		if e["event"] == "sys_danger_accepted" && e["rule"] == "unredacted_log" && e["reason"] == "a test" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d events tell of it, not one for each of 2 starts:\n%s", told, g.Log())
	}

	g = gatetest.Start(t, withLog("", "", accepted))
	if !strings.Contains(g.Log(), "allow_unsafe accepts a finding that this site does not have") {
		t.Errorf("nothing tells of the stale line:\n%s", g.Log())
	}
}

func TestAllowUnsafeSyntax(t *testing.T) {
	for options, want := range map[string]string{
		"allow_unsafe unredacted_log":                                          `allow_unsafe is written: allow_unsafe <finding> "<reason>"`,
		`allow_unsafe everything "a test"`:                                     "there is no finding of that name: there is anonymous_admin, unredacted_log",
		`allow_unsafe unredacted_log " "`:                                      "say why",
		"allow_unsafe unredacted_log \"a\"\nallow_unsafe unredacted_log \"b\"": "there twice",
	} {
		_, err := gatetest.Adapt(strings.ReplaceAll(withLog("", "", options), "GATE", ":80"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", options, err, want)
		}
	}
}
