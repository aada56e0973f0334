package elizaos_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/elizaos"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	agentA = "a0000000-0000-4000-8000-00000000000a"
	agentB = "b0000000-0000-4000-8000-00000000000b"
	user   = "c0000000-0000-4000-8000-00000000000c"

	keyA    = "the-key-that-is-limited-to-agent-a"
	keyB    = "the-key-that-is-limited-to-agent-b"
	keyFull = "the-key-that-is-limited-to-nothing"
)

// startLimited starts the preset before a backend that makes everything it is
// asked for, and answers 200 to everything else.
func startLimited(t *testing.T) *gatetest.Gate {
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "the-token-of-the-backend-in-tests")
	g := gatetest.Start(t, `GATE {
		gatehouse elizaos BACKEND {
			auth {
				key a `+keyA+` {
					scopes *
					agents `+agentA+`
				}
				key b `+keyB+` {
					scopes *
					agents `+agentB+`
				}
				key full `+keyFull+` {
					scopes *
				}
			}
		}
	}`)
	var number atomic.Int64
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		n := number.Add(1)
		fmt.Fprintf(w, `{"sessionId":"50000000-0000-4000-8000-%012d","channelId":"60000000-0000-4000-8000-%012d","jobId":"70000000-0000-4000-8000-%012d","data":{"id":"80000000-0000-4000-8000-%012d"}}`, n, n, n, n)
	})
	return g
}

func send(g *gatetest.Gate, key, method, path, body string, headers ...string) gatetest.Response {
	headers = append(headers, "X-API-KEY", key)
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return g.Send(method, path, body, headers...)
}

