package backend_test

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// answers has the backend give one answer.
func answers(g *gatetest.Gate, status int, contentType, body string) {
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", `W/"1"`)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

// TestErrorShapes holds that ElizaOS' five shapes of errors leave as one, with
// the status that they deserve, and that nothing else is touched.
func TestErrorShapes(t *testing.T) {
	g := start(t, "errors elizaos", "")
	const json, page = "application/json; charset=utf-8", "text/html; charset=utf-8"
	for _, test := range []struct {
		status      int
		contentType string
		body        string
		wantStatus  int
		want        string // of the body; empty: as it came
	}{
		{400, json, `{"success":false,"error":{"code":"INVALID_ID","message":"Invalid agent ID format","details":"x"}}`, 400, `{"success":false,"error":{"code":"INVALID_ID","message":"Invalid agent ID format"}}`},
		{400, json, `{"success":false,"error":"Invalid channelId","details":{"a":1}}`, 400, `{"success":false,"error":{"code":"INVALID_REQUEST","message":"Invalid channelId"}}`},
		{404, json, `{"error":{"code":"SESSION_NOT_FOUND","message":"Session x","timestamp":"t","details":{},"stack":"Error: at /srv/eliza"}}`, 404, `{"success":false,"error":{"code":"SESSION_NOT_FOUND","message":"Session x"}}`},
		{401, json, `{"error":"API key required","message":"Missing or invalid X-API-KEY header"}`, 401, `{"success":false,"error":{"code":"UNAUTHORIZED","message":"Missing or invalid X-API-KEY header"}}`},
		{404, json, `{"success":false,"error":{"message":"API endpoint not found","code":404}}`, 404, `{"success":false,"error":{"code":"NOT_FOUND","message":"API endpoint not found"}}`},
		{500, json, `{"success":false,"error":{"message":"request entity too large","code":500}}`, 413, `{"success":false,"error":{"code":"PAYLOAD_TOO_LARGE","message":"request entity too large"}}`},
		{500, json, `{"success":false,"error":{"message":"File too large","code":500}}`, 413, `{"success":false,"error":{"code":"PAYLOAD_TOO_LARGE","message":"File too large"}}`},
		{500, json, `{"success":false,"error":{"message":"Expected property name or '}' in JSON at position 1","code":500}}`, 400, `{"success":false,"error":{"code":"INVALID_JSON","message":"Expected property name or '}' in JSON at position 1"}}`},
		{500, json, `{"success":false,"error":{"message":"unsupported charset \"X\"","code":500}}`, 415, `{"success":false,"error":{"code":"UNSUPPORTED_MEDIA_TYPE","message":"unsupported charset \"X\""}}`},
		{500, json, `{"success":false,"error":{"message":"Invalid file type","code":500}}`, 400, `{"success":false,"error":{"code":"INVALID_FILE_TYPE","message":"Invalid file type"}}`},
		{500, json, `{"success":false,"error":"it broke\n    at f (/srv/eliza/index.js:1:2)"}`, 500, `{"success":false,"error":{"code":"INTERNAL_ERROR","message":"it broke"}}`},
		{400, page, `<pre>SyntaxError: x<br> at /srv/eliza</pre>`, 400, `{"success":false,"error":{"code":"INVALID_REQUEST","message":"Bad request"}}`},
		{500, json, `{"success":false,"error":"` + strings.Repeat("x", 70_000) + `"}`, 500, `{"success":false,"error":{"code":"INTERNAL_ERROR","message":"Internal error"}}`},
		{429, json, `{"success":false,"error":"Too many requests, please try again later."}`, 429, `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests, please try again later."}}`},

		{200, json, `{"success":false,"error":"not an error's status"}`, 200, ""},
		{503, json, `{"status":"DEGRADED","dependencies":{"agents":"no_agents"}}`, 503, ""},
		{402, json, `{"error":"payment required"}`, 402, ""},
		{400, json, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"x"},"id":1}`, 400, ""},
		{400, json, `{"error":`, 400, ""},
		{403, "text/plain", "Forbidden", 403, ""},
		{200, page, "<html>", 200, ""},
	} {
		answers(g, test.status, test.contentType, test.body)
		if test.want == "" {
			test.want = test.body
		}
		res := g.Get("/healthz")
		if res.Status != test.wantStatus || res.Body != test.want {
			t.Errorf("%d %s\nleaves as %d %.300s\nwant      %d %s", test.status, test.body, res.Status, res.Body, test.wantStatus, test.want)
		}
	}
	if res := g.Send("HEAD", "/healthz", ""); res.Status != 200 {
		t.Errorf("HEAD: %d", res.Status)
	}
	answers(g, 400, json, `{"success":false,"error":"x"}`)
	if res := g.Get("/healthz", "Accept-Encoding", "gzip"); res.Header.Get("Etag") != "" || g.Backend.Last().Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("an ETag of another body: %v", res.Header)
	}
}

// TestSecretsAreConcealed holds that settings.secrets is seen by admin alone,
// however long the answer is and however it is framed.
func TestSecretsAreConcealed(t *testing.T) {
	setenv(t)
	t.Setenv("ADMIN_KEY", "the-key-of-the-tests-admin")
	g := gatetest.Start(t, `GATE {
		agent_auth {
			key ada {env.CLIENT_KEY} {
				scopes read
			}
			key root {env.ADMIN_KEY} {
				scopes admin
			}
		}
		reverse_proxy BACKEND {
			transport agent_backend {
				conceal settings.secrets unless admin
			}
		}
	}`)
	const secret = "the-encrypted-secret-of-the-agent"
	filler := strings.Repeat("x", 1<<20)
	whole := `{"data":{"bio":"` + filler + `","settings":{"secrets":{"KEY":"` + secret + `"},"model":"m"}}}`
	concealed := strings.Replace(whole, `{"KEY":"`+secret+`"}`, "{}", 1)
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "application/problem+json", "application/json;;x"} {
		for _, status := range []int{200, 201, 400} {
			answers(g, status, contentType, whole)
			if res := g.Get("/api/agents/x", "X-API-KEY", "the-key-of-the-tests-admin"); res.Body != whole {
				t.Errorf("admin gets %d bytes of %d", len(res.Body), len(whole))
			}
			if res := g.Get("/api/agents/x", "X-API-KEY", clientKey); res.Status != status || res.Body != concealed {
				t.Errorf("%s %d: others get %d with %d bytes", contentType, status, res.Status, len(res.Body))
			}
		}
	}
	answers(g, 200, "text/event-stream", "data: "+secret+"\n\n")
	if res := g.Get("/stream", "X-API-KEY", clientKey); !strings.Contains(res.Body, secret) {
		t.Error("a stream is changed")
	}
	for header, want := range map[string]int{"Content-Encoding": 502, "": 416} {
		g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if header != "" {
				w.Header().Set(header, "gzip")
			} else {
				w.WriteHeader(http.StatusPartialContent)
			}
			fmt.Fprint(w, whole)
		})
		if res := g.Get("/api/agents/x", "X-API-KEY", clientKey); res.Status != want || strings.Contains(res.Body, secret) {
			t.Errorf("what cannot be read leaves as %d", res.Status)
		}
	}
}

// TestBackendsOwnLimit holds that a 429 of the backend is told apart from the
// gate's and put down to no key.
func TestBackendsOwnLimit(t *testing.T) {
	g := start(t, "", "")
	answers(g, 429, "text/plain", "slow down")
	if res := g.Get("/x", "X-API-KEY", clientKey); res.Status != 429 {
		t.Fatalf("%d", res.Status)
	}
	events := g.Events()
	if len(events) != 1 || events[0]["event"] != "sys_backend_limited" || events[0]["key_id"] != nil || events[0]["request_id"] == nil {
		t.Errorf("the events are %v", events)
	}
}

// TestSpread holds that connections come from as many addresses as it takes,
// and never from the one that agents call from.
func TestSpread(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("this system has one loopback address: only that requests pass is tested")
	}
	g := start(t, "spread 50\nspread 5 /up/*", "")
	var mu sync.Mutex
	all, uploads := map[string]int{}, map[string]int{}
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		defer mu.Unlock()
		all[host]++
		if strings.HasPrefix(r.URL.Path, "/up/") {
			uploads[host]++
		}
		if r.Host != g.Addr {
			t.Errorf("the backend gets Host %s", r.Host)
		}
	})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := range 50 {
				path := "/x"
				if i%10 == 0 {
					path = "/UP/x"
				}
				if res := g.Get(path, "X-API-KEY", clientKey); res.Status != 200 {
					t.Errorf("%d", res.Status)
				}
			}
		})
	}
	wait.Wait()
	if runtime.GOOS != "linux" {
		return
	}
	// Eight at least by the shares, and one more for each of the eight that ask
	// at once: a share that is let may stay unused.
	if len(all) < 8 || len(all) > 16 {
		t.Errorf("400 requests with 40 uploads came from %d addresses", len(all))
	}
	for host, count := range all {
		if count > 50 || uploads[host] > 5 || strings.HasPrefix(host, "127.0.") {
			t.Errorf("%s carries %d requests and %d uploads", host, count, uploads[host])
		}
	}
}

func TestSaltIsNamed(t *testing.T) {
	for value, warns := range map[string]bool{"": true, "secretsalt": true, "a-salt-of-ones-own": false} {
		t.Setenv("SECRET_SALT", value)
		g := start(t, "salt {env.SECRET_SALT}", "")
		if got := strings.Contains(g.Log(), "Set SECRET_SALT for the backend"); got != warns {
			t.Errorf("%q: warned %v", value, got)
		}
		if value == "a-salt-of-ones-own" && strings.Contains(g.Log(), value) {
			t.Error("the salt is in the log")
		}
	}
}
