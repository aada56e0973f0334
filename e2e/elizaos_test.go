package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// clientKey is what clients show to the gate. It is not the backend's token, so
// that a request that slips past the gate is refused behind it.
const clientKey = "the-key-of-the-clients-0123456789abcdef"

// elizaGate starts the one-line gate in front of an ElizaOS server, and returns
// it with the URL that it serves.
func elizaGate(t *testing.T, e *house.ElizaOS) (*house.Gate, string) {
	t.Helper()
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf("localhost {\n\tgatehouse elizaos 127.0.0.1:%d\n}", e.Port),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	return g, fmt.Sprintf("https://localhost:%d", g.Config.HTTPSPort)
}

// All that the official client and socket.io-client do against the bare server
// works through the gate with the right key, and none of it, the sockets
// included, with any other key or with none.
func TestOfficialClient(t *testing.T) {
	e := house.SharedElizaOS(t)
	g, url := elizaGate(t, e)
	for _, visitor := range []struct {
		name, key string
		ok        bool
	}{
		{"wrong key", "the-key-of-somebody-else-0123456789abcd", false},
		{"the backend's own token", e.Token, false},
		{"no key", "", false},
		{"right key", clientKey, true}, // last, since a socket's farewell may still be on its way when its client has ended
	} {
		t.Run(visitor.name, func(t *testing.T) {
			reached := len(backendCalls(t, e))
			for _, step := range (house.Drive{Server: e, URL: url, Key: visitor.key, CAFile: g.LocalCA()}).Run(t) {
				t.Logf("%-22s ok=%-5t status=%d %s %s", step.Name, step.OK, step.Status, step.Code, step.Detail)
				if step.OK != visitor.ok {
					t.Errorf("%s: ok is %t", step.Name, step.OK)
				}
				if !visitor.ok && step.Status != http.StatusUnauthorized {
					t.Errorf("%s: status %d, not 401", step.Name, step.Status)
				}
			}
			if calls := len(backendCalls(t, e)) - reached; (calls > 0) != visitor.ok {
				t.Errorf("%d requests reached the backend", calls)
			}
		})
	}
}

// Sockets open and talk, by each of the three transports, with the key in a
// header (see TestOfficialClient), with a cookie and with a ticket; and the
// backend sees neither.
func TestSocketsWithCookieAndTicket(t *testing.T) {
	e := house.SharedElizaOS(t)
	g, url := elizaGate(t, e)
	for _, by := range []string{"cookie", "ticket"} {
		t.Run(by, func(t *testing.T) {
			since := 0
			if seen := e.Requests(t, 0); len(seen) > 0 {
				since = seen[len(seen)-1].Number
			}
			steps := []string{"agents", "message servers", "create channel",
				"socket websocket", "socket polling", "socket upgrade", "socket websocket talk", "socket polling talk", "socket upgrade talk"}
			for _, step := range (house.Drive{Server: e, URL: url, Key: clientKey, By: by, CAFile: g.LocalCA(), Steps: steps}).Run(t) {
				t.Logf("%-22s ok=%-5t status=%d %s %s", step.Name, step.OK, step.Status, step.Code, step.Detail)
				if !step.OK {
					t.Errorf("%s: %s", step.Name, step.Detail)
				}
			}
			sockets := 0
			for _, request := range e.Requests(t, since) {
				if !strings.HasPrefix(request.URL, "/socket.io/") || len(request.Values("X-Forwarded-For")) == 0 {
					continue
				}
				sockets++
				if strings.Contains(request.URL, "ticket") || request.Values("Cookie") != nil {
					t.Errorf("the backend was sent %s with the cookies %q", request.URL, request.Values("Cookie"))
				}
			}
			if sockets < 10 {
				t.Errorf("only %d requests of sockets reached the backend", sockets)
			}
		})
	}
}

// backendCalls are the requests that the backend was sent by a proxy.
func backendCalls(t *testing.T, e *house.ElizaOS) []house.ElizaRequest {
	t.Helper()
	var calls []house.ElizaRequest
	for _, request := range e.Requests(t, 0) {
		if len(request.Values("X-Forwarded-For")) > 0 {
			calls = append(calls, request)
		}
	}
	return calls
}

// What the backend gets is its own key, once, and nothing of the client's.
func TestBackendGetsItsOwnKey(t *testing.T) {
	e := house.SharedElizaOS(t)
	g, url := elizaGate(t, e)
	client := house.Client(t, g.LocalCA())
	for _, path := range []string{"/api/agents?door=key", "/socket.io/?EIO=4&transport=polling&door=key"} {
		for _, field := range [][2]string{{"X-Api-Key", clientKey}, {"Authorization", "Bearer " + clientKey}} {
			t.Run(field[0]+" "+path, func(t *testing.T) {
				seen := e.Requests(t, 0)
				last := seen[len(seen)-1].Number
				request, err := http.NewRequest(http.MethodGet, url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set(field[0], field[1])
				response, err := client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Fatalf("status %d", response.StatusCode)
				}
				for _, got := range e.Requests(t, last) {
					if got.URL != path {
						continue
					}
					if keys := got.Values("X-Api-Key"); len(keys) != 1 || keys[0] != e.Token {
						t.Errorf("X-Api-Key: %q", keys)
					}
					if got.Values("Authorization") != nil {
						t.Errorf("Authorization: %q", got.Values("Authorization"))
					}
					return
				}
				t.Error("the request did not reach the backend")
			})
		}
	}
}
