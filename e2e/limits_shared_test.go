package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// full has tests send as much as they are about, and not the tenth of it that
// shows the same in a build's time.
var full = flag.Bool("full", false, "send as much as the tests are about: takes minutes")

// crowd are many clients of one server, through the gate and through a bare
// proxy beside it.
type crowd struct {
	t       *testing.T
	server  *house.ElizaOS
	client  *http.Client
	gate    string // its URL
	bare    string // of the bare proxy
	talker  string // a key that talks with the agent
	clients []string
	pro     string // a key of the plan pro
}

// startCrowd starts the server, the gate and the bare proxy in a network.
func startCrowd(t *testing.T, network *house.Network) *crowd {
	t.Helper()
	c := &crowd{t: t, server: house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Network: network})}
	address := "127.0.0.1"
	if network != nil {
		address = network.Inside
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	for i := range 40 {
		c.clients = append(c.clients, addKey(t, file, keys.Key{ID: fmt.Sprintf("client-%d", i+1), Scopes: []string{"read"}}))
	}
	c.pro = addKey(t, file, keys.Key{ID: "pro", Scopes: []string{"read"}, Plan: "pro"})
	c.talker = addKey(t, file, keys.Key{ID: "talker", Scopes: []string{"read", "chat"}})
	gatePort, barePort := house.Port(t), house.Port(t)
	house.StartGate(t, house.GateConfig{
		Network: network,
		Global:  "gatehouse {\nkeys " + file + "\n}",
		Sites: fmt.Sprintf("http://:%[1]d {\n\tbind %[2]s\n\tgatehouse elizaos 127.0.0.1:%[3]d {\n\t\trate_limit {\n\t\t\tplan pro {\n\t\t\t\tapi 10000 15m\n\t\t\t}\n\t\t}\n\t}\n}\n\n"+
			"http://:%[4]d {\n\tbind %[2]s\n\treverse_proxy 127.0.0.1:%[3]d\n}", gatePort, address, c.server.Port, barePort),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + c.server.Token, "ELIZA_API_KEY=" + clientKey},
	})
	dialer := new(net.Dialer)
	c.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 50,
		DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(to)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, port))
		},
	}}
	t.Cleanup(c.client.CloseIdleConnections)
	c.gate, c.bare = fmt.Sprintf("http://localhost:%d", gatePort), fmt.Sprintf("http://localhost:%d", barePort)
	return c
}

// ask sends a request; what goes wrong on the way has the status 0.
func (c *crowd) ask(method, url, key, body string) house.Answer {
	c.t.Helper()
	header := []string{"X-API-KEY", key}
	if body != "" {
		header = append(header, "Content-Type", asJSON)
	}
	got, err := house.Send(c.t.Context(), c.client, method, url, body, header...)
	if err != nil {
		c.t.Error(err)
	}
	return got
}

// pings sends a key's requests, one after the other, and counts the statuses.
func (c *crowd) pings(url, key string, requests int, into *statuses) {
	for range requests {
		into.add(c.ask("GET", url+"/api/server/ping", key, "").Status)
	}
}

type statuses struct {
	mu    sync.Mutex
	count map[int]int
}

func (s *statuses) add(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == nil {
		s.count = make(map[int]int)
	}
	s.count[status]++
}

// talk is a channel with the agent in it.
type talk struct {
	*crowd
	channel string
	said    int
}

func (c *crowd) talk() *talk {
	c.t.Helper()
	got := c.ask("POST", c.gate+"/api/messaging/channels", c.talker,
		`{"name":"x","message_server_id":"`+ownServer+`","participantCentralUserIds":["`+aUser+`","`+c.server.AgentID+`"]}`)
	if got.Status != http.StatusCreated {
		c.t.Fatalf("a channel: %d %s", got.Status, got.Body)
	}
	return &talk{crowd: c, channel: deep(c.t, got.Body, "data", "id")}
}

