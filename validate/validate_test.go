package validate_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const transport = "reverse_proxy BACKEND {\nmax_fails 1\nfail_duration 1m\ntransport agent_backend\n}"

// start starts a gate with agent_validate. A backend that fails once would be
// out for a minute, so whatever counts against it shows at the next request.
func start(t *testing.T, block string) *gatetest.Gate {
	t.Helper()
	// Each request comes from an address of its own: the log sums up what one
	// source does again and again.
	g := gatetest.Start(t, "{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\nGATE {\n@up path /up/*\nagent_validate {\n"+block+"\n}\n"+transport+"\n}")
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			fmt.Fprint(w, "whole")
		}
	})
	return g
}

// sent counts the requests, and so tells their addresses apart.
var sent int

// send sends a request whose body is framed by its length, in chunks, or not
// there at all.
func send(g *gatetest.Gate, method, path, contentType, framing, body string) gatetest.Response {
	sent++
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 10.0.%d.%d\r\nConnection: close\r\n", method, path, g.Addr, sent>>8, sent&255)
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	switch framing {
	case "length":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	case "chunked":
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for piece := range pieces(body, 7) {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
		}
		b.WriteString("0\r\n\r\n")
	default:
		b.WriteString("\r\n")
	}
	return g.Raw(b.String())
}

func pieces(s string, size int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			n := min(size, len(s))
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// expect checks an answer, and that a refusal is one event and nothing of the
// backend's doing.
func expect(t *testing.T, g *gatetest.Gate, name string, request func() gatetest.Response, status int, code string) {
	t.Helper()
	before := len(g.Log())
	res := request()
	if res.Status != status || !strings.Contains(res.Body, code) {
		t.Errorf("%s: %d %s, want %d %s", name, res.Status, res.Body, status, code)
		return
	}
	log := g.Log()[before:]
	events := strings.Count(log, `"logger":"gatehouse.security"`)
	if status == 200 {
		if events != 0 {
			t.Errorf("%s: %d events:\n%s", name, events, log)
		}
		return
	}
	if events != 1 || !strings.Contains(log, `"event":"input_validation_fail"`) || !strings.Contains(log, `"rule":"`+code+`"`) || !strings.Contains(log, `"reason":"`) {
		t.Errorf("%s: the events are:\n%s", name, log)
	}
	if res := g.Get("/up/next"); res.Status != 200 {
		t.Errorf("after %s the backend is held to be down: %d %s", name, res.Status, res.Body)
	}
}

const form = "--XxX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.%s\"\r\nContent-Type: %s\r\n\r\n%s\r\n--XxX--\r\n"

// TestMethodsTypesAndFramings holds every method with every type and framing.
func TestMethodsTypesAndFramings(t *testing.T) {
	g := start(t, `
		methods GET POST PUT PATCH DELETE OPTIONS
		content_type application/json
		content_type multipart/form-data @up`)
	const multipart = "multipart/form-data; boundary=XxX"
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"} {
		for _, contentType := range []string{"", "application/json", "Application/JSON; charset=utf-8", "application/json ;x", multipart, "text/plain",
			"application/x-www-form-urlencoded", "text/plain; application/json", "application/json, text/html", "application/jsonx", "json", ";"} {
			for _, framing := range []string{"none", "length", "empty", "chunked"} {
				for _, path := range []string{"/x", "/up/x"} {
					body, frame := "{}", framing
					if framing == "empty" {
						body, frame = "", "length"
					}
					status, code := 200, ""
					switch {
					case method == "get": // the door refuses it
						status, code = 400, "INVALID_REQUEST"
					case method == "TRACE" || method == "BREW":
						status, code = 405, "METHOD_NOT_ALLOWED"
					case framing == "none" || framing == "empty":
					case method == "POST" || method == "PUT" || method == "PATCH":
						isJSON := strings.HasPrefix(strings.ToLower(contentType), "application/json") && !strings.ContainsAny(contentType, ",x")
						isJSON = isJSON || contentType == "application/json ;x"
						if isJSON == (path == "/up/x") && contentType != multipart || (contentType == multipart) != (path == "/up/x") && !isJSON {
							status, code = 400, "INVALID_CONTENT_TYPE"
						}
					}
					if method == "HEAD" {
						continue // read below, since its answers have no body
					}
					name := fmt.Sprintf("%s %s %q %s", method, path, contentType, framing)
					expect(t, g, name, func() gatetest.Response { return send(g, method, path, contentType, frame, body) }, status, code)
				}
			}
		}
	}
	if res := g.Send("HEAD", "/x", ""); res.Status != 200 {
		t.Errorf("HEAD: %d", res.Status)
	}
	res := g.Send("BREW", "/x", "")
	if got := res.Header.Get("Allow"); got != "GET, POST, PUT, PATCH, DELETE, OPTIONS" {
		t.Errorf("Allow: %s", got)
	}
	const want = `{"success":false,"error":{"code":"INVALID_CONTENT_TYPE","message":"Invalid or missing Content-Type header"}}`
	if res := send(g, "POST", "/x", "text/plain", "length", "x"); res.Body != want {
		t.Errorf("got %s, want what ElizaOS answers: %s", res.Body, want)
	}
	if res := g.Send("POST", "/x", "{}", "Content-Type", "application/json", "Content-Type", "application/json"); res.Status != 400 {
		t.Errorf("two content types: %d", res.Status)
	}
}

