package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// reached counts the requests that proxies sent to a server after a number.
func reached(t *testing.T, e *house.ElizaOS, since int, of func(house.ElizaRequest) bool) (count int) {
	t.Helper()
	for _, request := range e.Requests(t, since) {
		if request.Values("X-Forwarded-For") != nil && of(request) {
			count++
		}
	}
	return count
}

func everyRequest(house.ElizaRequest) bool { return true }

// X-Agent-ID leads to the backend where the agent lives: the configuration of
// the docs, before two servers with an agent each.
func TestAgentsOnBackendsOfTheirOwn(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(house.Root(), "docs", "directives", "agent_auth.md"))
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile("(?s)```caddyfile\n([^`]*@second vars \\{http.auth.agent.id\\} (\\S+)[^`]*)```").FindSubmatch(page)
	if written == nil {
		t.Fatal("the page has no such configuration")
	}
	first := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Env: []string{characters(t, agentA)}})
	second := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Env: []string{characters(t, agentB)}})
	g := house.StartGate(t, house.GateConfig{
		Sites: strings.NewReplacer("agents.example.com", "http://localhost", string(written[2]), agentB,
			":3001", fmt.Sprintf(":%d", second.Port), ":3000", fmt.Sprintf(":%d", first.Port)).Replace(string(written[1])),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + house.ElizaToken, "WEB_KEY=" + clientKey},
	})
	through := target{t: t, url: fmt.Sprintf("http://localhost:%d", g.Config.HTTPPort), client: house.Client(t, ""), key: clientKey}
	newSessionOf := func(agent string) string { return `{"agentId":"` + agent + `","userId":"` + aUser + `"}` }
	session := make(map[string]string)
	for _, c := range []struct {
		name, method, path, header, body string
		status                           int
		first, second                    int // requests that reach each
	}{
		{"the first by header", "GET", "/api/server/ping", agentA, "", 200, 1, 0},
		{"the second by header", "GET", "/api/server/ping", agentB, "", 200, 0, 1},
		{"the second by header, in capitals", "GET", "/api/server/ping", strings.ToUpper(agentB), "", 200, 0, 1},
		{"none named", "GET", "/api/server/ping", "", "", 200, 1, 0},
		{"the first by path", "GET", "/api/agents/" + agentA + "/rooms", "", "", 200, 1, 0},
		{"the second by path", "GET", "/api/agents/" + agentB + "/rooms", "", "", 200, 0, 1},
		{"the second by both", "GET", "/api/agents/" + agentB + "/rooms", agentB, "", 200, 0, 1},
		{"another by path than by header", "GET", "/api/agents/" + agentA + "/rooms", agentB, "", 400, 0, 0},
		{"another by query than by header", "GET", "/api/server/ping?agentId=" + agentA, agentB, "", 400, 0, 0},
		{"another by body than by header", "POST", sessionsPath, agentB, newSessionOf(agentA), 400, 0, 0},
		{"a session of the first", "POST", sessionsPath, agentA, newSessionOf(agentA), 201, 1, 0},
		{"a session of the second", "POST", sessionsPath, agentB, newSessionOf(agentB), 201, 0, 1},
		{"what is said in it", "POST", sessionsPath + "/{session}/messages", agentB, `{"content":"Who is there?","transport":"http"}`, 201, 0, 1},
		{"an agent that is nowhere", "GET", "/api/agents/" + noSuchID + "/rooms", noSuchID, "", 404, 1, 0},
	} {
		var header []string
		if c.header != "" {
			header = append(header, "X-Agent-ID", c.header)
		}
		if c.body != "" {
			header = append(header, "Content-Type", asJSON)
		}
		before, beforeSecond := lastRequest(t, first), lastRequest(t, second)
		got := through.ask(c.method, strings.Replace(c.path, "{session}", session[c.header], 1), clientKey, c.body, header...)
		atFirst, atSecond := reached(t, first, before, everyRequest), reached(t, second, beforeSecond, everyRequest)
		if got.Status != c.status || atFirst != c.first || atSecond != c.second {
			t.Errorf("%s: %d %.200s; %d requests reached the first server and %d the second", c.name, got.Status, got.Body, atFirst, atSecond)
		}
		if c.status == 400 && !strings.Contains(got.Body, "AGENT_MISMATCH") {
			t.Errorf("%s: %s", c.name, got.Body)
		}
		if c.path == sessionsPath && got.Status == 201 {
			session[c.header] = deep(t, got.Body, "sessionId")
		}
	}
}

// pair is a gate before two servers.
type pair struct {
	*house.Gate
	target
	ports [2]int
}

const loadBalancing = `lb_policy round_robin
				lb_try_duration 10s
				lb_try_interval 50ms
				health_uri /healthz
				health_interval 200ms
				health_timeout 5s
				fail_duration 2s`

func (p *pair) sites(ports ...int) string {
	var upstreams strings.Builder
	for _, port := range ports {
		fmt.Fprintf(&upstreams, " 127.0.0.1:%d", port)
	}
	return "http://localhost {\n\tgatehouse elizaos" + upstreams.String() + " {\n\t\trate_limit {\n\t\t\ttier api {\n\t\t\t\tlimit 100000 15m\n\t\t\t}\n\t\t}\n" +
		"\t\treverse_proxy {\n\t\t\t\t" + loadBalancing + "\n\t\t}\n\t}\n}"
}

func startPair(t *testing.T, first, second *house.ElizaOS) *pair {
	t.Helper()
	p := &pair{ports: [2]int{first.Port, second.Port}}
	p.Gate = house.StartGate(t, house.GateConfig{
		Sites: p.sites(p.ports[:]...),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + house.ElizaToken, "ELIZA_API_KEY=" + clientKey},
	})
	p.target = target{t: t, url: fmt.Sprintf("http://localhost:%d", p.Config.HTTPPort), client: house.Client(t, ""), key: clientKey}
	return p
}

