package e2e_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestCanary sends keys in every place where a key can be put, to every answer
// that the gate has, and looks for them in everything that the process writes.
func TestCanary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "panics")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./e2e/panics")
	build.Dir = house.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	t.Run("with the encoder", func(t *testing.T) { testEncoder(t, binary) })
	t.Run("without it", func(t *testing.T) { testNoEncoder(t, binary) })
}

func testEncoder(t *testing.T, binary string) {
	c := startCanary(t, binary, "format agent", "")
	for protocol, client := range c.clients(t) {
		for _, path := range []string{
			"/public/x", "/read/x", "/admin/x", "/large", "/limited", "/dead", "/panic", "/api/x", "/none",
		} {
			c.everywhere(t, client, c.https, path)
		}
		c.leave(t, client)
		c.wrongHost(t, client)
		t.Logf("%s done", protocol)
	}
	c.everywhere(t, c.http1(t), c.http, "/")
	c.everywhere(t, c.http1(t), c.http, "/api/agents")
	c.malformed(t)
	c.admin(t)

	written := c.written(t)
	c.expectSigns(t, written)
	c.expectNoKey(t, written)
}

// testNoEncoder shows that testEncoder would see a key: with another encoder
// the same requests leave one in the lines that no handler of the gate's sees.
// On those that one does, the gate's own redaction holds, for which the door and
// the transport are needed.
func testNoEncoder(t *testing.T, binary string) {
	c := startCanary(t, binary, "format json", `agent_gate {
		allow_unsafe unredacted_log "to show what the encoder is for"
	}`)
	client := c.http1(t)
	for _, path := range []string{"/public/x", "/read/x", "/admin/x", "/large", "/dead", "/panic"} {
		c.everywhere(t, client, c.https, path)
	}
	c.leave(t, client)
	log := c.accessLog(t)
	for _, status := range []int{200, 401, 403, 413, 500, 502} {
		if !strings.Contains(log, fmt.Sprintf(`"status":%d`, status)) {
			t.Errorf("the gate wrote no line of status %d in Caddy's place", status)
		}
	}
	// The door and the transport leave nothing for Caddy's other loggers.
	c.expectNoKey(t, c.written(t))
	if !strings.Contains(c.gate.Output(), `"event":"sys_danger_accepted"`) || !strings.Contains(c.gate.Output(), "to show what the encoder is for") {
		t.Error("nothing tells of the accepted finding")
	}

	c.wrongHost(t, client)
	if !strings.Contains(everything(c.written(t)), c.keys["ada"]) {
		t.Error("without the encoder, no key was found either: the search finds nothing")
	}
}

// TestUnredactedLogIsRefused holds that the gate does not start with a log that
// would print keys, and says what to write.
func TestUnredactedLogIsRefused(t *testing.T) {
	for name, global := range map[string]string{
		"site and default log": "",
		"default log":          "log {\n\tformat agent\n}",
		"debugging":            "debug",
	} {
		t.Run(name, func(t *testing.T) {
			siteLog := "log"
			if name == "default log" {
				siteLog = "log {\n\toutput stdout\n\tformat filter {\n\t\trequest>headers>X-Api-Key delete\n\t}\n}"
			}
			if name == "debugging" {
				siteLog = ""
			}
			for _, command := range []string{"validate", "run"} {
				out, status := house.RunGate(t, house.GateConfig{
					Binary: "timeout", // a gate that starts would not end
					Global: global,
					Sites:  "agents.test {\n\ttls internal\n" + siteLog + "\n\tgatehouse api 127.0.0.1:1 {\n\t\tauth {\n\t\t\tkey ada {env.ADA_KEY}\n\t\t}\n\t}\n}",
					Env:    []string{"ADA_KEY=" + operatorKey()},
				}, "", "60", house.GateBinary(t), command, "--adapter", "caddyfile", "--config", "{config}")
				if status != 1 {
					t.Fatalf("%s finds nothing:\n%s", command, out)
				}
				for _, want := range []string{"would print the keys", "agents.test", "format agent", "allow_unsafe unredacted_log"} {
					if !strings.Contains(out, want) {
						t.Errorf("%s: %q is not in:\n%s", command, want, out)
					}
				}
			}
		})
	}
}

