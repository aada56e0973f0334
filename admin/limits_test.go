package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// limited starts a gate with limits and an admin endpoint.
func limited(t *testing.T, listen string) office {
	t.Helper()
	t.Setenv("SHARED_KEY", "the-key-of-many-0123456789")
	o := office{Gate: gatetest.New(t), t: t}
	o.Admin = listen
	err := o.Load(`{
		servers {
			trusted_proxies static 127.0.0.0/8
		}
	}
	GATE {
		agent_gate
		agent_auth {
			key carl the-key-of-carl-0123456789 {
				plan pro
			}
			key many {env.SHARED_KEY}
			anonymous look
		}
		agent_rate_limit {
			tier api {
				limit 5 15m
				limit 50 1h
			}
			tier upload /upload {
				limit 2 15m
			}
			plan pro {
				api 10 15m
			}
			concurrent 3
		}
		respond ok
	}`)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// show asks for something and understands the answer.
func show[T any](o office, path string) (answer T) {
	o.t.Helper()
	status, body := o.ask("GET", path, "")
	if status != 200 {
		o.t.Fatalf("%s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		o.t.Fatal(err)
	}
	return answer
}

type clientAnswer struct {
	Counted string
	Slots   int
	Tiers   []struct {
		Tier, Window           string
		Limit, Used, Remaining int
		RetryAfter             int `json:"retry_after"`
	}
}

func TestLimitsOfOneClient(t *testing.T) {
	o := limited(t, socket(t))
	for range 3 {
		o.Get("/", "X-Forwarded-For", "192.0.2.1")
	}
	o.Get("/upload", "X-API-KEY", "the-key-of-carl-0123456789")
	o.Get("/", "X-API-KEY", "the-key-of-many-0123456789", "X-Forwarded-For", "192.0.2.9")

	stranger := show[clientAnswer](o, "/gatehouse/limits/client?ip=192.0.2.1")
	if stranger.Counted != "own" || len(stranger.Tiers) != 3 {
		t.Fatalf("%+v", stranger)
	}
	used := make(map[string]int)
	for _, tier := range stranger.Tiers {
		used[tier.Tier[strings.LastIndex(tier.Tier, "/")+1:]+" "+tier.Window] = tier.Used
		if tier.Remaining != tier.Limit-tier.Used {
			t.Errorf("%+v", tier)
		}
	}
	if used["api 15m0s"] != 3 || used["api 1h0m0s"] != 3 || used["upload 15m0s"] != 0 {
		t.Errorf("used %v", used)
	}
	for query, want := range map[string]int{
		"key=carl&plan=pro": 10, "key=carl": 5, "key=many&ip=192.0.2.9": 5, "ip=192.0.2.200": 5, "value=tenant": 5,
	} {
		tiers := show[clientAnswer](o, "/gatehouse/limits/client?"+query).Tiers
		if len(tiers) == 0 || tiers[0].Limit != want {
			t.Errorf("%s: %+v", query, tiers)
		}
	}
	if got := show[clientAnswer](o, "/gatehouse/limits/client?key=many&ip=192.0.2.9").Tiers[0].Used; got != 1 {
		t.Errorf("the key of many at its address has used %d", got)
	}
	for _, query := range []string{"", "ip=nobody", "key=a&value=b", "id=xyz", "id=00"} {
		if status, body := o.ask("GET", "/gatehouse/limits/client?"+query, ""); status != 400 {
			t.Errorf("%q: %d %s", query, status, body)
		}
	}
}

func TestLimitsTop(t *testing.T) {
	o := limited(t, socket(t))
	for range 2 {
		o.Get("/", "X-Forwarded-For", "192.0.2.1")
	}
	for range 4 {
		o.Get("/", "X-API-KEY", "the-key-of-carl-0123456789")
	}
	o.Get("/upload", "X-API-KEY", "the-key-of-many-0123456789", "X-Forwarded-For", "2001:db8::1")
	type use struct {
		Key, IP, ID string
		Used        int
	}
	for tier, got := range show[map[string][]use](o, "/gatehouse/limits/top?n=2") {
		want := []use{{Key: "many", IP: "2001:db8::", Used: 1}}
		if strings.HasSuffix(tier, "/api") {
			want = []use{{Key: "carl", Used: 4}, {IP: "192.0.2.1", Used: 2}}
		}
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: %+v, want %+v", tier, got, want)
		}
	}
	for query, want := range map[string]int{"tier=nothing": 404, "n=0": 400, "n=many": 400, "n=1001": 400} {
		if status, _ := o.ask("GET", "/gatehouse/limits/top?"+query, ""); status != want {
			t.Errorf("%s: %d", query, status)
		}
	}
}

func TestLimitsReset(t *testing.T) {
	o := limited(t, socket(t))
	for range 5 {
		o.Get("/", "X-Forwarded-For", "192.0.2.1")
	}
	if got := o.Get("/", "X-Forwarded-For", "192.0.2.1").Status; got != 429 {
		t.Fatalf("got %d", got)
	}
	if status, body := o.ask("POST", "/gatehouse/limits/reset", `{"ip":"192.0.2.1"}`); status != 200 || !strings.Contains(body, "own") {
		t.Fatalf("%d %s", status, body)
	}
	if got := o.Get("/", "X-Forwarded-For", "192.0.2.1").Status; got != 200 {
		t.Errorf("after the reset: %d", got)
	}
	for _, body := range []string{`{}`, `{"ip":"x"}`, `{"address":"192.0.2.1"}`, `[`} {
		if status, answer := o.ask("POST", "/gatehouse/limits/reset", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if status, _ := o.ask("GET", "/gatehouse/limits/reset", ""); status != 405 {
		t.Errorf("GET of the reset: %d", status)
	}
}

func TestLimitsState(t *testing.T) {
	o := limited(t, socket(t))
	o.Get("/", "X-Forwarded-For", "192.0.2.1")
	state := show[struct {
		Clients      int
		ClientPlaces int `json:"client_places"`
		Tiers        []string
		Store        *struct{ Up bool }
	}](o, "/gatehouse/limits")
	if state.Clients < 1 || state.ClientPlaces != 1<<20 || len(state.Tiers) != 2 || state.Store != nil {
		t.Errorf("%+v", state)
	}
}

// TestStatusOfAStoreThatIsAway holds that the status says that the gate counts
// alone, and why.
func TestStatusOfAStoreThatIsAway(t *testing.T) {
	o := office{Gate: gatetest.New(t), t: t}
	o.Admin = socket(t)
	site := "GATE {\n\tagent_gate\n\tagent_rate_limit 5 15m\n\trespond ok\n}"
	if err := o.Load(site); err != nil {
		t.Fatal(err)
	}
	if answer := o.must(200, "GET", "/gatehouse/status", ""); answer["state"] != "ok" || answer["troubles"] != nil {
		t.Errorf("without a store: %v", answer)
	}
	if err := o.Load("{\n\tgatehouse {\n\t\tlimits redis unix://" + t.TempDir() + "/nobody.sock\n\t}\n}\n" + site); err != nil {
		t.Fatal(err)
	}
	if got := o.Get("/").Status; got != 200 {
		t.Fatalf("got %d", got)
	}
	answer := o.must(200, "GET", "/gatehouse/status", "")
	troubles, _ := answer["troubles"].(map[string]any)
	limits, _ := troubles["limits"].(string)
	if answer["state"] != "degraded" || !strings.Contains(limits, "the shared store is away since ") || !strings.Contains(limits, "unreachable") {
		t.Errorf("without its store: %v", answer)
	}
}

// TestLimitsOverTCP holds that whoever can fetch localhost resets nobody.
func TestLimitsOverTCP(t *testing.T) {
	o := limited(t, overTCP(t))
	if status, _ := o.ask("POST", "/gatehouse/limits/reset", `{"ip":"192.0.2.1"}`); status != 403 {
		t.Errorf("over TCP: %d", status)
	}
	if status, _ := o.ask("GET", "/gatehouse/limits", ""); status != 200 {
		t.Errorf("looking over TCP: %d", status)
	}
}
