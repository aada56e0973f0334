package e2e_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// comparison is one request, sent to the bare backend with the backend's key
// and through the gate with the client's, and the reason why the answers differ.
type comparison struct {
	name, method, path string
	key                presented
	header             http.Header
	body               string

	bare, gate int    // the statuses
	why        string // the status or the body differ; empty: neither may
}

type presented int

const (
	nothing presented = iota
	rightKey
	wrongKey
	rightBearer
)

const (
	keyless  = "everything needs a key at the gate but what is declared public"
	refusing = "the gate's refusal, before the backend sees the request"
	cleaned  = "the gate cleans the path and forwards what it checked"
	oneShape = "errors leave in one shape"
	mounted  = "the backend guards /api alone"
)

var (
	jsonBody    = http.Header{"Content-Type": {"application/json"}}
	otherOrigin = http.Header{"Origin": {"https://elsewhere.example"}}
	preflight   = http.Header{
		"Origin":                         {"https://elsewhere.example"},
		"Access-Control-Request-Method":  {"DELETE"},
		"Access-Control-Request-Headers": {"x-api-key"},
	}
	tooLarge = `{"userId":"` + strings.Repeat("x", 3<<20) + `"}`
)

var comparisons = []comparison{
	{name: "ping", path: "/api/server/ping", key: rightKey, bare: 200, gate: 200},
	{name: "agents", path: "/api/agents", key: rightKey, bare: 200, gate: 200},
	{name: "health", path: "/api/server/health", key: rightKey, bare: 200, gate: 200},
	{name: "head", method: "HEAD", path: "/api/server/hello", key: rightKey, bare: 200, gate: 200},
	{name: "not modified", path: "/api/server/hello", key: rightKey,
		header: http.Header{"If-None-Match": {"*"}}, bare: 304, gate: 304},
	{name: "upper case", path: "/API/Agents", key: rightKey, bare: 200, gate: 200},
	{name: "unknown route", path: "/api/nothing/here", key: rightKey, bare: 404, gate: 404, why: oneShape},
	{name: "no key", path: "/api/agents", bare: 401, gate: 401, why: refusing},
	{name: "wrong key", path: "/api/agents", key: wrongKey, bare: 401, gate: 401, why: refusing},
	{name: "unknown route, no key", path: "/api/nothing/here", bare: 401, gate: 401, why: refusing},
	{name: "bearer", path: "/api/server/ping", key: rightBearer, bare: 401, gate: 200,
		why: "the gate takes the key as a bearer token too"},
	{name: "content type", method: "POST", path: "/api/messaging/sessions", key: rightKey,
		header: http.Header{"Content-Type": {"text/plain"}}, body: "hello", bare: 400, gate: 400, why: refusing},
	{name: "malformed body, no key", method: "POST", path: "/api/messaging/sessions",
		header: jsonBody, body: "{", bare: 500, gate: 401, why: "the gate asks for the key before the body is read"},
	{name: "large body, no key", method: "POST", path: "/api/messaging/sessions",
		header: jsonBody, body: tooLarge, bare: 500, gate: 401, why: "the gate asks for the key before the body is read"},
	{name: "another origin", path: "/api/agents", key: rightKey, header: otherOrigin, bare: 200, gate: 200},
	{name: "healthz", path: "/healthz", bare: 200, gate: 200},
	{name: "health, no key", path: "/health", bare: 200, gate: 401, why: keyless},
	{name: "web UI, no key", path: "/", bare: 200, gate: 403, why: "the web UI is off unless it is asked for"},
	{name: "plugin route, no key", path: "/deterministic-model/open", bare: 200, gate: 401, why: mounted},
	{name: "plugin route", path: "/deterministic-model/open", key: rightKey, bare: 200, gate: 200},
	{name: "media, no key", path: "/media/uploads/agents/" + someAgent + "/none.png", bare: 404, gate: 401, why: mounted},
	{name: "media", path: "/media/uploads/agents/" + someAgent + "/none.png", key: rightKey, bare: 404, gate: 404, why: oneShape},
	{name: "socket, no key", path: socketPath, bare: 200, gate: 401, why: "the backend asks sockets for no key"},
	{name: "socket, wrong key", path: socketPath, key: wrongKey, bare: 200, gate: 401, why: "the backend asks sockets for no key"},
	{name: "socket", path: socketPath, key: rightKey, bare: 200, gate: 200},
	{name: "two slashes, no key", path: "//api/agents", bare: 200, gate: 401, why: keyless},
	{name: "two slashes", path: "//api/agents", key: rightKey, bare: 200, gate: 200, why: cleaned},
	{name: "escaped letter, no key", path: "/%61pi/agents", bare: 200, gate: 401, why: keyless},
	{name: "escaped letter", path: "/%61pi/agents", key: rightKey, bare: 200, gate: 200, why: cleaned},
	{name: "dots, no key", path: "/x/../api/agents", bare: 200, gate: 401, why: keyless},
	{name: "dots", path: "/x/../api/agents", key: rightKey, bare: 200, gate: 200, why: cleaned},
}

const (
	someAgent  = "a9e7c0de-0000-4000-8000-000000000001"
	socketPath = "/socket.io/?EIO=4&transport=polling"
)

