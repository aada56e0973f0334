package auth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const noRuleAsks = "which no rule asks for"

func TestScopesThatNoRuleAsksFor(t *testing.T) {
	const hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for _, test := range []struct{ name, site, want string }{
		{"a slip", "agent_auth {\nkey ci " + hash + " {\nscopes chat raed\n}\nrequire read /x\nrequire chat /y\n}",
			"Caddyfile:4: the key ci has the scope raed (is read meant?), " + noRuleAsks},
		{"of callers without a key", "agent_auth {\nanonymous read chta\nrequire read /x\nrequire chat /y\n}",
			"Caddyfile:3: `anonymous` has the scope chta (is chat meant?), " + noRuleAsks},
		{"nothing like it", "agent_auth {\nkey ci " + hash + " {\nscopes read billing\n}\nrequire read /x\n}",
			"Caddyfile:4: the key ci has the scope billing, " + noRuleAsks},
		{"none is wrong", "agent_auth {\nkey ci " + hash + " {\nscopes read\n}\nkey all " + hash[:70] + "0 {\nscopes *\n}\nrequire read /x\n}", ""},
		{"none is asked for", "agent_auth {\nkey ci " + hash + " {\nscopes anything\n}\n}", ""},
		{"of the table, which asks on sockets", "agent_auth {\nkey ci " + hash + " {\nscopes upload\n}\nrequire read /x\nroutes elizaos\n}", ""},
		{"of what the transport conceals", "agent_auth {\nkey ci " + hash + " {\nscopes operator\n}\nrequire read /x\n}\nreverse_proxy BACKEND {\ntransport agent_backend {\nconceal settings.secrets unless operator\n}\n}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := gatetest.Start(t, "GATE {\n"+test.site+"\n}")
			if warned := strings.Contains(g.Log(), noRuleAsks); warned != (test.want != "") || !strings.Contains(g.Log(), test.want) {
				t.Errorf("the log:\n%s", g.Log())
			}
		})
	}
}

func TestScopesOfTheKeyFileThatNoRuleAsksFor(t *testing.T) {
	file := newKeyFile(t)
	file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	file.add(keys.Key{ID: "bob", Scopes: []string{"rad"}})
	file.add(keys.Key{ID: "eve", Scopes: []string{"0123456789abcdef"}})
	file.add(keys.Key{ID: "old", Scopes: []string{"rae"}})
	file.revoke("old", "")
	g := gatetest.Start(t, file.site(""))
	count := func(what string) int { return strings.Count(g.Log(), what) }
	if count(noRuleAsks) != 2 || count(file.Path()+": keys[1]: the key bob has the scope rad (is read meant?), ") != 1 || count("the key eve has the scope one of 16 characters, ") != 1 {
		t.Fatalf("the log:\n%s", g.Log())
	}
	file.add(keys.Key{ID: "cid", Scopes: []string{"reads"}})
	gatetest.Await(t, "the warning of a key that was added", func() bool {
		return count(file.Path()+": keys[4]: the key cid has the scope reads (is read meant?), ") == 1
	})
	if count("the key bob") != 1 {
		t.Errorf("a scope that still stands there is told of again:\n%s", g.Log())
	}
}

const noLimitsKnow = "which no agent_rate_limit knows"

// TestPlansThatNoLimitsKnow holds that a plan which is misspelt, or was never
// written, is told of: its keys would have everybody's limits, and nobody knew.
func TestPlansThatNoLimitsKnow(t *testing.T) {
	file := newKeyFile(t)
	file.add(keys.Key{ID: "bob", Scopes: []string{"*"}, Plan: "pro"})
	t.Setenv("ADA_KEY", "the-key-of-ada-0123456789abcdef")
	site := func(limits string) string {
		return "{\ngatehouse {\nkeys " + file.Path() + "\n}\n}\nGATE {\nagent_auth {\nkey ada {env.ADA_KEY} {\nplan gold\n}\n}\n" + limits + "\nrespond hi\n}"
	}
	const both = "\nplan gold {\ndefault 10 1m\n}\nplan pro {\ndefault 20 1m\n}"
	for limits, want := range map[string][]string{
		"":                        nil, // a name for others to use
		"agent_rate_limit 100 1m": {"the key ada has the plan gold, ", file.Path() + ": keys[0]: the key bob has the plan pro, "},
		"agent_rate_limit 100 1m {\nplan Gold {\ndefault 10 1m\n}\nplan pro {\ndefault 20 1m\n}\n}": {"the key ada has the plan gold, "},
		"agent_rate_limit 100 1m {" + both + "\n}":                                                  nil,
	} {
		g := gatetest.Start(t, site(limits))
		if strings.Count(g.Log(), noLimitsKnow) != len(want) {
			t.Errorf("%s: the log:\n%s", limits, g.Log())
		}
		for _, says := range want {
			if !strings.Contains(g.Log(), says+noLimitsKnow) {
				t.Errorf("%s: nobody says %q", limits, says)
			}
		}
	}
	g := gatetest.Start(t, site("agent_rate_limit 100 1m {"+both+"\n}"))
	file.add(keys.Key{ID: "cid", Scopes: []string{"*"}, Plan: "por"})
	gatetest.Await(t, "the warning of a key that was added", func() bool {
		return strings.Contains(g.Log(), "keys[1]: the key cid has the plan por, "+noLimitsKnow)
	})
}
