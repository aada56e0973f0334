package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Caddy and its libraries keep these for the life of the process.
		goleak.IgnoreTopFunction("github.com/caddyserver/certmagic.(*Cache).maintainAssets"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/caddy/v2.(*fakeCloseListener).Accept"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/caddy/v2.stopAdminServer"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	)
}

// office is a gate with a key file and an admin endpoint.
type office struct {
	*gatetest.Gate
	t    *testing.T
	file *keys.File
}

// open starts a gate whose admin endpoint listens at an address.
func open(t *testing.T, listen, global string) office {
	t.Helper()
	o := office{Gate: gatetest.New(t), t: t, file: keys.NewFile(filepath.Join(t.TempDir(), "keys.json"))}
	if err := o.file.Init(); err != nil {
		t.Fatal(err)
	}
	o.Admin = listen
	o.load(global)
	return o
}

func (o office) load(global string) {
	o.t.Helper()
	err := o.Load("{\ngatehouse {\nkeys " + o.file.Path() + "\n" + global + "\n}\n}\nGATE {\nagent_auth {\nrequire read /read/*\n}\nreverse_proxy BACKEND {\nflush_interval -1\ntransport agent_backend\n}\n}")
	if err != nil {
		o.t.Fatal(err)
	}
}

func socket(t *testing.T) string {
	return "unix/" + filepath.Join(t.TempDir(), "a.sock") + "|0600"
}