// headerDifferences are the header fields that may differ, and why.
var headerDifferences = map[string]string{
	"Access-Control-Allow-Credentials":  openToAll,
	"Access-Control-Allow-Origin":       openToAll,
	"Ratelimit":                         oneBucket,
	"Ratelimit-Limit":                   oneBucket,
	"Ratelimit-Policy":                  oneBucket,
	"Ratelimit-Remaining":               oneBucket,
	"Ratelimit-Reset":                   oneBucket,
	"Alt-Svc":                           "the gate speaks HTTP/3",
	"Cache-Control":                     ownPolicy,
	"Content-Security-Policy":           ownPolicy,
	"Cross-Origin-Embedder-Policy":      ownPolicy,
	"Cross-Origin-Opener-Policy":        ownPolicy,
	"Cross-Origin-Resource-Policy":      ownPolicy,
	"Origin-Agent-Cluster":              ownPolicy,
	"Permissions-Policy":                ownPolicy,
	"Referrer-Policy":                   ownPolicy,
	"Strict-Transport-Security":         ownPolicy,
	"X-Content-Type-Options":            ownPolicy,
	"X-Dns-Prefetch-Control":            ownPolicy,
	"X-Download-Options":                ownPolicy,
	"X-Frame-Options":                   ownPolicy,
	"X-Permitted-Cross-Domain-Policies": ownPolicy,
	"X-Xss-Protection":                  ownPolicy,
	"X-Request-Id":                      "the gate numbers requests, so that answer and log line can be matched",
}

// otherAnswerDifferences are those that may differ besides where status or body
// do: the answer is another one.
var otherAnswerDifferences = map[string]string{
	"Accept-Ranges":    ofTheAnswer,
	"Content-Length":   ofTheAnswer,
	"Content-Type":     ofTheAnswer,
	"Etag":             ofTheAnswer,
	"Last-Modified":    ofTheAnswer,
	"Vary":             openToAll,
	"Www-Authenticate": "RFC 6750",
}

const (
	openToAll   = "the backend lets every origin in"
	oneBucket   = "the backend's one bucket is the gate's, not the client's"
	ofTheAnswer = "it belongs to the other answer"
	ownPolicy   = "the gate sets the policy of the site, on every answer"
)

// ofTheConnection are header fields that are not the answer's.
var ofTheConnection = []string{"Connection", "Date", "Keep-Alive"}

// The same requests, bare and through the gate: each difference is wanted, and
// each wanted difference is there.
func TestDifferencesFromTheBareServer(t *testing.T) {
	e := house.SharedElizaOS(t)
	g, url := elizaGate(t, e)
	bareClient, gateClient := house.Client(t, ""), house.Client(t, g.LocalCA())
	observed := make(map[string]bool)
	for _, c := range comparisons {
		t.Run(c.name, func(t *testing.T) {
			bare := c.send(t, bareClient, e.URL, e.Token)
			gate := c.send(t, gateClient, url, clientKey)
			if bare.status != c.bare || gate.status != c.gate {
				t.Fatalf("status %d bare and %d through the gate, not %d and %d", bare.status, gate.status, c.bare, c.gate)
			}
			// A refusal of the gate may be in the backend's own words.
			other := bare.status != gate.status || bare.body != gate.body || c.why == refusing
			t.Logf("%d -> %d %s", bare.status, gate.status, c.why)
			if other != (c.why != "") {
				t.Errorf("wanted difference: %q; the body, bare:\n%.300s\nthrough the gate:\n%.300s", c.why, bare.body, gate.body)
			}
			own := ofTheConnection
			if bare.changes || gate.changes {
				own = append(slices.Clone(own), "Etag")
			}
			for _, name := range fieldNames(bare.header, gate.header) {
				if slices.Contains(own, name) || slices.Equal(bare.header[name], gate.header[name]) {
					continue
				}
				why := headerDifferences[name]
				if why == "" && other {
					why = otherAnswerDifferences[name]
				}
				t.Logf("    %s: %q -> %q: %s", name, bare.header[name], gate.header[name], why)
				if why == "" {
					t.Errorf("%s: %q bare, %q through the gate: nobody wanted that", name, bare.header[name], gate.header[name])
				}
				observed[name] = true
			}
		})
	}
	for name := range headerDifferences {
		if !observed[name] {
			t.Errorf("no answer differs in %s", name)
		}
	}
	for name := range otherAnswerDifferences {
		if !observed[name] {
			t.Errorf("no other answer differs in %s", name)
		}
	}
}

// No preflight is answered as the backend answers it: with leave for everybody.
func TestPreflightGivesNoLeave(t *testing.T) {
	e := house.SharedElizaOS(t)
	g, url := elizaGate(t, e)
	c := comparison{method: http.MethodOptions, path: "/api/agents", header: preflight}
	if bare := c.send(t, house.Client(t, ""), e.URL, ""); bare.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("the bare server gives no leave: there is nothing to compare")
	}
	for name := range c.send(t, house.Client(t, g.LocalCA()), url, "").header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the gate lets %s through", name)
		}
	}
}

type answer struct {
	status  int
	header  http.Header
	body    string // without what changes
	changes bool   // from one time to the next
}

func (c comparison) send(t *testing.T, client *http.Client, base, key string) answer {
	t.Helper()
	var header []string
	for name, values := range c.header {
		for _, value := range values {
			header = append(header, name, value)
		}
	}
	switch c.key {
	case rightKey:
		header = append(header, "X-API-KEY", key)
	case wrongKey:
		header = append(header, "X-API-KEY", "the-key-of-somebody-else-0123456789abcd")
	case rightBearer:
		header = append(header, "Authorization", "Bearer "+key)
	}
	a := house.Ask(t, client, c.method, base+c.path, c.body, header...)
	return answer{a.Status, a.Header, changing.ReplaceAllString(a.Body, "…"), changing.MatchString(a.Body)}
}

// changing is what differs between any two answers: times and socket ids.
var changing = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|\d{13}|"sid":"[^"]*"`)

func fieldNames(headers ...http.Header) []string {
	var names []string
	for _, header := range headers {
		for name := range header {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