// say posts a message.
func (k *talk) say() {
	k.t.Helper()
	got := k.ask("POST", k.gate+"/api/messaging/channels/"+k.channel+"/messages", k.talker,
		`{"author_id":"`+aUser+`","message_server_id":"`+ownServer+`","content":"Who is there?","source_type":"x","raw_message":{}}`)
	if got.Status != http.StatusCreated {
		k.t.Errorf("a message: %d %s", got.Status, got.Body)
	}
	k.said++
}

// answers is how often the agent has answered.
func (k *talk) answers() int {
	k.t.Helper()
	return strings.Count(k.ask("GET", k.gate+"/api/messaging/channels/"+k.channel+"/messages?limit=100", k.talker, "").Body, `"authorId":"`+k.server.AgentID+`"`)
}

// answered waits until the agent has answered all that was said.
func (k *talk) answered() {
	k.t.Helper()
	k.server.Retry(k.t, func() error {
		if got := k.answers(); got < k.said {
			time.Sleep(200 * time.Millisecond) // each look counts in the talker's limit
			return fmt.Errorf("the agent has answered %d of %d messages", got, k.said)
		}
		return nil
	})
}

// manyClients sends the requests of forty clients, each within its limit, and
// ten times as many of one of the plan pro, all in one window; then those of
// one client through the bare proxy.
func manyClients(t *testing.T, network *house.Network) {
	each, pause := 60, time.Second/2
	if *full {
		each, pause = 900, 10*time.Second // of a channel no more than 100 messages are told
	}
	c := startCrowd(t, network)
	k := c.talk()
	k.say()
	k.answered()

	var through statuses
	var wait sync.WaitGroup
	begun := time.Now()
	for _, key := range c.clients {
		wait.Go(func() { c.pings(c.gate, key, each, &through) })
	}
	for range 10 {
		wait.Go(func() { c.pings(c.gate, c.pro, each, &through) })
	}
	done := make(chan struct{})
	go func() {
		wait.Wait()
		close(done)
	}()
	for under := true; under; {
		k.say()
		k.answered()
		select {
		case <-done:
			under = false
		case <-time.After(pause):
		}
	}
	took := time.Since(begun)
	t.Logf("40 clients with %d requests each and one of the plan pro with %d, through the gate, in %v: %v; the agent answered %d of %d messages meanwhile",
		each, 10*each, took.Round(time.Second), through.count, k.answers(), k.said)
	if through.count[http.StatusOK] != 50*each {
		t.Errorf("the statuses are %v", through.count)
	}
	sources := make(map[string]int)
	for _, request := range c.server.Requests(t, 0) {
		if request.Values("X-Forwarded-For") != nil {
			sources[request.Remote]++
		}
	}
	for source, requests := range sources {
		if requests > 500 || source == "127.0.0.1" {
			t.Errorf("%d requests came from %s", requests, source)
		}
	}
	t.Logf("they came from %d addresses", len(sources))

	// The bare proxy comes from where the agent comes from.
	var bare statuses
	c.pings(c.bare, c.server.Token, 1001, &bare)
	refused := func() int { return strings.Count(c.server.Output(), "Rate limit exceeded (ip=127.0.0.1)") }
	before, already := k.answers(), refused()
	k.say()
	c.server.Retry(t, func() error {
		if refused() == already {
			return errors.New("the agent has asked for nothing yet")
		}
		return nil
	})
	t.Logf("1001 requests of one client through a bare proxy: %v; of what was said then the agent answered %d of 1", bare.count, k.answers()-before)
	if bare.count[http.StatusTooManyRequests] == 0 || k.answers() != before {
		t.Errorf("the bare proxy is as good: %v, and %d answers", bare.count, k.answers()-before)
	}
}

// Forty clients and a large one are answered within their limits, and the agent
// answers throughout, though the server counts 1,000 requests an address.
func TestManyClientsOfOneServer(t *testing.T) { manyClients(t, nil) }

// The same where the gate and the server share a network of their own, as in a
// pod, and the clients come from outside of it.
func TestManyClientsOfOnePod(t *testing.T) { manyClients(t, house.NewNetwork(t)) }