// canary is a gate with keys that must not be found.
type canary struct {
	gate    *house.Gate
	keys    map[string]string
	backend *httptest.Server
	https   string // what the guarded site's URLs start with
	http    string
	home    string
	left    chan struct{} // a stream's client has gone
}

func startCanary(t *testing.T, binary, format, gate string) *canary {
	t.Helper()
	c := &canary{left: make(chan struct{}, 100), home: shortDir(t)}
	c.keys = map[string]string{
		"ada":            operatorKey(),
		"bob":            ownKey(t),
		"nobody":         operatorKey(),
		"nobody of ours": ownKey(t),
		"the backend's":  operatorKey(),
	}
	c.backend = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.backend.Close)
	backend := c.backend.Listener.Addr().String()
	c.gate = house.StartGate(t, house.GateConfig{
		Home:   c.home,
		Binary: binary,
		Global: fmt.Sprintf("debug\nmetrics\ngrace_period 1s\nlog {\n\t%s\n}", format),
		Sites: fmt.Sprintf(`agents.test {
	tls internal
	log {
		output file %s
		%s
	}
	%s
	request_body {
		max_size 100
	}
	rate_limit {
		zone few {
			match {
				path /limited
			}
			key all
			events 1
			window 1h
		}
	}
	agent_auth {
		key ada {env.ADA_KEY} {
			scopes read
		}
		key bob {env.BOB_KEY} {
			scopes read
		}
		public /public/* /large /limited /panic
		require admin /admin/*
	}
	e2e_panic /panic
	reverse_proxy /dead 127.0.0.1:1 {
		transport agent_backend {
			key {env.BACKEND_KEY}
		}
	}
	reverse_proxy %s {
		flush_interval -1
		transport agent_backend {
			key {env.BACKEND_KEY}
		}
	}
}`, filepath.Join(c.home, "access.log"), format, gate, backend),
		Env: []string{"ADA_KEY=" + c.keys["ada"], "BOB_KEY=" + c.keys["bob"], "BACKEND_KEY=" + c.keys["the backend's"]},
	})
	c.gate.AwaitCertificate(t, "agents.test", c.gate.LocalCA())
	c.https = fmt.Sprintf("https://agents.test:%d", c.gate.Config.HTTPSPort)
	c.http = fmt.Sprintf("http://agents.test:%d", c.gate.Config.HTTPPort)
	return c
}

func operatorKey() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	return base64.StdEncoding.EncodeToString(random)
}