func TestSizes(t *testing.T) {
	g := start(t, "max_body 100\nmax_body 1kb @up\nmax_body off /free\n")
	for _, test := range []struct {
		path string
		size int
		want int
	}{
		{"/x", 100, 200}, {"/x", 101, 413}, {"/x", 100_000, 413},
		{"/up/x", 1024, 200}, {"/up/x", 1025, 413}, {"/free", 200_000, 200},
	} {
		for _, framing := range []string{"length", "chunked"} {
			name := fmt.Sprintf("%s %d bytes %s", test.path, test.size, framing)
			code := map[int]string{413: "PAYLOAD_TOO_LARGE"}[test.want]
			expect(t, g, name, func() gatetest.Response {
				return send(g, "POST", test.path, "application/json", framing, strings.Repeat("x", test.size))
			}, test.want, code)
		}
	}
	if res := send(g, "POST", "/x", "multipart/form-data; boundary=x", "length", strings.Repeat("x", 60_000)); res.Status != 200 {
		t.Errorf("the headers of a form's parts count: %d", res.Status)
	}
}

// TestTooLongIsNotSent holds that the backend never gets an oversized body whole.
func TestTooLongIsNotSent(t *testing.T) {
	g := start(t, "max_body 1mb")
	whole := make(chan bool, 1)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		whole <- err == nil
	})
	if res := send(g, "POST", "/x", "application/json", "chunked", strings.Repeat("x", 1<<20+1)); res.Status != 413 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if <-whole {
		t.Error("the backend got all of it")
	}
}

func TestJSON(t *testing.T) {
	g := start(t, "json 3\njson off /free\njson 1 @up")
	const code = "INVALID_JSON"
	for _, test := range []struct {
		path, contentType, body string
		want                    int
	}{
		{"/x", "application/json", `{"a":[{}]}`, 200},
		{"/x", "application/json", `{"a":[{"b":[]}]}`, 400},
		{"/x", "application/json", `{"a":`, 400},
		{"/x", "application/json; charset=utf-8", `{"a"}`, 400},
		{"/x", "application/json", `{} x`, 400},
		{"/x", "text/plain", `{"a":`, 200},
		{"/free", "application/json", `{"a":`, 200},
		{"/up/x", "application/json", `{}`, 200},
		{"/up/x", "application/json", `{"a":[]}`, 400},
	} {
		for _, framing := range []string{"length", "chunked"} {
			want := map[int]string{400: code}[test.want]
			expect(t, g, test.path+" "+framing+" "+test.body, func() gatetest.Response {
				return send(g, "POST", test.path, test.contentType, framing, test.body)
			}, test.want, want)
		}
	}
	expect(t, g, "compressed", func() gatetest.Response {
		return g.Send("POST", "/x", "{}", "Content-Type", "application/json", "Content-Encoding", "gzip")
	}, 415, "UNSUPPORTED_CONTENT_ENCODING")
	for charset, want := range map[string]int{
		"utf-8": 200, `"UTF-8"`: 200, "utf8": 200, "us-ascii": 200,
		"utf-7": 415, "utf-16le": 415, "iso-8859-1": 415, "utf-8; charset=utf-7": 415, "": 415,
	} {
		// Express decodes it: in UTF-7 this is four brackets.
		expect(t, g, "charset "+charset, func() gatetest.Response {
			return send(g, "POST", "/x", "application/json; charset="+charset, "length", `["+ACIALABbAFsAWwBdAF0AXQAsACI-"]`)
		}, want, map[int]string{415: "UNSUPPORTED_MEDIA_TYPE"}[want])
	}
	expect(t, g, "charset*", func() gatetest.Response {
		return send(g, "POST", "/x", "application/json; charset*=utf-8''utf-7", "length", "[]")
	}, 415, "UNSUPPORTED_MEDIA_TYPE")
}

