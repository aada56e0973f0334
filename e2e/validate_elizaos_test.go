package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// formed is one request whose form agent_validate judges. In its path and body
// {agent}, {session}, {channel} and {user} stand for those of the server.
type formed struct {
	name         string
	method, path string
	header       []string // names and values in turn
	body         string
	chunked      bool
	status       int    // through the gate
	code         string // of a refusal
}

const (
	sessionsPath = "/api/messaging/sessions"
	newSession   = `{"agentId":"{agent}","userId":"{user}"}`
	agentUploads = "/api/media/agents/{agent}/upload-media"
	asJSON       = "application/json"
	asForm       = "multipart/form-data; boundary=XxX"
	brokenID     = "a9e7c0de-0000-4000-8000-00000000000"
)

// posted is a new session as JSON of a declared type.
func posted(name, contentType, body string) formed {
	f := formed{name: name, method: "POST", path: sessionsPath, body: body}
	if contentType != "" {
		f.header = []string{"Content-Type", contentType}
	}
	return f
}

// uploaded is an upload of one file.
func uploaded(name, file, media, content string) formed {
	return formed{name: name, method: "POST", path: agentUploads, header: []string{"Content-Type", asForm}, body: fmt.Sprintf(
		"--XxX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n%s\r\n--XxX--\r\n", file, media, content)}
}

// raw is an upload whose body is not what it should be.
func raw(name, contentType, body string) formed {
	return formed{name: name, method: "POST", path: agentUploads, header: []string{"Content-Type", contentType}, body: body}
}

func got(name, path string) formed { return formed{name: name, method: "GET", path: path} }

func (f formed) as(method, path string) formed {
	f.method, f.path = method, path
	return f
}

func (f formed) inChunks() formed {
	f.chunked = true
	return f
}

func (f formed) with(header ...string) formed {
	f.header = append(f.header, header...)
	return f
}

func (f formed) refused(status int, code string) formed {
	f.status, f.code = status, code
	return f
}

func (f formed) accepted(status int) formed {
	f.status = status
	return f
}

