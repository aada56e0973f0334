package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/coder/websocket"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

const (
	agentA = "a0000000-0000-4000-8000-00000000000a"
	agentB = "b0000000-0000-4000-8000-00000000000b"
	aUser  = "c0000000-0000-4000-8000-00000000000c"
)

// characters writes a character file for each of the agents, and returns what
// has ElizaOS start with them.
func characters(t *testing.T, agents ...string) (env string) {
	t.Helper()
	folder := t.TempDir()
	var files []string
	for i, id := range agents {
		name := fmt.Sprintf("Agent %c", 'A'+i)
		text, err := json.Marshal(map[string]any{"id": id, "name": name, "bio": []string{"Answers the same to everyone."}, "settings": map[string]any{}})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, id+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return "E2E_CHARACTER=" + strings.Join(files, string(os.PathListSeparator))
}

// names are the fields by which ElizaOS is told of agents, of those who take
// part, and of things; the value is what stands for the thing in things.
var names = map[string]string{
	"agentId": ":agent", "agent_id": ":agent", "targetAgentId": ":agent",
	"participantCentralUserIds": ":agent", "participantIds": ":agent", "participants": ":agent",
	"author_id": ":agent", "authorId": ":agent", "senderId": ":agent", "sender_id": ":agent",
	"userId": ":agent", "user_id": ":agent", "currentUserId": ":agent", "targetUserId": ":agent", "recipientId": ":agent",
	"channelId": ":channel", "channel_id": ":channel", "roomId": ":room", "room_id": ":room",
	"sessionId": ":session", "session_id": ":session", "jobId": ":job", "worldId": ":world", "world_id": ":world",
}

// things are ids by the parameter that stands for them in the table.
type things map[string]string

// fill puts ids in the place of the parameters of a path.
func (ids things) fill(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if !strings.HasPrefix(segment, ":") {
			continue
		}
		if segments[i] = ids[segment]; segments[i] == "" {
			segments[i] = noSuchID
		}
	}
	return strings.Join(segments, "/")
}

// valid are bodies and queries with which the routes that need one succeed;
// parameters stand for ids. What makes a thing, makes one for :agent.
var valid = map[string]string{
	"POST /api/agents":                                             `{"characterJson":{"id":"d0000000-0000-4000-8000-00000000000d","name":"Another","bio":["x"],"settings":{}}}`,
	"PATCH /api/agents/:agent":                                     `{"bio":["changed"]}`,
	"POST /api/agents/:agent/worlds":                               `{"name":"a world"}`,
	"PATCH /api/agents/:agent/worlds/:world":                       `{"name":"a changed world"}`,
	"PATCH /api/agents/:agent/memories/:memory":                    `{"content":{"text":"changed"}}`,
	"PATCH /api/memory/:agent/memories/:memory":                    `{"content":{"text":"changed"}}`,
	"POST /api/agents/:agent/rooms":                                `{"name":"a room"}`,
	"POST /api/memory/:agent/rooms":                                `{"name":"a room"}`,
	"POST /api/memory/groups/:server":                              `{"name":"a group","agentIds":[":agent"],"worldId":":world","source":"x"}`,
	"POST /api/messaging/submit":                                   `{"channel_id":":channel","message_server_id":":server","author_id":":agent","content":"forged","source_type":"agent_response","raw_message":{"text":"forged"}}`,
	"POST /api/messaging/action":                                   `{"channel_id":":channel","message_server_id":":server","author_id":":agent","content":"forged","source_type":"agent_action","raw_message":{"text":"forged"}}`,
	"PATCH /api/messaging/action/:action":                          `{"content":"changed"}`,
	"POST /api/messaging/ingest-external":                          `{"channel_id":":channel","message_server_id":":server","author_id":":user","content":"from outside","source_type":"x","raw_message":{}}`,
	"POST /api/messaging/message-servers":                          `{"name":"another server","sourceType":"x"}`,
	"POST /api/messaging/servers":                                  `{"name":"another server","sourceType":"x"}`,
	"POST /api/messaging/message-servers/:server/agents":           `{"agentId":":agent"}`,
	"POST /api/messaging/servers/:server/agents":                   `{"agentId":":agent"}`,
	"POST /api/messaging/channels":                                 `{"name":"a channel","message_server_id":":server","participantCentralUserIds":[":user",":agent"]}`,
	"POST /api/messaging/central-channels":                         `{"name":"a channel","message_server_id":":server","participantCentralUserIds":[":user",":agent"]}`,
	"PATCH /api/messaging/channels/:channel":                       `{"name":"a changed channel"}`,
	"PATCH /api/messaging/central-channels/:channel":               `{"name":"a changed channel"}`,
	"POST /api/messaging/channels/:channel/agents":                 `{"agentId":":agent"}`,
	"POST /api/messaging/central-channels/:channel/agents":         `{"agentId":":agent"}`,
	"POST /api/messaging/channels/:channel/messages":               `{"author_id":":user","message_server_id":":server","content":"hello","source_type":"x","raw_message":{}}`,
	"POST /api/messaging/central-channels/:channel/messages":       `{"author_id":":user","message_server_id":":server","content":"hello","source_type":"x","raw_message":{}}`,
	"POST /api/messaging/channels/:channel/generate-title":         `{"agentId":":agent"}`,
	"POST /api/messaging/central-channels/:channel/generate-title": `{"agentId":":agent"}`,
	"GET /api/messaging/dm-channel":                                `?currentUserId=:user&targetUserId=:agent`,
	"POST /api/messaging/sessions":                                 `{"agentId":":agent","userId":":user"}`,
	"POST /api/messaging/sessions/:session/messages":               `{"content":"hello"}`,
	"PATCH /api/messaging/sessions/:session/timeout":               `{"timeoutMinutes":10}`,
	"POST /api/messaging/jobs":                                     `{"agentId":":agent","userId":":user","content":"hello"}`,
	"POST /api/audio/:agent/speech/generate":                       `{"text":"hello"}`,
	"POST /api/audio/:agent/audio-messages/synthesize":             `{"text":"hello"}`,
	"POST /api/audio/:agent/speech/conversation":                   `{"text":"hello","roomId":":room","entityId":":user"}`,
	"POST /api/system/env/local":                                   `{"content":{"X":"y"}}`,
}