func TestFiles(t *testing.T) {
	g := start(t, "files audio/* image/png @up")
	const png = "\x89PNG\r\n\x1a\n.."
	for name, test := range map[string]struct {
		path, contentType, body string
		want                    int
		code                    string
	}{
		"a picture":             {"/up/x", "multipart/form-data; boundary=XxX", fmt.Sprintf(form, "png", "image/png", png), 200, ""},
		"a page as a picture":   {"/up/x", "multipart/form-data; boundary=XxX", fmt.Sprintf(form, "html", "image/png", "<html>"), 400, "INVALID_FILE_TYPE"},
		"a picture not allowed": {"/up/x", "multipart/form-data; boundary=XxX", fmt.Sprintf(form, "gif", "image/gif", "GIF89a"), 400, "INVALID_FILE_TYPE"},
		"where nobody asked":    {"/x", "multipart/form-data; boundary=XxX", fmt.Sprintf(form, "html", "text/html", "<html>"), 200, ""},
		"cut off":               {"/up/x", "multipart/form-data; boundary=XxX", "--XxX\r\n", 400, "INVALID_MULTIPART"},
		"no boundary":           {"/up/x", "multipart/form-data", fmt.Sprintf(form, "png", "image/png", png), 400, "INVALID_MULTIPART"},
		"a page behind a picture": {"/up/x", "multipart/form-data; boundary=XxX",
			strings.TrimSuffix(fmt.Sprintf(form, "png", "image/png", png), "--XxX--\r\n") + fmt.Sprintf(form, "html", "text/html", "<html>"), 400, "INVALID_FILE_TYPE"},
	} {
		for _, framing := range []string{"length", "chunked"} {
			expect(t, g, name+" "+framing, func() gatetest.Response {
				return send(g, "POST", test.path, test.contentType, framing, test.body)
			}, test.want, test.code)
		}
	}
}

func TestIDs(t *testing.T) {
	g := start(t, "ids elizaos")
	const id = "a9e7c0de-0000-4000-8000-00000000000A"
	for path, want := range map[string]int{
		"/api/agents/" + id:                               200,
		"/API/Agents/" + id + "/":                         200,
		"/api/agents/x":                                   400,
		"/api/agents/" + id[1:]:                           400,
		"/api/agents/" + strings.ReplaceAll(id, "-", "0"): 400,
		"/api/agents/" + id[:35] + "g":                    400,
		"/api/agents/worlds":                              200,
		"/api/agents/" + id + "/rooms/" + id:              200,
		"/api/agents/" + id + "/rooms/7":                  400,
		"/api/messaging/channels/x/messages":              400,
		"/api/messaging/sessions/x":                       200,
		"/api/never/heard":                                200,
		"/x":                                              200,
	} {
		code := map[int]string{400: "INVALID_ID"}[want]
		expect(t, g, path, func() gatetest.Response { return g.Get(path) }, want, code)
	}
	if res := g.Get("/api/agents/x"); !strings.Contains(res.Body, `"message":"Invalid agent ID format"`) {
		t.Errorf("got %s", res.Body)
	}
}

// TestPrecedence holds which of several rules decides.
func TestPrecedence(t *testing.T) {
	g := start(t, "max_body 5 /a/*\nmax_body 10\nmax_body 20 /a/b/*")
	for path, most := range map[string]int{"/x": 10, "/a/x": 5, "/a/b/x": 20} {
		for size, want := range map[int]int{most: 200, most + 1: 413} {
			if res := send(g, "POST", path, "", "length", strings.Repeat("x", size)); res.Status != want {
				t.Errorf("%s with %d bytes: %d", path, size, res.Status)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	for block, want := range map[string]string{
		"max_body {env.NOT_A_SIZE}":  `"lots" is no size`,
		"json {env.NOT_A_SIZE}":      `"lots" is no depth`,
		"max_body 1kb\nmax_body 2kb": "max_body is there twice without a matcher",
	} {
		t.Setenv("NOT_A_SIZE", "lots")
		// The variables that may be named are a closed list for files, not for the process.
		err := gatetest.New(t).Load("GATE {\nagent_validate {\n" + block + "\n}\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", block, err, want)
		}
	}
	err := gatetest.New(t).LoadJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"agent_validate","ids":"nowhere"}]}]}}}}}`))
	if err == nil || !strings.Contains(err.Error(), `no route table "nowhere"`) {
		t.Errorf("got %v", err)
	}
}

func TestSizesAsExpressWritesThem(t *testing.T) {
	for text, want := range map[string]int{"100kb": 100 << 10, "2mb": 2 << 20, "2MB": 2 << 20, "1.5kb": 1536, "1 kb": 1024, "1KiB": 1024, "77": 77, "77b": 77} {
		t.Setenv("EXPRESS_MAX_PAYLOAD", text)
		g := start(t, "max_body {env.EXPRESS_MAX_PAYLOAD:2mb}")
		for size, status := range map[int]int{want: 200, want + 1: 413} {
			if res := g.Send("POST", "/x", strings.Repeat("x", size)); res.Status != status {
				t.Errorf("%s: %d for %s bytes", text, res.Status, strconv.Itoa(size))
			}
		}
	}
}
