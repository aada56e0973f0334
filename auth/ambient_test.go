package auth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestPagesOfOthersWithoutAKey holds that a page of another origin cannot change
// anything by way of a visitor's browser, where callers without a key may: that
// the browser stands where it stands, in an inner network or on the machine
// itself, is all the right that such a caller has.
func TestPagesOfOthersWithoutAKey(t *testing.T) {
	g := start(t, `GATE {
		agent_cors https://app.example.com
		agent_auth {
			key bob `+bobKey+`
			anonymous chat
			public /webhook
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	own := "http://" + g.Addr
	for _, test := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"a program", "POST", "/x", nil, 200},
		{"a page of the site", "POST", "/x", []string{"Origin", own}, 200},
		{"a page of the site, says the browser", "POST", "/x", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{"behind a proxy that ends TLS", "POST", "/x", []string{"Origin", strings.Replace(own, "http:", "https:", 1), "Sec-Fetch-Site", "same-origin"}, 200},
		{"the same, of an old browser", "POST", "/x", []string{"Origin", strings.Replace(own, "http:", "https:", 1)}, 200},
		{"two origins", "POST", "/x", []string{"Origin", own, "Origin", own}, 403},
		{"typed in", "POST", "/x", []string{"Sec-Fetch-Site", "none"}, 200},
		{"an allowed page", "POST", "/x", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 200},
		{"another page", "POST", "/x", []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, 403},
		{"another page, of an old browser", "POST", "/x", []string{"Origin", "https://evil.test"}, 403},
		{"a page of no origin", "DELETE", "/x", []string{"Origin", "null"}, 403},
		{"without an Origin", "POST", "/x", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"two words of the browser's", "POST", "/x", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, 403},
		{"reading", "GET", "/x", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"with a key", "POST", "/x", []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site", "X-API-KEY", bobKey}, 200},
		{"what is public", "POST", "/webhook", []string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, 200},
	} {
		if res := g.Send(test.method, test.path, "", test.headers...); res.Status != test.want {
			t.Errorf("%s: %d, want %d", test.name, res.Status, test.want)
		}
	}
	if !strings.Contains(g.Log(), `"event":"malicious_cors"`) {
		t.Error("there is no event")
	}
}

// TestAnonymousAdminByItsNames holds that callers without a key run a server on
// loopback by a name of this machine's alone. A page can give its own name any
// address (DNS rebinding), and then is of the same origin to its browser.
func TestAnonymousAdminByItsNames(t *testing.T) {
	const site = `http://:PORT {
		bind 127.0.0.1
		agent_gate {
			OPTION
		}
		agent_auth {
			anonymous SCOPE
			key bob ` + bobKey + `
		}
		respond in
	}`
	for _, test := range []struct {
		scope, option, host, key string
		want                     int
	}{
		{"admin", "", "127.0.0.1", "", 200},
		{"admin", "", "LocalHost", "", 200},
		{"admin", "", "[::1]", "", 200},
		{"admin", "", "agents.localhost", "", 200},
		{"admin", "", "evil.test", "", 403},
		{"admin", "", "127.0.0.1.evil.test", "", 403},
		{"admin", "", "localhost.evil.test", "", 403},
		{"admin", "", "192.0.2.1", "", 403},
		{"admin", "", "evil.test", bobKey, 200},
		{"admin", `allow_unsafe anonymous_admin "a proxy asks for a password"`, "evil.test", "", 200},
		{"read", "", "evil.test", "", 200},
	} {
		g := gatetest.New(t)
		_, port, _ := strings.Cut(g.Addr, ":")
		if err := g.Load(strings.NewReplacer("PORT", port, "OPTION", test.option, "SCOPE", test.scope).Replace(site)); err != nil {
			t.Fatal(err)
		}
		headers := []string{"Host", test.host + ":" + port, "Sec-Fetch-Site", "same-origin"}
		if test.key != "" {
			headers = append(headers, "X-API-KEY", test.key)
		}
		if res := g.Get("/", headers...); res.Status != test.want {
			t.Errorf("%s %s by the name %s: %d, want %d", test.scope, test.option, test.host, res.Status, test.want)
		}
		if strings.Contains(g.Log(), "remove the line") {
			t.Errorf("what is accepted is said not to be there:\n%s", g.Log())
		}
	}
}