// overTCP is an address for an admin endpoint that others can reach.
func overTCP(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", gatetest.Port(t)) }

// ask asks the admin endpoint. Headers are given as name, value...; "Host" is the host.
func (o office) ask(method, path, body string, header ...string) (status int, answer string) {
	o.t.Helper()
	network, address := "tcp", o.Admin
	if rest, ok := strings.CutPrefix(o.Admin, "unix/"); ok {
		network = "unix"
		address, _, _ = strings.Cut(rest, "|")
	}
	r, err := http.NewRequest(method, "http://"+o.host()+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	client := &http.Client{Transport: transport}
	res, err := client.Do(r)
	// An endpoint that is replaced takes with it what it had not accepted yet.
	for try := 0; try < 100 && errors.Is(err, syscall.ECONNRESET); try++ {
		r.Body, _ = r.GetBody()
		res, err = client.Do(r)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (o office) host() string {
	if strings.HasPrefix(o.Admin, "unix/") {
		return "127.0.0.1"
	}
	return o.Admin
}

// must asks and wants a status; the answer is read as JSON.
func (o office) must(status int, method, path, body string) map[string]any {
	o.t.Helper()
	got, text := o.ask(method, path, body)
	if got != status {
		o.t.Fatalf("%s %s: %d %s", method, path, got, text)
	}
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		o.t.Fatalf("%s %s: %s", method, path, text)
	}
	return answer
}

func (o office) status(secret string) int { return o.Get("/read/x", "X-API-KEY", secret).Status }

// names are the events in the log about keys, with the key and the reason.
func (o office) names() []string {
	var names []string
	for _, e := range o.Events() {
		if name := e["event"].(string); name != "authn_login_fail" {
			names = append(names, fmt.Sprintf("%s %s %s", name, e["key_id"], e["reason"]))
		}
	}
	return names
}

func TestKeysThroughTheAPI(t *testing.T) {
	o := open(t, socket(t), "")
	made := o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"],"for":"90d"}`)
	first := made["secret"].(string)
	if got := o.status(first); got != 200 { // at once, not when the watcher notices
		t.Fatalf("the new key: %d", got)
	}

	rotate := `{"overlap":"1h","idempotency_token":"t1"}`
	second := o.must(200, "POST", "/gatehouse/keys/ci/rotate", rotate)["secret"].(string)
	again := o.must(200, "POST", "/gatehouse/keys/ci/rotate", rotate)
	if again["secret"] != nil || again["repeated"] != true || again["id"] != "2" {
		t.Errorf("the same rotation again: %v", again)
	}
	if o.status(first) != 200 || o.status(second) != 200 {
		t.Error("not both secrets open the key")
	}

	var shown map[string]any
	gatetest.Await(t, "the requests with the key have ended", func() bool {
		shown = o.must(200, "GET", "/gatehouse/keys/ci", "")
		return shown["streams"] == float64(0)
	})
	secrets := shown["secrets"].([]any)
	if len(secrets) != 2 || shown["state"] != "active" {
		t.Fatalf("%v", shown)
	}
	for i, s := range secrets {
		if last, err := time.Parse(time.RFC3339, s.(map[string]any)["last_used"].(string)); err != nil || time.Since(last) > time.Hour {
			t.Errorf("secret %d: %v", i+1, s)
		}
	}

	// A key in use is not taken back by mistake: the live process knows.
	if status, text := o.ask("POST", "/gatehouse/keys/ci/revoke", `{"secret":"1","if_unused":"24h"}`); status != 409 || !strings.Contains(text, "still in use") {
		t.Errorf("in use: %d %s", status, text)
	}
	if got := o.must(200, "POST", "/gatehouse/keys/ci/revoke", `{"secret":"1"}`); got["changed"] != true {
		t.Errorf("%v", got)
	}
	if o.status(first) != 401 || o.status(second) != 200 {
		t.Error("the secret is not revoked alone and at once")
	}
	o.must(200, "POST", "/gatehouse/keys/ci/revoke", "")
	if got := o.must(200, "POST", "/gatehouse/keys/ci/revoke", ""); got["changed"] != false {
		t.Errorf("revoked again: %v", got)
	}
	if got := o.status(second); got != 401 {
		t.Errorf("the revoked key: %d", got)
	}
	if status, text := o.ask("DELETE", "/gatehouse/keys/ci", ""); status != 204 {
		t.Errorf("a revoked key is not removed: %d %s", status, text)
	}
	if status, _ := o.ask("GET", "/gatehouse/keys/ci", ""); status != 404 {
		t.Errorf("the removed key: %d", status)
	}

	want := []string{
		"authn_token_created ci added",
		"authn_token_created ci rotated: secret 2",
		"authn_token_revoked ci secret revoked: secret 1",
		"authn_token_revoked ci revoked",
		"authn_token_delete ci removed",
	}
	if got := o.names(); !slices.Equal(got, want) {
		t.Errorf("the events are %q", got)
	}
	_, list := o.ask("GET", "/gatehouse/keys", "")
	_, log := o.ask("GET", "/gatehouse/status", "")
	for _, secret := range []string{first, second, "sha256"} {
		if strings.Contains(list+log+o.Log(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestWhatTheAPIRefuses(t *testing.T) {
	o := open(t, socket(t), "")
	o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"]}`)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"]}`, 409, "exists already"},
		{"POST", "/gatehouse/keys", `{"id":"x"}`, 400, "no scope"},
		{"POST", "/gatehouse/keys", `{"id":"x","scopes":["read"],"secret":"s"}`, 400, "secret"},
		{"POST", "/gatehouse/keys", `{"id":"x","scopes":["read"],"from":["nowhere"]}`, 400, "nowhere"},
		{"POST", "/gatehouse/keys", `{"id":"x","scopes":["read"],"agents":["Eliza"]}`, 400, "an agent's id is a UUID"},
		{"POST", "/gatehouse/keys", `{"id":"x","scopes":["read"],"sites":["https://agents.example.com"]}`, 400, "named by its host alone"},
		{"POST", "/gatehouse/keys", `{"id":"x","scopes":["read"],"sites":["agents.example.com:8443"]}`, 400, "named by its host alone"},
		{"POST", "/gatehouse/keys", `{`, 400, "the body"},
		{"POST", "/gatehouse/keys", `{"id":"` + strings.Repeat("x", 100_000) + `"}`, 400, "too large"},
		{"POST", "/gatehouse/keys/nobody/rotate", "", 404, "not found"},
		{"POST", "/gatehouse/keys/ci/rotate", `{"overlap":"soon"}`, 400, "24h"},
		{"POST", "/gatehouse/keys/ci/revoke", `{"if_unused":"soon"}`, 400, "24h"},
		{"POST", "/gatehouse/keys/ci/revoke", `{"secret":"7"}`, 404, "not found"},
		{"GET", "/gatehouse/keys/nobody", "", 404, "not found"},
		{"DELETE", "/gatehouse/keys", "", 405, "DELETE"},
		{"DELETE", "/gatehouse/keys/ci", "", 409, "revoke it first"},
		{"DELETE", "/gatehouse/keys/nobody", "", 404, "not found"},
		{"GET", "/gatehouse/nothing", "", 404, "/gatehouse/keys"},
	} {
		status, text := o.ask(c.method, c.path, c.body)
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != c.status || !strings.Contains(answer.Error, c.says) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, status, text)
		}
	}
}

// TestAnAgentFetchesLocalhost is an agent that a prompt has talked into
// fetching the admin endpoint, with what a fetch can say of itself.
func TestAnAgentFetchesLocalhost(t *testing.T) {
	address := overTCP(t)
	o := open(t, address, "")
	for _, header := range [][]string{
		nil,
		{"Origin", "http://" + address},
		{"Origin", "http://" + address, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"},
		{"X-Forwarded-Proto", "unix", "Forwarded", "for=unix:", "X-Real-IP", "/run/gatehouse/admin.sock"},
		{"Host", "localhost:" + address[strings.LastIndex(address, ":")+1:]},
		{"Host", "unix"},
		{"Host", "127.0.0.1"},
		{"Origin", "null"},
		{"Origin", "https://evil.example"},
	} {
		for _, path := range []string{"/gatehouse/keys", "/gatehouse/keys/ci/rotate", "/gatehouse/keys/ci/revoke", "//gatehouse/keys", "/gatehouse/../gatehouse/keys"} {
			status, text := o.ask("POST", path, `{"id":"mine","scopes":["*"]}`, header...)
			if status < 300 || strings.Contains(text, "agk_") {
				t.Errorf("%s with %q: %d %s", path, header, status, text)
			}
			if header == nil && path == "/gatehouse/keys" && (status != 403 || !strings.Contains(text, "unix//run/gatehouse/admin.sock|0600") || !strings.Contains(text, "allow_unsafe tcp_admin")) {
				t.Errorf("it does not say how: %d %s", status, text)
			}
		}
	}
	d, err := o.file.Load()
	if err != nil || len(d.Keys) > 0 {
		t.Fatalf("the file has %v: %v", d, err)
	}
	if names := o.names(); len(names) == 0 || !strings.HasPrefix(names[0], "authz_fail") {
		t.Errorf("the events are %q", names)
	}
	// What changes nothing is answered.
	o.must(200, "GET", "/gatehouse/keys", "")

	o.load(`allow_unsafe tcp_admin "a test"`)
	o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"]}`)
	names := o.names()
	if !slices.Contains(names, "sys_danger_accepted %!s(<nil>) a test") {
		t.Errorf("the accepted danger is no event: %q", names)
	}
}

// TestNoGate is an endpoint of a configuration without the gate.
func TestNoGate(t *testing.T) {
	g := gatetest.New(t)
	g.Admin = socket(t)
	if err := g.Load("GATE {\nrespond hi\n}"); err != nil {
		t.Fatal(err)
	}
	o := office{Gate: g, t: t}
	if status, text := o.ask("GET", "/gatehouse/keys", ""); status != 404 || !strings.Contains(text, "no site") {
		t.Errorf("%d %s", status, text)
	}
	if err := g.Load("GATE {\nagent_auth {\nanonymous read\n}\nrespond hi\n}"); err != nil {
		t.Fatal(err)
	}
	if status, text := o.ask("GET", "/gatehouse/keys", ""); status != 404 || !strings.Contains(text, "no key file") {
		t.Errorf("%d %s", status, text)
	}
}

func TestStatus(t *testing.T) {
	o := open(t, socket(t), "")
	started, release := make(chan bool), make(chan bool)
	o.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		started <- true
		<-release
	})
	secret := o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"]}`)["secret"].(string)
	done := make(chan int)
	go func() { done <- o.status(secret) }()
	<-started
	if got := o.must(200, "GET", "/gatehouse/keys/ci", "")["streams"]; got != float64(1) {
		t.Errorf("streams of the key: %v", got)
	}
	if got := o.must(200, "GET", "/gatehouse/status", "")["streams"]; got != float64(1) {
		t.Errorf("streams: %v", got)
	}
	release <- true
	<-done
}