// request returns what a route is asked with, with ids filled in.
func (ids things) request(method, path string) (target, body, contentType string) {
	target, body = ids.fill(path), valid[method+" "+path]
	for _, parameter := range []string{":agent", ":channel", ":session", ":server", ":world", ":room", ":user"} {
		body = strings.ReplaceAll(body, parameter, ids[parameter])
	}
	switch {
	case strings.HasPrefix(body, "?"):
		return target + body, "", ""
	case strings.HasSuffix(path, "/upload-media"):
		f := uploaded("", "a.png", "image/png", pngFile)
		return target, f.body, asForm
	case strings.HasSuffix(path, "/audio-messages"), strings.HasSuffix(path, "/transcriptions"):
		f := uploaded("", "a.wav", "audio/wav", wavFile)
		return target, f.body, asForm
	case body != "":
		return target, body, asJSON
	case method == "POST" || method == "PATCH":
		return target, "{}", asJSON
	}
	return target, "", ""
}

// A key that is limited to agent A, and may do everything, walks all routes of
// the table with what belongs to agent B in their paths, queries, bodies and
// headers, on a server that has both: nothing succeeds, and nothing reaches the
// server. Where a key without limits sends the same, most succeed.
func TestNoWayToTheOtherAgent(t *testing.T) {
	e := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Env: []string{characters(t, agentA, agentB)}})
	file := filepath.Join(t.TempDir(), "keys.json")
	secrets := map[string]string{
		"a":    addKey(t, file, keys.Key{ID: "a", Scopes: []string{"*"}, Agents: []string{agentA}}),
		"b":    addKey(t, file, keys.Key{ID: "b", Scopes: []string{"*"}, Agents: []string{agentB}}),
		"full": addKey(t, file, keys.Key{ID: "full", Scopes: []string{"*"}}),
	}
	g := house.StartGate(t, house.GateConfig{
		Global: "gatehouse {\nkeys " + file + "\n}",
		Sites: fmt.Sprintf("http://localhost {\n\tgatehouse elizaos 127.0.0.1:%d {\n\t\trate_limit {\n"+
			"\t\t\ttier api {\n\t\t\t\tlimit 1000000 15m\n\t\t\t}\n\t\t\ttier upload off\n\t\t\ttier file_system off\n\t\t\ttier media off\n\t\t\ttier channel_validation off\n\t\t}\n\t}\n}", e.Port),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	client := house.Client(t, "")
	with := func(key string) target {
		return target{t: t, url: fmt.Sprintf("http://localhost:%d", g.Config.HTTPPort), client: client, key: secrets[key], server: e, gate: true}
	}
	theirs := thingsOf(t, with("b"), with("full"), agentB)
	ours := thingsOf(t, with("a"), with("full"), agentA)
	table := routeTable(t)
	if len(table) < 80 {
		t.Fatalf("the table has %d lines", len(table))
	}

	since := lastRequest(t, e)
	tried := 0
	a := with("a")
	refused := func(method, path, body, contentType string, header ...string) {
		t.Helper()
		tried++
		if contentType != "" {
			header = append(header, "Content-Type", contentType)
		}
		if got := a.ask(method, path, a.key, body, header...); got.Status < 400 || got.Status >= 500 {
			t.Errorf("%s %s %.200q %q: %d %.100s", method, path, body, header, got.Status, got.Body)
		}
	}
	for _, route := range table {
		if route.path == "/healthz" {
			continue // is public and names nothing
		}
		for _, method := range strings.Fields(route.methods) {
			target, body, contentType := theirs.request(method, route.path)
			and := "?"
			if strings.Contains(target, "?") {
				and = "&"
			}
			refused(method, target, body, contentType)
			refused(method, target, body, contentType, "X-Agent-ID", agentA)
			refused(method, target, body, contentType, "X-Agent-ID", agentB)
			refused(method, target, body, contentType, "X-Entity-Id", agentB)
			refused(method, target+and+"agentId="+agentA, body, contentType)
			refused(method, strings.ToUpper(target), body, contentType)
			if strings.Contains(route.path, ":") && method != http.MethodGet && contentType != asForm {
				refused(method, target, `{"agentId":"`+agentA+`"}`, asJSON)
			}

			// The path names what is A's, and something beside it names B's.
			target, body, contentType = ours.request(method, route.path)
			refused(method, target, body, contentType, "X-Agent-ID", agentB)
			for name, parameter := range names {
				refused(method, target+and+name+"="+theirs[parameter], body, contentType)
				refused(method, target+and+name+"[]="+theirs[parameter], body, contentType)
				if body == "" || contentType == asForm {
					continue
				}
				for _, value := range []string{`"` + theirs[parameter] + `"`, `["` + strings.ToUpper(theirs[parameter]) + `"]`} {
					refused(method, target, strings.TrimSuffix(body, "}")+comma(body)+`"`+name+`":`+value+"}", asJSON)
					refused(method, target, strings.TrimSuffix(body, "}")+comma(body)+`"metadata":{"x":[{"`+name+`":`+value+"}]}}", asJSON)
				}
			}
		}
	}
	for _, request := range e.Requests(t, since) {
		if request.Values("X-Forwarded-For") != nil {
			t.Errorf("%s %s has reached the server", request.Method, request.URL)
		}
	}
	t.Logf("%d requests were refused", tried)

	secondUser(t, a)
	joinOther(t, a, ours[":channel"], theirs[":channel"])
	fullKey(t, with("full"), table, theirs)
}

func comma(body string) string {
	if body == "{}" {
		return ""
	}
	return ","
}

// thingsOf makes one of everything for an agent and returns the ids: with the
// agent's own key what such a key can make, the rest with one without limits.
func thingsOf(t *testing.T, own, full target, agent string) things {
	t.Helper()
	ids := things{":agent": agent, ":user": aUser, ":server": ownServer}
	made := func(g target, method, path string, field ...string) string {
		t.Helper()
		target, body, contentType := ids.request(method, path)
		got := g.ask(method, target, g.key, body, "Content-Type", contentType)
		if got.Status >= 300 {
			t.Fatalf("%s %s: %d %s", method, target, got.Status, got.Body)
		}
		return deep(t, got.Body, field...)
	}
	ids[":session"] = made(own, "POST", "/api/messaging/sessions", "sessionId")
	ids[":channel"] = made(own, "POST", "/api/messaging/channels", "data", "id")
	ids[":job"] = made(own, "POST", "/api/messaging/jobs", "jobId")
	ids[":world"] = made(full, "POST", "/api/agents/:agent/worlds", "data", "world", "id")
	ids[":room"] = made(full, "POST", "/api/agents/:agent/rooms", "data", "id")
	ids[":file"] = made(own, "POST", "/api/media/agents/:agent/upload-media", "data", "filename")
	ids[":message"] = made(full, "POST", "/api/messaging/submit", "data", "id")
	ids[":action"] = ids[":message"]
	// What is said in a session the agent remembers.
	session, _, _ := ids.request("GET", "/api/messaging/sessions/:session/messages")
	full.ask("POST", session, full.key, `{"content":"who is there?","transport":"http"}`, "Content-Type", asJSON)
	own.server.Retry(t, func() error {
		answer := full.ask("GET", "/api/agents/"+agent+"/memories", full.key, "").Body
		var listed struct {
			Data struct{ Memories []struct{ ID string } }
		}
		if err := json.Unmarshal([]byte(answer), &listed); err != nil || len(listed.Data.Memories) == 0 {
			return fmt.Errorf("the agent remembers nothing: %v %.200s", err, answer)
		}
		ids[":memory"] = listed.Data.Memories[0].ID
		return nil
	})
	return ids
}

// deep is the string that field names lead to in a JSON object.
func deep(t *testing.T, text string, field ...string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, name := range field {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	id, _ := value.(string)
	if id == "" {
		t.Fatalf("no %q in %s", field, text)
	}
	return id
}

// secondUser holds that what A's key has agent A say reaches no agent that it
// makes the user of a channel. No key names that one here, so that the gate
// cannot know it.
func secondUser(t *testing.T, a target) {
	t.Helper()
	channel := func(user string) house.Answer {
		return a.ask("POST", "/api/messaging/channels", a.key, `{"name":"x","message_server_id":"`+ownServer+
			`","participantCentralUserIds":["`+agentA+`","`+user+`"]}`, "Content-Type", asJSON)
	}
	if got := channel(agentB); got.Status != http.StatusForbidden {
		t.Errorf("a channel of both agents: %d %s", got.Status, got.Body)
	}
	path := "/api/messaging/channels/" + deep(t, channel(noSuchID).Body, "data", "id") + "/messages"
	for author, want := range map[string]int{noSuchID: http.StatusCreated, strings.ToUpper(noSuchID): http.StatusForbidden, agentA: http.StatusForbidden} {
		got := a.ask("POST", path, a.key, `{"author_id":"`+author+`","message_server_id":"`+ownServer+`","content":"hello","raw_message":{}}`, "Content-Type", asJSON)
		if got.Status != want {
			t.Errorf("a message of %s: %d %s", author, got.Status, got.Body)
		}
	}
}

// joinOther holds that on a socket A's key joins a channel of its own, and that
// the socket ends when it would join another.
func joinOther(t *testing.T, a target, own, other string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(a.url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket",
		&websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {a.key}}, HTTPClient: a.client})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	say := func(text string) {
		t.Helper()
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(until string) (heard string, err error) {
		for !strings.Contains(heard, until) {
			_, text, err := conn.Read(ctx)
			if err != nil {
				return heard, err
			}
			if string(text) == "2" {
				say("3")
			}
			heard += string(text) + "\n"
		}
		return heard, nil
	}
	say(`40{"entityId":"` + aUser + `"}`)
	if heard, err := hear("40{"); err != nil {
		t.Fatalf("the socket: %v\n%s", err, heard)
	}
	join := `42["message",{"type":1,"payload":{"channelId":"%s","entityId":"` + aUser + `"}}]`
	say(fmt.Sprintf(join, own))
	if heard, err := hear("channel_joined"); err != nil {
		t.Fatalf("its own channel: %v\n%s", err, heard)
	}
	say(fmt.Sprintf(join, other))
	if heard, err := hear("channel_joined"); err == nil || ctx.Err() != nil {
		t.Errorf("the other agent's channel: %v\n%s", err, heard)
	}
}

// fullKey sends to each route what was refused before, with a key without
// limits, and prints the statuses. What takes something away comes last.
func fullKey(t *testing.T, g target, table []tableRoute, ids things) {
	t.Helper()
	last := []string{"GET", "POST", "PATCH", "DELETE", "POST /api/agents/:agent/stop", "DELETE /api/agents/:agent", "POST /api/system/env/local", "POST /api/server/stop"}
	var routes [][2]string
	for _, route := range table {
		for _, method := range strings.Fields(route.methods) {
			routes = append(routes, [2]string{method, route.path})
		}
	}
	rank := func(route [2]string) int {
		if i := slices.Index(last, route[0]+" "+route[1]); i >= 0 {
			return i
		}
		return slices.Index(last, route[0])
	}
	slices.SortStableFunc(routes, func(a, b [2]string) int { return rank(a) - rank(b) })
	var list bytes.Buffer
	w := tabwriter.NewWriter(&list, 0, 0, 2, ' ', 0)
	done := 0
	for _, route := range routes {
		target, body, contentType := ids.request(route[0], route[1])
		got := g.ask(route[0], target, g.key, body, "Content-Type", contentType)
		if got.Status < 300 {
			got.Body = ""
			done++
		}
		fmt.Fprintf(w, "%s %s\t%d\t%.120s\n", route[0], route[1], got.Status, got.Body)
	}
	w.Flush()
	t.Logf("%d of %d succeed with a key without limits:\n%s", done, len(routes), list.String())
	if done < 90 {
		t.Errorf("only %d requests succeed with a key without limits: what was refused was no good anyway", done)
	}
}
