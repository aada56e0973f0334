package auth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// ticketOf asks for a ticket.
func ticketOf(t *testing.T, g *gatetest.Gate, headers ...string) string {
	t.Helper()
	res := g.Send("POST", "/.gatehouse/ticket", "", headers...)
	var answer struct {
		Success bool
		Data    struct {
			Ticket    string
			ExpiresIn int `json:"expires_in"`
		}
	}
	if err := json.Unmarshal([]byte(res.Body), &answer); err != nil || res.Status != 200 || !answer.Success || answer.Data.ExpiresIn != 60 ||
		res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no ticket: %d %s %v", res.Status, res.Body, res.Header)
	}
	return answer.Data.Ticket
}

func TestTicket(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	g := gatetest.Start(t, browserSite(file, "accept header X-API-KEY\naccept query api_key\nanonymous look\nrequire read /media/*\nrequire read /socket.io/*"))
	for _, headers := range [][]string{nil, {"X-API-KEY", otherKey}, {"Cookie", cookieOf(g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin")), "Sec-Fetch-Site", "same-origin"}} {
		if res := g.Send("POST", "/.gatehouse/ticket", "", headers...); res.Status != 401 {
			t.Errorf("a ticket for %v: %d", headers, res.Status)
		}
	}
	ticket := ticketOf(t, g, "X-API-KEY", ada)
	if res := g.Get("/api/agents?ticket=" + ticket); res.Status != 200 || strings.Contains(res.Body, "ticket") {
		t.Errorf("a ticket where it is good for nothing: %d %s", res.Status, res.Body)
	}
	first := g.Get("/media/x.png?size=3&ticket="+ticket+"&y", "Sec-Fetch-Site", "cross-site")
	if first.Status != 200 || first.Body != "GET /media/x.png?size=3&y" {
		t.Errorf("the first use: %d %s", first.Status, first.Body)
	}
	if again := g.Get("/media/x.png?ticket=" + ticket); again.Status != 401 {
		t.Errorf("the second use: %d", again.Status)
	}
	if err := g.Load(browserSite(file, "require read /media/*")); err != nil {
		t.Fatal(err)
	}
	if again := g.Get("/media/x.png?ticket=" + ticket); again.Status != 401 {
		t.Errorf("after a reload: %d", again.Status)
	}
	if other := g.Get("/cas?ticket=ST-123"); other.Status != 401 {
		t.Errorf("somebody else's ticket: %d", other.Status)
	}
	if strings.Contains(g.Log(), ticket) {
		t.Error("the ticket stands in the log")
	}
	fresh := ticketOf(t, g, "X-API-KEY", ada)
	file.revoke("ada", "")
	awaitChange(t, g, events.KeyRevoked, "ada")
	if res := g.Get("/media/x.png?ticket=" + fresh); res.Status != 401 {
		t.Errorf("a ticket of a revoked key: %d", res.Status)
	}
}