func ownKey(t *testing.T) string {
	t.Helper()
	key, err := keys.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// shortDir is a folder whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// places are where a client can put a key.
var places = map[string]func(r *http.Request, key string){
	"X-API-KEY":        func(r *http.Request, key string) { r.Header.Set("X-API-KEY", key) },
	"X-API-KEY, twice": func(r *http.Request, key string) { r.Header["X-Api-Key"] = []string{key, key} },
	"X-API-KEY, two":   func(r *http.Request, key string) { r.Header["X-Api-Key"] = []string{"another", key} },
	"X-API-KEY, bearer": func(r *http.Request, key string) {
		r.Header.Set("X-API-KEY", "Bearer "+key)
	},
	"X-API-KEY, broken": func(r *http.Request, key string) { r.Header.Set("X-API-KEY", `"`+key+`", x`) },
	"x_api_key":         func(r *http.Request, key string) { r.Header["X_api_key"] = []string{key} },
	"X-Agents-Key":      func(r *http.Request, key string) { r.Header.Set("X-Agents-Key", key) },
	"bearer":            func(r *http.Request, key string) { r.Header.Set("Authorization", "Bearer "+key) },
	"bearer, twice": func(r *http.Request, key string) {
		r.Header["Authorization"] = []string{"Bearer " + key, "bearer  " + key}
	},
	"no scheme":  func(r *http.Request, key string) { r.Header.Set("Authorization", key) },
	"basic":      func(r *http.Request, key string) { r.SetBasicAuth("x", key) },
	"to a proxy": func(r *http.Request, key string) { r.Header.Set("Proxy-Authorization", "Bearer "+key) },
	"both": func(r *http.Request, key string) {
		r.Header.Set("X-API-KEY", key)
		r.Header.Set("Authorization", "Bearer "+key)
	},
	"cookie": func(r *http.Request, key string) { r.AddCookie(&http.Cookie{Name: "gatehouse", Value: key}) },
	"query":  func(r *http.Request, key string) { r.URL.RawQuery = "api_key=" + key },
	"query, twice": func(r *http.Request, key string) {
		r.URL.RawQuery = "api_key=" + key + "&x=1&api_key=" + url.QueryEscape(key)
	},
	"query, encoded": func(r *http.Request, key string) { r.URL.RawQuery = "%61pi%5fkey=" + allEncoded(key) },
	"ticket":         func(r *http.Request, key string) { r.URL.RawQuery = "ticket=" + key },
	"Referer": func(r *http.Request, key string) {
		r.Header.Set("Referer", "https://x.test/?api_key="+url.QueryEscape(key))
	},
	"header and query": func(r *http.Request, key string) {
		r.Header.Set("X-API-KEY", key)
		r.URL.RawQuery = "q=" + url.QueryEscape(key)
	},
}

// written is everything that the process has written, by where.
func (c *canary) written(t *testing.T) map[string]string {
	t.Helper()
	written := map[string]string{"the output": c.gate.Output()}
	for _, path := range []string{"/config/", "/metrics", "/reverse_proxy/upstreams", "/pki/ca/local", "/debug/vars"} {
		_, written["the admin answer to "+path] = c.gate.Admin(t, http.MethodGet, path, "", "")
	}
	err := filepath.WalkDir(c.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // of a moment only
			return nil
		}
		written[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func (c *canary) accessLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.home, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// expectSigns holds that everything that was to happen has happened.
func (c *canary) expectSigns(t *testing.T, written map[string]string) {
	t.Helper()
	log := c.accessLog(t)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		for _, status := range []int{200, 401, 403, 413, 429, 500, 502} {
			found := false
			for line := range strings.Lines(log) {
				found = found || strings.Contains(line, `"proto":"`+protocol+`"`) && strings.Contains(line, fmt.Sprintf(`"status":%d`, status))
			}
			if !found {
				t.Errorf("no line of the access log tells of %s with status %d", protocol, status)
			}
		}
	}
	output := written["the output"]
	for _, sign := range []string{
		"aborting with incomplete response", // a client left
		"a handler panicked",
		"nobody.test", // a wrong Host, which no handler of ours sees
		`"event":"authn_token_exposed"`, `"key_id":"ada"`,
		"HTTPS_REQUIRED",
		"upstream roundtrip", // debugging is on
	} {
		if !strings.Contains(output, sign) {
			t.Errorf("%q is not in the output", sign)
		}
	}
	if !strings.Contains(written["the admin answer to /metrics"], "caddy_gatehouse_security_events_total") {
		t.Error("/metrics tells nothing")
	}
	if strings.Contains(output, `"logger":"http.log.error"`) && strings.Contains(output, `"msg":"panic`) {
		t.Error("a panic reached the server's error logger")
	}
}

// expectNoKey looks for the keys.
func (c *canary) expectNoKey(t *testing.T, written map[string]string) {
	t.Helper()
	for name, key := range c.keys {
		for _, form := range forms(key) {
			for where, text := range written {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("the key of %s stands in %s:\n%s", name, where, lineAt(text, i))
				}
			}
		}
	}
}

func everything(written map[string]string) string {
	var b strings.Builder
	for _, text := range written {
		b.WriteString(text)
	}
	return b.String()
}

func lineAt(text string, i int) string {
	start := strings.LastIndexByte(text[:i], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	return line
}