// nested is JSON of a depth.
func nested(depth int) string {
	return `{"agentId":"{agent}","userId":"{user}","metadata":{"x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + "}}"
}

// long is a new session that is so many bytes long once its ids are filled in.
func long(size int) string {
	head := `{"agentId":"{agent}","userId":"{user}","x":"`
	filled := len(head) - len("{agent}{user}") + 2*len(someAgent)
	return head + strings.Repeat("x", size-filled-len(`"}`)) + `"}`
}

const (
	pngFile  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	jpegFile = "\xff\xd8\xff\xe0\x00\x10JFIF\x00"
	gifFile  = "GIF89a\x01\x00\x01\x00"
	wavFile  = "RIFF\x24\x00\x00\x00WAVEfmt "
	webpFile = "RIFF\x24\x00\x00\x00WEBPVP8 "
	mp4File  = "\x00\x00\x00\x18ftypmp42"
	webmFile = "\x1a\x45\xdf\xa3\x01"
)

// badlyFormed are refused by the gate, and reach no backend.
var badlyFormed = []formed{
	got("TRACE", "/api/server/ping").as("TRACE", "/api/server/ping").refused(405, "METHOD_NOT_ALLOWED"),
	got("a method of WebDAV", "").as("PROPFIND", "/api/agents").refused(405, "METHOD_NOT_ALLOWED"),
	got("another", "").as("MKCOL", "/api/agents").refused(405, "METHOD_NOT_ALLOWED"),
	got("an unknown method", "").as("BREW", "/api/agents").refused(405, "METHOD_NOT_ALLOWED"),
	got("a method in small letters", "").as("get", "/api/agents").refused(400, "INVALID_REQUEST"), // by the door
	posted("an unknown method with a body", asJSON, newSession).as("PURGE", sessionsPath).refused(405, "METHOD_NOT_ALLOWED"),

	posted("no type", "", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("no type, in chunks", "", newSession).inChunks().refused(400, "INVALID_CONTENT_TYPE"),
	posted("text", "text/plain", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("a form of a page", "application/x-www-form-urlencoded", "agentId={agent}").refused(400, "INVALID_CONTENT_TYPE"),
	posted("an upload where there is none", asForm, "--XxX--\r\n").refused(400, "INVALID_CONTENT_TYPE"),
	posted("XML", "application/xml", "<x/>").refused(400, "INVALID_CONTENT_TYPE"),
	posted("nearly JSON", "application/jsonx", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("JSON of another kind", "application/problem+json", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("JSON as text", "text/json", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("JSON in a parameter", "text/plain; application/json", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("two types in a line", "application/json, text/plain", newSession).refused(400, "INVALID_CONTENT_TYPE"),
	posted("two types in two lines", asJSON, newSession).with("Content-Type", "text/plain").refused(400, "INVALID_CONTENT_TYPE"),
	posted("PATCH of text", "text/plain", `{"name":"x"}`).as("PATCH", "/api/messaging/channels/{channel}").refused(400, "INVALID_CONTENT_TYPE"),
	posted("PUT of text", "text/plain", "x").as("PUT", "/api/messaging/channels/{channel}").refused(400, "INVALID_CONTENT_TYPE"),
	posted("JSON where files go", asJSON, "{}").as("POST", agentUploads).refused(400, "INVALID_CONTENT_TYPE"),

	posted("a byte too long", asJSON, long(2<<20+1)).refused(413, "PAYLOAD_TOO_LARGE"),
	posted("a byte too long, in chunks", asJSON, long(2<<20+1)).inChunks().refused(413, "PAYLOAD_TOO_LARGE"),
	posted("five times too long", asJSON, long(10<<20)).refused(413, "PAYLOAD_TOO_LARGE"),
	uploaded("a file of more than 50 MiB", "a.png", "image/png", pngFile+strings.Repeat("x", 51<<20)).refused(413, "PAYLOAD_TOO_LARGE"),

	got("an agent that is no UUID", "/api/agents/doorkeeper").refused(400, "INVALID_ID"),
	got("an agent that lacks a digit", "/api/agents/"+brokenID).refused(400, "INVALID_ID"),
	got("an agent with a letter too many", "/api/agents/{agent}g").refused(400, "INVALID_ID"),
	got("a room that is no UUID", "/api/agents/{agent}/rooms/7").refused(400, "INVALID_ID"),
	got("a run that is no UUID", "/api/agents/{agent}/runs/latest").refused(400, "INVALID_ID"),
	got("a channel that is no UUID", "/api/messaging/channels/general/messages").refused(400, "INVALID_ID"),
	got("a message that is no UUID", "").as("DELETE", "/api/messaging/channels/{channel}/messages/1").refused(400, "INVALID_ID"),
	got("a message server that is no UUID", "/api/messaging/message-servers/0/channels").refused(400, "INVALID_ID"),
	got("a script for an agent", "/api/memory/%3Cscript%3E/memories").refused(400, "INVALID_ID"),
	uploaded("an upload to no UUID", "a.png", "image/png", pngFile).as("POST", "/api/media/agents/x/upload-media").refused(400, "INVALID_ID"),

	posted("JSON that is cut off", asJSON, `{"agentId":`).refused(400, "INVALID_JSON"),
	posted("JSON that is cut off, in chunks", asJSON, `{"agentId":`).inChunks().refused(400, "INVALID_JSON"),
	posted("a comma too many", asJSON, `{"agentId":"{agent}",}`).refused(400, "INVALID_JSON"),
	posted("single quotes", asJSON, `{'agentId':'{agent}'}`).refused(400, "INVALID_JSON"),
	posted("two documents", asJSON, newSession+newSession).refused(400, "INVALID_JSON"),
	posted("no number", asJSON, `{"x":NaN}`).refused(400, "INVALID_JSON"),
	posted("65 brackets", asJSON, nested(65)).refused(400, "INVALID_JSON"),
	posted("100,000 brackets", asJSON, strings.Repeat("[", 100_000)).refused(400, "INVALID_JSON"),
	posted("compressed", asJSON, newSession).with("Content-Encoding", "gzip").refused(415, "UNSUPPORTED_CONTENT_ENCODING"),

	uploaded("a page as a picture", "x.html", "image/png", "<html><script>alert(1)</script>").refused(400, "INVALID_FILE_TYPE"),
	uploaded("a page named as a picture", "x.png", "image/png", "<html><script>alert(1)</script>").refused(400, "INVALID_FILE_TYPE"),
	uploaded("a picture named as a page", "x.html", "image/png", pngFile).refused(400, "INVALID_FILE_TYPE"),
	uploaded("a drawing with scripts", "x.svg", "image/svg+xml", "<svg onload=alert(1)>").refused(400, "INVALID_FILE_TYPE"),
	raw("an upload without a boundary", "multipart/form-data", "--XxX--\r\n").refused(400, "INVALID_MULTIPART"),
	raw("an upload without an end", asForm, "--XxX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"+pngFile).refused(400, "INVALID_MULTIPART"),
}

// wellFormed pass: their status is what the server says of them.
var wellFormed = []formed{
	got("a list", "/api/agents").accepted(200),
	got("a list by its short path", "/agents").accepted(200),
	got("HEAD", "").as("HEAD", "/api/server/ping").accepted(200),
	got("GET with a type", "/api/server/ping").with("Content-Type", "text/plain").accepted(200),
	got("an agent", "/api/agents/{agent}").accepted(200),
	got("a name where an id could stand", "/api/agents/worlds").accepted(400), // the server takes it for an id
	got("a slash at the end", "/api/agents/{agent}/").accepted(200),
	got("rooms", "/api/agents/{agent}/rooms").accepted(200),
	got("memories with a query", "/api/agents/{agent}/memories?tableName=messages&roomId={channel}").accepted(200),
	got("an agent that is not there", "/api/agents/"+noSuchID).accepted(404),
	got("a session, whose id may be anything", "/api/messaging/sessions/anything").accepted(404),
	got("a job, whose id may be anything", "/api/messaging/jobs/anything").accepted(404),
	got("messages", "/api/messaging/channels/{channel}/messages?limit=5").accepted(200),
	got("a title that does not exist", "/api/nothing/here").accepted(404),
	got("an id in a query", "/api/messaging/dm-channel?currentUserId=7&targetUserId=8").accepted(400),
	got("DELETE without a body", "").as("DELETE", "/api/messaging/channels/{channel}/messages/"+noSuchID).accepted(204),
	got("POST without a body", "").as("POST", "/api/messaging/sessions/{session}/heartbeat").accepted(200),
	got("POST without a body, with a type", "").as("POST", "/api/messaging/sessions/{session}/renew").with("Content-Type", "text/plain").accepted(200),
	posted("POST of nothing", asJSON, "").as("POST", "/api/messaging/sessions/{session}/heartbeat").accepted(200),

	posted("JSON", asJSON, newSession).accepted(201),
	posted("JSON, in chunks", asJSON, newSession).inChunks().accepted(201),
	posted("JSON with a charset", "application/json; charset=utf-8", newSession).accepted(201),
	posted("JSON in capitals", "Application/JSON", newSession).accepted(400), // the server compares letter by letter
	posted("JSON with a space", "application/json ;charset=UTF-8", newSession).accepted(201),
	posted("JSON between spaces", asJSON, "\r\n\t "+newSession+" \n").accepted(201),
	posted("JSON in other letters", asJSON, `{"agentId":"{agent}","userId":"{user}","metadata":{"näme":"Zoë 🚪 \u0041"}}`).accepted(201),
	posted("64 brackets", asJSON, nested(64)).accepted(201),
	posted("a body of exactly 2 MiB", asJSON, long(2<<20)).accepted(201),
	posted("a body of exactly 2 MiB, in chunks", asJSON, long(2<<20)).inChunks().accepted(201),
	posted("a field twice", asJSON, `{"agentId":"x","agentId":"{agent}","userId":"{user}"}`).accepted(201),
	posted("fields that are missing", asJSON, `{}`).accepted(400),
	posted("a list", asJSON, `[]`).accepted(400),
	posted("no id in the body", asJSON, `{"agentId":"x","userId":"y"}`).accepted(400),
	posted("not compressed, and said so", asJSON, newSession).with("Content-Encoding", "identity").accepted(201),
	posted("a message", asJSON, `{"content":"hello"}`).as("POST", "/api/messaging/sessions/{session}/messages").accepted(201),
	posted("a message with a page in it", asJSON, `{"content":"<script>alert(1)</script> ' OR 1=1 --"}`).as("POST", "/api/messaging/sessions/{session}/messages").accepted(201),
	posted("PATCH", asJSON, `{"name":"another name"}`).as("PATCH", "/api/messaging/channels/{channel}").accepted(200),
	posted("DELETE with a body", asJSON, `{"x":1}`).as("DELETE", "/api/messaging/channels/{channel}/messages/"+noSuchID).accepted(204),

	uploaded("a picture", "a.png", "image/png", pngFile).accepted(200),
	uploaded("a picture, in chunks", "a.png", "image/png", pngFile).inChunks().accepted(200),
	uploaded("a photograph", "a.JPG", "image/jpeg", jpegFile).accepted(200),
	uploaded("a picture that moves", "a.gif", "image/gif", gifFile).accepted(200),
	uploaded("a picture of the web", "a.webp", "image/webp", webpFile).accepted(200),
	uploaded("a recording", "a.wav", "audio/wav", wavFile).accepted(200),
	uploaded("a film", "a.mp4", "video/mp4", mp4File).accepted(200),
	uploaded("a film of the web", "a.webm", "video/webm", webmFile).accepted(200),
	uploaded("a document", "a.pdf", "application/pdf", "%PDF-1.7\n").accepted(200),
	uploaded("text", "notes of today.txt", "text/plain", "x < y, and y > z").accepted(200),
	uploaded("a name in other letters", "Übersicht 🚪.png", "image/png", pngFile).accepted(200),
	raw("a boundary in quotes", `multipart/form-data; boundary="XxX"`, uploaded("", "a.png", "image/png", pngFile).body).accepted(200),
}

// ofBodies are the codes of what is found out only while a body streams by.
var ofBodies = []string{"INVALID_JSON", "INVALID_MULTIPART", "INVALID_FILE_TYPE", "PAYLOAD_TOO_LARGE"}

// Fifty requests that agent_validate refuses and fifty that it lets pass, each
// sent to the real server through the gate and bare. Of the refused the server
// sees nothing; the accepted have the status that they have bare.
func TestFormOfRequests(t *testing.T) {
	if len(badlyFormed) != 50 || len(wellFormed) != 50 {
		t.Fatalf("%d and %d requests, not 50 and 50", len(badlyFormed), len(wellFormed))
	}
	e := house.SharedElizaOS(t)
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf("http://localhost {\n\tgatehouse elizaos 127.0.0.1:%d {\n\t\trate_limit {\n\t\t\ttier upload off\n\t\t\ttier file_system off\n\t\t}\n\t}\n}", e.Port),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	through := target{t: t, url: fmt.Sprintf("http://localhost:%d", g.Config.HTTPPort), client: house.Client(t, ""), key: clientKey, server: e, gate: true}
	bare := target{t: t, url: e.URL, client: from("127.90.0.2"), key: e.Token, server: e}

	fields := newThings(t, bare, e.AgentID)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "request\tbare\tthrough the gate")
	for _, f := range badlyFormed {
		f.fill(fields)
		plain, _ := f.send(bare)
		since := lastRequest(t, e)
		status, body := f.send(through)
		fmt.Fprintf(w, "%s\t%d\t%d %s\n", f.name, plain, status, f.code)
		if status != f.status || !strings.Contains(body, `"code":"`+f.code+`"`) {
			t.Errorf("%s: %d %.200s, not %d %s", f.name, status, body, f.status, f.code)
		}
		for _, request := range e.Requests(t, since) {
			// Where the body is what is wrong, its beginning may have gone, and the
			// server may write that down later.
			mine := slices.Contains(request.Values("X-Form"), f.name) && request.Values("X-Forwarded-For") != nil
			if mine && !slices.Contains(ofBodies, f.code) {
				t.Errorf("%s: %s %s has reached the server", f.name, request.Method, request.URL)
			}
		}
	}
	for _, f := range wellFormed {
		f.fill(fields)
		plain, _ := f.send(bare)
		status, body := f.send(through)
		fmt.Fprintf(w, "%s\t%d\t%d\n", f.name, plain, status)
		if status != f.status {
			t.Errorf("%s: %d %.200s, not %d", f.name, status, body, f.status)
		}
		if status != plain && f.path != "/agents" { // of which the bare server knows nothing
			t.Errorf("%s: %d bare, %d through the gate", f.name, plain, status)
		}
	}
	w.Flush()
	t.Log("\n" + table.String())
}

// newThings makes a session and a channel and returns what stands for them in
// requests.
func newThings(t *testing.T, g target, agent string) *strings.Replacer {
	t.Helper()
	response := g.ask("POST", sessionsPath, g.key, strings.NewReplacer("{agent}", agent, "{user}", noSuchID).Replace(newSession), "Content-Type", asJSON)
	var made struct{ SessionID, ChannelID string }
	if err := json.Unmarshal([]byte(response.Body), &made); err != nil || made.ChannelID == "" {
		t.Fatalf("a new session: %d %s", response.Status, response.Body)
	}
	return strings.NewReplacer("{agent}", agent, "{user}", noSuchID, "{session}", made.SessionID, "{channel}", made.ChannelID)
}

func (f *formed) fill(fields *strings.Replacer) {
	f.path, f.body = fields.Replace(f.path), fields.Replace(f.body)
}

// send sends the request and returns the status and the body of the answer; a
// status of 0 and what happened if there is none.
func (f formed) send(g target) (status int, body string) {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), f.method, g.url+f.path, strings.NewReader(f.body))
	if err != nil {
		g.t.Fatal(err)
	}
	if f.chunked {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(f.body)), -1
	}
	request.Header.Set("X-API-KEY", g.key)
	request.Header.Set("X-Form", f.name)
	for i := 0; i < len(f.header); i += 2 {
		request.Header.Add(f.header[i], f.header[i+1])
	}
	response, err := g.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(answer)
}

func lastRequest(t *testing.T, e *house.ElizaOS) int {
	t.Helper()
	last := 0
	for _, request := range e.Requests(t, 0) {
		last = request.Number
	}
	return last
}
