package auth_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

func TestWrongKeysAreLimited(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			key ada {env.ADA_KEY}
			failures 3 15m
			public /open
		}
		respond hello
	}`)
	wrong := func(i int) gatetest.Response {
		return g.Get("/", "X-API-KEY", fmt.Sprintf("a-wrong-key-number-%04d", i))
	}
	for range 20 {
		if res := wrong(0); res.Status != 401 {
			t.Fatalf("one and the same wrong key: %d", res.Status)
		}
	}
	for i, want := range []int{401, 401, 429, 429} {
		res := wrong(i + 1)
		if res.Status != want {
			t.Errorf("wrong key %d: %d", i+1, res.Status)
		}
		wait, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		if want == 429 && (!strings.Contains(res.Body, `"code":"AUTH_RATE_LIMIT_EXCEEDED"`) || wait < 800 || wait > 920) {
			t.Errorf("%s, Retry-After %s", res.Body, res.Header.Get("Retry-After"))
		}
	}
	if res := g.Get("/", "Authorization", "Bearer ey.jwt.sig"); res.Status != 429 {
		t.Errorf("a wrong bearer: %d", res.Status)
	}
	if res := g.Get("/", "X-API-KEY", adaKey); res.Status != 200 {
		t.Errorf("a valid key from the same address: %d", res.Status)
	}
	if res := g.Get("/", "X-API-KEY", adaKey, "Authorization", "Bearer ey.jwt.sig"); res.Status != 200 {
		t.Errorf("a valid key beside a user's token: %d", res.Status)
	}
	if res := g.Get("/"); res.Status != 401 {
		t.Errorf("no key: %d", res.Status)
	}
	if res := g.Get("/open", "X-API-KEY", otherKey); res.Status != 200 {
		t.Errorf("a wrong key where none is needed: %d", res.Status)
	}
	var tiers int
	for _, event := range g.Events() {
		if event["tier"] == "auth" && event["event"] == "excess_rate_limit_exceeded" {
			tiers++
		}
	}
	if tiers != 3 {
		t.Errorf("%d events of the limit", tiers)
	}
}

// TestManyKeysInOneRequest holds that a request is one attempt, and no thousand
// guesses: of many keys the answer does not tell whether one of them is good.
func TestManyKeysInOneRequest(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			key ada {env.ADA_KEY}
			accept bearer
			accept header X-API-KEY
			accept query key
			failures 3 15m
		}
		respond hello
	}`)
	fields := func(n int, name, prefix, right string) (headers []string) {
		for i := range n {
			headers = append(headers, name, prefix+fmt.Sprintf("a-wrong-key-number-%04d", i))
		}
		return append(headers, name, prefix+right)
	}
	for _, right := range []string{adaKey, otherKey} {
		for what, headers := range map[string][]string{
			"bearer tokens":           fields(50, "Authorization", "Bearer ", right),
			"headers":                 fields(50, "X-API-KEY", "", right),
			"headers and one bearer":  append(fields(10, "X-API-KEY", "", otherKey), "Authorization", "Bearer "+right),
			"bearers and one header":  append(fields(10, "Authorization", "Bearer ", otherKey), "X-API-KEY", right),
			"bearers, the good first": append([]string{"Authorization", "Bearer " + right}, fields(10, "Authorization", "Bearer ", otherKey)...),
		} {
			if res := g.Get("/", headers...); res.Status != 400 || !strings.Contains(res.Body, "AMBIGUOUS_CREDENTIALS") {
				t.Errorf("many %s: %d %s", what, res.Status, res.Body)
			}
		}
		if res := g.Get("/?" + strings.Repeat("key=a-wrong-key-of-somebody&", 10) + "key=" + right); res.Status != 400 {
			t.Errorf("many in the query: %d", res.Status)
		}
	}
	if res := g.Get("/", "X-API-KEY", adaKey, "Authorization", "Bearer ey.jwt.sig", "Authorization", "Bearer another"); res.Status != 200 {
		t.Errorf("a key beside two tokens: %d", res.Status)
	}
}
