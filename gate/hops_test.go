package gate_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const hopKey = "a-key-for-the-tests-of-hops-0"

// TestWhatConnectionNames holds that a client cannot have the proxy take out
// what the gate puts in, or was checked, by naming it in Connection.
func TestWhatConnectionNames(t *testing.T) {
	const entity = "e0000000-0000-4000-8000-00000000000e"
	g := gatetest.Start(t, `GATE {
		agent_gate
		agent_auth {
			routes elizaos
			key a `+hopKey+` {
				scopes *
				entity `+entity+`
			}
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	for _, test := range []struct {
		connection string
		status     int
		headers    http.Header // what of these the backend gets
	}{
		{"close, X-Entity-Id", 200, http.Header{"X-Entity-Id": {entity}, "X-Other": {"1"}}},
		{"x-entity-id,x-request-id , X-Other\r\nConnection: X-Entity-Id", 200, http.Header{"X-Entity-Id": {entity}}},
		{"keep-alive", 200, http.Header{"X-Entity-Id": {entity}, "X-Other": {"1"}}},
		{"X-API-KEY", 401, nil},
	} {
		res := g.Raw("GET /api/agents HTTP/1.1\r\nHost: " + g.Addr + "\r\nX-API-KEY: " + hopKey + "\r\nX-Other: 1\r\nConnection: " + test.connection + "\r\n\r\n")
		if res.Status != test.status {
			t.Errorf("Connection: %q: %d, want %d", test.connection, res.Status, test.status)
		}
		if res.Status != 200 {
			continue
		}
		last := g.Backend.Last().Header
		got := http.Header{}
		for _, name := range []string{"X-Entity-Id", "X-Other"} {
			if values, ok := last[name]; ok {
				got[name] = values
			}
		}
		if !reflect.DeepEqual(got, test.headers) {
			t.Errorf("Connection: %q: the backend got %v, want %v", test.connection, got, test.headers)
		}
		if id := last.Get("X-Request-Id"); id == "" || id != res.Header.Get("X-Request-Id") {
			t.Errorf("Connection: %q: the backend got the request id %q", test.connection, id)
		}
	}
}

// TestUpgradesToWebSocketAlone holds that no other protocol gets through: what
// a client says in it nobody would read.
func TestUpgradesToWebSocketAlone(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_gate\nreverse_proxy BACKEND\n}")
	for _, test := range []struct{ upgrade, want string }{
		{"websocket", "websocket"},
		{"WebSocket", "websocket"},
		{"h2c", ""},
		{"h2c, websocket", ""},
		{"websocket, h2c", ""},
		{"websocket\r\nUpgrade: h2c", ""},
		{"tcp", ""},
	} {
		g.Raw("GET /x HTTP/1.1\r\nHost: " + g.Addr + "\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: " + test.upgrade + "\r\n\r\n")
		last := g.Backend.Last().Header
		if got := strings.Join(last["Upgrade"], "; "); got != test.want {
			t.Errorf("Upgrade: %q: the backend got %q, want %q", test.upgrade, got, test.want)
		}
		if test.want == "" && len(last["Http2-Settings"]) > 0 {
			t.Errorf("Upgrade: %q: the backend got HTTP2-Settings", test.upgrade)
		}
	}
}

// TestNoKeyOnErrorPages holds that a request that was refused gets no backend's
// key where the site's own error pages come from the backend.
func TestNoKeyOnErrorPages(t *testing.T) {
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "the-token-of-the-backend-in-tests")
	g := gatetest.Start(t, `GATE {
		agent_gate {
			error_format caddy
		}
		agent_auth {
			key a `+hopKey+` {
				scopes read
			}
			require admin /admin/*
		}
		reverse_proxy BACKEND {
			transport agent_backend {
				key {env.ELIZA_SERVER_AUTH_TOKEN}
			}
		}
		handle_errors {
			reverse_proxy BACKEND {
				transport agent_backend {
					key {env.ELIZA_SERVER_AUTH_TOKEN}
				}
			}
		}
	}`)
	g.Get("/admin/x", "X-API-KEY", hopKey)
	if last := g.Backend.Last(); last != nil && last.Header.Get("X-Api-Key") == "the-token-of-the-backend-in-tests" {
		t.Errorf("%s %s reached the backend with its key", last.Method, last.RequestURI)
	}
}

// TestTrailersEndHere holds that what a client sends behind a body does not
// reach the backend, which may take it for the header.
func TestTrailersEndHere(t *testing.T) {
	g := gatetest.Start(t, "GATE {\nagent_gate\nreverse_proxy BACKEND {\ntransport agent_backend\n}\n}")
	trailers := make(chan http.Header, 1)
	g.Backend.Handle(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "body" {
			t.Errorf("the body: %q %v", body, err)
		}
		trailers <- r.Trailer
	})
	for _, announced := range []string{"Trailer: X-Api-Key, X-Entity-Id\r\n", ""} {
		g.Raw("POST / HTTP/1.1\r\nHost: " + g.Addr + "\r\n" + announced + "Transfer-Encoding: chunked\r\n\r\n" +
			"4\r\nbody\r\n0\r\nX-Api-Key: made-up\r\nX-Entity-Id: another\r\n\r\n")
		if got := <-trailers; len(got) > 0 {
			t.Errorf("announced by %q, the backend got %v", announced, got)
		}
	}
}