// field cuts the value of a field out of an answer of the backend.
func field(t *testing.T, res gatetest.Response, name string) string {
	t.Helper()
	_, after, ok := strings.Cut(res.Body, `"`+name+`":"`)
	if res.Status != 200 || !ok {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// TestNoWayToAnotherAgent walks the whole table with a key of agent A against
// what belongs to agent B, each route in many ways: nothing gets through but
// the way to the sockets, whose events are judged one by one.
func TestNoWayToAnotherAgent(t *testing.T) {
	g := startLimited(t)
	made := send(g, keyB, "POST", "/api/messaging/sessions", `{"agentId":"`+agentB+`","userId":"`+user+`"}`)
	jobs := send(g, keyB, "POST", "/api/messaging/jobs", `{"agentId":"`+agentB+`","userId":"`+user+`","content":"x"}`)
	own := send(g, keyA, "POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`","userId":"`+user+`"}`)
	theirs := map[string]string{
		":agent": agentB, ":session": field(t, made, "sessionId"), ":channel": field(t, made, "channelId"), ":job": field(t, jobs, "jobId"),
	}
	ours := map[string]string{":agent": agentA, ":session": field(t, own, "sessionId"), ":channel": field(t, own, "channelId")}

	before := len(g.Backend.Seen())
	tried := 0
	refused := func(method, path, body string, headers ...string) {
		t.Helper()
		tried++
		if res := send(g, keyA, method, path, body, headers...); res.Status < 400 || res.Status >= 500 {
			t.Errorf("%s %s %s %q: %d", method, path, body, headers, res.Status)
		}
	}
	elizaos.EachRoute(func(method, path string) {
		if strings.HasPrefix(path, "/socket.io/") || path == "/healthz" { // the one is public and names nothing
			return
		}
		if method == "*" {
			method = "PUT"
		}
		fill := func(named map[string]string) string {
			segments := strings.Split(path, "/")
			for i, segment := range segments {
				switch {
				case named[segment] != "":
					segments[i] = named[segment]
				case strings.HasPrefix(segment, ":"), segment == "*":
					segments[i] = "d0000000-0000-4000-8000-00000000000d"
				}
			}
			return strings.Join(segments, "/")
		}
		// What the path names is B's; what else the request says makes no odds.
		for _, target := range []string{fill(theirs), strings.ToUpper(fill(theirs)), fill(theirs) + "/"} {
			refused(method, target, "")
			refused(method, target, "", "X-Agent-ID", agentA)
			refused(method, target+"?agentId="+agentA, "")
			if method != "GET" {
				refused(method, target, `{"metadata":{"agentId":"`+agentA+`"}}`)
			}
		}
		// The path names what is A's, and something beside it names B.
		for _, name := range elizaos.Fields() {
			refused(method, fill(ours)+"?"+name+"="+agentB, "")
			if method != "GET" && !strings.Contains(path, "upload-media") && !strings.HasSuffix(path, "audio-messages") && !strings.HasSuffix(path, "transcriptions") {
				refused(method, fill(ours), `{"metadata":[{"`+name+`":["`+agentB+`"]}]}`)
			}
		}
	})
	if reached := len(g.Backend.Seen()) - before; reached != 0 {
		t.Errorf("%d requests reached the backend, the last: %s %s", reached, g.Backend.Last().Method, g.Backend.Last().URL)
	}
	t.Logf("%d requests refused", tried)
}

// TestOwnAgent holds what a key of agent A is good for.
func TestOwnAgent(t *testing.T) {
	g := startLimited(t)
	passes := func(method, path, body string) gatetest.Response {
		t.Helper()
		res := send(g, keyA, method, path, body)
		if res.Status != 200 {
			t.Errorf("%s %s %s: %d", method, path, body, res.Status)
		} else if last := g.Backend.Last(); last.RequestURI != path {
			t.Errorf("the backend got %s", last.RequestURI)
		}
		return res
	}
	fails := func(method, path, body string) {
		t.Helper()
		if res := send(g, keyA, method, path, body); res.Status != 403 {
			t.Errorf("%s %s %s: %d", method, path, body, res.Status)
		}
	}
	passes("GET", "/api/agents/"+agentA+"/memories", "")
	passes("GET", "/api/agents/"+strings.ToUpper(agentA)+"/rooms", "")
	passes("POST", "/api/audio/"+agentA+"/speech/generate", `{"text":"hello"}`)
	passes("GET", "/media/uploads/agents/"+agentA+"/x.png", "")
	for _, path := range []string{
		"/api/agents", "/api/agents/worlds", "/api/agents/" + agentA + "/logs", "/api/agents/" + agentA + "/runs",
		"/api/agents/" + agentA + "/rooms/" + user, "/api/messaging/sessions", "/api/messaging/jobs", "/api/messaging/message-servers",
		"/api/server/status", "/api/unheard/of", "/", "/fake-model/secret", "/media/elsewhere",
	} {
		fails("GET", path, "")
	}

	session := field(t, passes("POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`","userId":"`+user+`"}`), "sessionId")
	passes("POST", "/api/messaging/sessions/"+session+"/messages", `{"content":"hello","transport":"sse"}`)
	passes("DELETE", "/api/messaging/sessions/"+session, "")
	fails("POST", "/api/messaging/sessions", `{"userId":"`+user+`"}`)
	fails("POST", "/api/messaging/sessions", `{"agentId":"`+agentB+`","userId":"`+user+`"}`)
	fails("POST", "/api/messaging/sessions", `{"agentId":"`+agentB+`","agentId":"`+agentA+`","userId":"`+user+`"}`)
	fails("POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`","userId":"`+user+`"} `+"\xef\xbb\xbf")
	fails("POST", "/api/messaging/jobs", `{"agentId":"`+agentA+`","agentId":null,"userId":"`+user+`","content":"x"}`)
	fails("POST", "/api/messaging/jobs?agentId="+agentA, `{"metadata":{"agentId":"`+agentA+`"},"userId":"`+user+`","content":"x"}`)
	fails("POST", "/api/messaging/sessions", `{"agentId":{"x":"`+agentA+`"}}`)

	job := field(t, passes("POST", "/api/messaging/jobs", `{"agentId":"`+agentA+`","userId":"`+user+`","content":"x"}`), "jobId")
	passes("GET", "/api/messaging/jobs/"+job, "")
	fails("POST", "/api/messaging/jobs", `{"userId":"`+user+`","content":"x"}`)

	// A channel has one user and agents of the key's: a second stranger could
	// be another agent, who would answer.
	channel := field(t, passes("POST", "/api/messaging/channels", `{"name":"x","participantCentralUserIds":["`+user+`","`+agentA+`"]}`), "id")
	passes("POST", "/api/messaging/channels/"+channel+"/messages", `{"author_id":"`+user+`","content":"hello"}`)
	passes("POST", "/api/messaging/channels/"+channel+"/agents", `{"agentId":"`+agentA+`"}`)
	passes("GET", "/api/messaging/channels/"+channel+"/messages?limit=10", "")
	fails("POST", "/api/messaging/channels/"+channel+"/messages", `{"author_id":"`+agentB+`","content":"hello"}`)
	fails("POST", "/api/messaging/channels/"+channel+"/messages", `{"author_id":"`+user+`","metadata":{"targetAgentId":"`+agentB+`"}}`)
	fails("POST", "/api/messaging/channels/"+channel+"/messages", `{"author_id":"`+user+`","metadata":{"isDm":true,"targetUserId":"`+agentB+`"}}`)
	fails("PATCH", "/api/messaging/channels/"+channel, `{"participantCentralUserIds":["`+user+`","`+agentA+`","`+agentB+`"]}`)
	fails("POST", "/api/messaging/channels", `{"name":"x","participantCentralUserIds":["`+user+`","`+agentA+`","`+agentB+`"]}`)
	fails("POST", "/api/messaging/channels", `{"name":"x","participantCentralUserIds":["`+user+`"]}`)
	fails("DELETE", "/api/messaging/channels/"+channel+"/messages/"+user, "")
	direct := field(t, passes("GET", "/api/messaging/dm-channel?targetUserId="+agentA+"&currentUserId="+user, ""), "id")
	passes("GET", "/api/messaging/channels/"+direct+"/details", "")
	fails("GET", "/api/messaging/dm-channel?targetUserId="+agentB+"&currentUserId="+user, "")

	// Who is an agent of another key's is no user. Of one that no key names
	// this cannot be known: but nothing is said in its channel that it would
	// take for another's words, and so it does not answer.
	fails("POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`","userId":"`+agentB+`"}`)
	fails("POST", "/api/messaging/channels", `{"name":"x","participantCentralUserIds":["`+agentA+`","`+strings.ToUpper(agentB)+`"]}`)
	fails("GET", "/api/messaging/dm-channel?targetUserId="+agentB+"&currentUserId="+agentA, "")
	unheard := "e0000000-0000-4000-8000-00000000000e"
	between := field(t, passes("POST", "/api/messaging/channels", `{"name":"x","participantCentralUserIds":["`+agentA+`","`+unheard+`"]}`), "id")
	passes("POST", "/api/messaging/channels/"+between+"/messages", `{"author_id":"`+unheard+`","content":"hello"}`)
	fails("POST", "/api/messaging/channels/"+between+"/messages", `{"author_id":"`+agentA+`","content":"hello"}`)
	fails("POST", "/api/messaging/channels/"+between+"/messages", `{"author_id":"`+strings.ToUpper(unheard)+`","content":"hello"}`)
	fails("POST", "/api/agents/"+agentA+"/rooms", `{"name":"x","worldId":"`+user+`"}`)

	// An unlimited key's session is not the key's own, nor is the other way a matter.
	full := field(t, send(g, keyFull, "POST", "/api/messaging/sessions", `{"agentId":"`+agentA+`","userId":"`+user+`"}`), "sessionId")
	fails("GET", "/api/messaging/sessions/"+full, "")
	if res := send(g, keyFull, "GET", "/api/messaging/sessions/"+session, ""); res.Status != 200 {
		t.Errorf("a key without limits: %d", res.Status)
	}
}

// TestBodiesThatReadTwoWays holds that a body is refused that another reader
// could read in another way.
func TestBodiesThatReadTwoWays(t *testing.T) {
	g := startLimited(t)
	body := `{"agentId":"` + agentA + `","userId":"` + user + `"}`
	for _, headers := range [][]string{
		{"Content-Type", "application/json; charset=utf-7"},
		{"Content-Type", "application/json; charset=utf-16le"},
		{"Content-Type", "application/json", "Content-Type", "application/json; charset=utf-16"},
		{"Content-Type", "application/json", "Content-Encoding", "gzip"},
		{"Content-Type", "application/json; charset"},
	} {
		if res := g.Send("POST", "/api/messaging/sessions", body, append(slices.Clone(headers), "X-API-KEY", keyA)...); res.Status != 403 {
			t.Errorf("%q: %d", headers, res.Status)
		}
	}
	if res := send(g, keyA, "POST", "/api/messaging/sessions", `{"x":"`+strings.Repeat("x", 1<<20)+`","agentId":"`+agentA+`"}`); res.Status != 413 {
		t.Errorf("too long: %d", res.Status)
	}
	if res := send(g, keyA, "POST", "/api/messaging/sessions", strings.Repeat("[", 100)+strings.Repeat("]", 100)); res.Status != 403 {
		t.Errorf("too deep: %d", res.Status)
	}
	if res := send(g, keyA, "POST", "/api/messaging/sessions?a;b", body); res.Status != 403 {
		t.Errorf("an odd query: %d", res.Status)
	}
	if got := len(g.Backend.Seen()); got != 0 {
		t.Errorf("%d requests reached the backend", got)
	}
}
