package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// Callers without a key run the server from this machine alone.
func TestAnonymousAdmin(t *testing.T) {
	for _, c := range []struct {
		name, address, site, options, scopes string
		refused                              bool
	}{
		{"every address", "GATE", "", "", "read admin", true},
		{"no admin", "GATE", "", "", "read chat", false},
		{"loopback", "GATE", "bind 127.0.0.1", "", "read admin", false},
		{"loopback by name", "GATE", "bind localhost", "", "admin", false},
		{"loopback of IPv6", "GATE", "bind [::1]", "", "admin", false},
		{"a unix socket", "http://x.test", "bind unix//tmp/gatehouse-test-open-admin.sock", "", "admin", false},
		{"loopback and another", "GATE", "bind 127.0.0.1 192.0.2.1", "", "admin", true},
		{"all of IPv6", "GATE", "bind [::]", "", "admin", true},
		{"an address by name", "GATE", "bind agents.test", "", "admin", true},
		{"accepted", "GATE", "", `allow_unsafe anonymous_admin "a demo in a closed network"`, "admin", false},
		{"another finding accepted", "GATE", "", `allow_unsafe unredacted_log "x"`, "admin", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := gatetest.New(t).Validate(c.address + " {\n" + c.site + "\nagent_gate {\n" + c.options + "\n}\nagent_auth {\nanonymous " + c.scopes + "\n}\nrespond in\n}")
			if (err != nil) != c.refused {
				t.Fatalf("refused: %v, wanted %t", err, c.refused)
			}
			if err == nil {
				return
			}
			for _, want := range []string{"Caddyfile:7", "anonymous " + c.scopes, "bind 127.0.0.1", "give it to a key", "finding anonymous_admin", "allow_unsafe anonymous_admin"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestAnonymousAdminAcceptedIsAnEvent(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_gate {\nallow_unsafe anonymous_admin \"a demo\"\n}\nagent_auth {\nanonymous admin\n}\nrespond in\n}")
	for _, e := range g.Events() {
		if e["event"] == "sys_danger_accepted" && e["rule"] == "anonymous_admin" && e["reason"] == "a demo" {
			return
		}
	}
	t.Errorf("no event tells of it:\n%s", g.Log())
}

// A site that answers every host has its handlers side by side, and agent_gate
// accepts for all of them.
func TestAnonymousAdminOfEveryHost(t *testing.T) {
	const site = "http://:8199 {\nagent_gate {\nOPTION\n}\nagent_auth {\nanonymous admin\n}\nrespond in\n}"
	g := gatetest.New(t)
	if err := g.Validate(strings.Replace(site, "OPTION", "", 1)); err == nil {
		t.Error("it is not refused")
	}
	if err := g.Validate(strings.Replace(site, "OPTION", `allow_unsafe anonymous_admin "a demo"`, 1)); err != nil {
		t.Error(err)
	}
}

// The next Caddyfile has its lines elsewhere, and the one before is forgotten,
// whether it was started or refused.
func TestPlaceOfAnonymousAdmin(t *testing.T) {
	const refused = "GATE {\nagent_gate\nagent_auth {\nanonymous admin chat\n}\nrespond in\n}"
	g := gatetest.New(t)
	if err := g.Validate(refused); err == nil || !strings.Contains(err.Error(), "Caddyfile:4: anonymous admin chat lets") {
		t.Errorf("the line is not named: %v", err)
	}
	if err := g.Load("GATE {\nagent_gate\nagent_auth {\nanonymous read\n}\nrespond in\n}"); err != nil {
		t.Fatal(err)
	}
	for _, before := range []int{2, 3} {
		want := fmt.Sprintf("Caddyfile:%d: anonymous admin chat lets", before+4)
		if err := g.Validate(strings.Repeat("\n", before) + refused); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), " or Caddyfile") {
			t.Errorf("the line is not named: %v", err)
		}
	}
}