// turns waits until the server is among those that requests go to.
func (p *pair) turns(t *testing.T, e *house.ElizaOS) {
	t.Helper()
	since := lastRequest(t, e)
	p.Retry(t, func() error {
		p.ask("GET", "/api/server/ping", clientKey, "")
		if reached(t, e, since, func(r house.ElizaRequest) bool { return r.URL == "/api/server/ping" }) == 0 {
			return errors.New("the server is asked nothing")
		}
		return nil
	})
}

// One of two servers is killed under load: no GET fails, and no POST is sent
// twice. The POSTs that it had in hand fail, since nobody knows how far they
// came. When it is there again it takes part again.
func TestOneOfTwoServersIsKilled(t *testing.T) {
	first := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken})
	second := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken})
	p := startPair(t, first, second)
	p.turns(t, first)
	p.turns(t, second)

	const workers, each = 6, 60
	var failed, created, gets atomic.Int32
	var wait, half sync.WaitGroup
	half.Add(workers)
	go func() {
		half.Wait()
		first.Signal(t, syscall.SIGKILL)
	}()
	for worker := range workers {
		wait.Go(func() {
			for i := range each {
				if i == each/2 {
					half.Done()
				}
				got, err := house.Send(t.Context(), p.client, "GET", p.url+"/api/server/ping", "", "X-API-KEY", clientKey)
				if err != nil || got.Status != http.StatusOK {
					t.Errorf("a GET fails: %d %s %v", got.Status, got.Body, err)
				}
				gets.Add(1)
				body, _ := json.Marshal(map[string]string{"agentId": first.AgentID, "userId": aUser})
				got, err = house.Send(t.Context(), p.client, "POST", fmt.Sprintf("%s%s?n=%d-%d", p.url, sessionsPath, worker, i), string(body),
					"X-API-KEY", clientKey, "Content-Type", asJSON)
				if err == nil && got.Status == http.StatusCreated {
					created.Add(1)
				} else {
					failed.Add(1)
				}
			}
		})
	}
	wait.Wait()
	first.Wait(t)
	posts := make(map[string]int)
	byServer := make(map[string]int)
	for name, e := range map[string]*house.ElizaOS{"the killed one": first, "the other": second} {
		for _, request := range e.Requests(t, 0) {
			if request.Method == http.MethodPost && strings.HasPrefix(request.URL, sessionsPath) {
				posts[request.URL]++
				byServer[name]++
			}
		}
	}
	for url, count := range posts {
		if count > 1 {
			t.Errorf("POST %s was sent %d times", url, count)
		}
	}
	t.Logf("%d GETs, none failed; %d POSTs created a session, %d failed; they reached %v", gets.Load(), created.Load(), failed.Load(), byServer)
	if byServer["the killed one"] == 0 || int(failed.Load()) > workers*2 {
		t.Errorf("%d POSTs failed; they reached %v", failed.Load(), byServer)
	}
	// From now on it is known to be gone, and no POST fails for it.
	p.WaitFor(t, fmt.Sprintf(`health_checker\.active.*127\.0\.0\.1:%d`, first.Port))
	for range 20 {
		if got := p.ask("POST", sessionsPath, clientKey, `{"agentId":"`+first.AgentID+`","userId":"`+aUser+`"}`, "Content-Type", asJSON); got.Status != http.StatusCreated {
			t.Errorf("a POST after the health check: %d %s", got.Status, got.Body)
		}
	}
	again := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Port: first.Port})
	p.turns(t, again)
}

// A server that is taken out of the configuration finishes what it has begun,
// and gets nothing new.
func TestAServerIsDrained(t *testing.T) {
	first := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken})
	second := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken})
	p := startPair(t, first, second)
	p.Reload(t, p.sites(first.Port), "", p.client)
	got := p.ask("POST", sessionsPath, clientKey, `{"agentId":"`+first.AgentID+`","userId":"`+aUser+`"}`, "Content-Type", asJSON)
	session := deep(t, got.Body, "sessionId")
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, p.url+sessionsPath+"/"+session+"/messages",
		strings.NewReader(`{"content":"Who is there? [hold:drained]","transport":"sse"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-KEY", clientKey)
	request.Header.Set("Content-Type", asJSON)
	stream, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	heard := make([]byte, 64<<10)
	n, err := stream.Body.Read(heard) // it has begun
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatalf("the stream: %s %v", stream.Status, err)
	}

	p.Reload(t, p.sites(second.Port), "", p.client)
	since := lastRequest(t, first)
	before := lastRequest(t, second)
	for range 20 {
		if got := p.ask("GET", "/api/server/ping", clientKey, ""); got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	pings := func(r house.ElizaRequest) bool { return r.URL == "/api/server/ping" }
	if reached(t, first, since, pings) != 0 || reached(t, second, before, pings) != 20 {
		t.Errorf("%d requests reached the server that is out, %d the other", reached(t, first, since, pings), reached(t, second, before, pings))
	}
	first.Release(t, "drained", true)
	text := string(heard[:n])
	for !strings.Contains(text, "event: done") && !strings.Contains(text, `"done"`) {
		n, err := stream.Body.Read(heard)
		text += string(heard[:n])
		if err != nil {
			break
		}
	}
	if !strings.Contains(text, "done") || !strings.Contains(text, "piece 12 of 12") {
		t.Errorf("the stream ended with %.2000s", text)
	}
}
