package house_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	return house.Ask(t, client, http.MethodGet, url, "").Body
}

func TestGate(t *testing.T) {
	site := func(answer string) string { return "https://door.test {\n\ttls internal\n\trespond " + answer + "\n}" }
	g := house.StartGate(t, house.GateConfig{Sites: site("one")})
	url := fmt.Sprintf("https://door.test:%d/", g.Config.HTTPSPort)
	g.AwaitCertificate(t, "door.test", g.LocalCA())
	client := house.Client(t, g.LocalCA())
	if got := get(t, client, url); got != "one" {
		t.Errorf("served %q", got)
	}
	if status, body := g.Admin(t, http.MethodGet, "/config/apps/http/http_port", "", ""); status != http.StatusOK ||
		strings.TrimSpace(body) != fmt.Sprint(g.Config.HTTPPort) {
		t.Errorf("admin: %d %s", status, body)
	}
	g.Reload(t, site("two"), "")
	if got := get(t, client, url); got != "two" {
		t.Errorf("served %q after the reload", got)
	}
	g = g.Restart(t)
	g.AwaitCertificate(t, "door.test", g.LocalCA())
	if got := get(t, client, url); got != "two" {
		t.Errorf("served %q after the restart", got)
	}
	g.Stop()
	if !g.Exited() {
		t.Error("runs on after Stop")
	}
}

func TestGateRefuses(t *testing.T) {
	if said := house.Refused(t, house.GateConfig{Sites: "http://door.test {\n\tno_such_directive\n}"}); !strings.Contains(said, "no_such_directive") {
		t.Errorf("said %s", said)
	}
}

func TestRedis(t *testing.T) {
	r := house.StartRedis(t)
	ping := func(r *house.Redis) {
		conn, err := net.Dial("tcp", r.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "PING\r\n")
		answer := make([]byte, len("+PONG\r\n"))
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "+PONG\r\n" {
			t.Errorf("answered %q, %v", answer, err)
		}
	}
	ping(r)
	restarted := r.Restart(t)
	if restarted.Address != r.Address {
		t.Errorf("moved from %s to %s", r.Address, restarted.Address)
	}
	ping(restarted)
}

// The browser plays pages of any origin, tells origins apart, and keeps no
// cookie from one page to another.
func TestBrowser(t *testing.T) {
	cookies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			cookies <- r.Header.Get("Cookie")
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		fmt.Fprintf(w, "<title>%s</title>", r.Host)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	url := "http://app.example.com:" + port + "/page"

	b := house.StartBrowser(t)
	page := b.Open(t, url)
	var title string
	page.Eval(t, "return document.title", &title)
	if title != "app.example.com:"+port {
		t.Errorf("title %q", title)
	}
	var blocked bool
	page.Eval(t, "return fetch('http://other.example.net:"+port+"/').then(() => false, () => true)", &blocked)
	if !blocked {
		t.Error("a page read another origin's answer that allows nobody")
	}
	if console := strings.Join(page.Console(), "\n"); !strings.Contains(console, "CORS") {
		t.Errorf("the console does not tell of the blocked request: %q", console)
	}
	page.Navigate(t, url)
	b.Open(t, url)
	if first, again, stranger := <-cookies, <-cookies, <-cookies; first != "" || again != "seen=yes" || stranger != "" {
		t.Errorf("cookies sent: %q at first, %q by the same page, %q by another", first, again, stranger)
	}
}

func TestPebble(t *testing.T) {
	p := house.StartPebble(t, house.PebbleConfig{HTTPPort: house.Port(t), HTTPSPort: house.Port(t)})
	if directory := get(t, house.Client(t, p.APIRoot), p.Directory); !strings.Contains(directory, "newOrder") {
		t.Errorf("the directory is %s", directory)
	}
	if roots := house.Roots(t, p.RootsFile); roots.Equal(x509.NewCertPool()) {
		t.Error("no root")
	}
}

// The gate without any directive of ours gets a certificate by each challenge:
// what the ACME tests build on.
func TestPebbleIssues(t *testing.T) {
	for _, challenge := range []string{"http", "tlsalpn"} {
		t.Run(challenge, func(t *testing.T) {
			other := map[string]string{"http": "disable_tlsalpn_challenge", "tlsalpn": "disable_http_challenge"}[challenge]
			config := house.GateConfig{HTTPPort: house.Port(t), HTTPSPort: house.Port(t)}
			p := house.StartPebble(t, house.PebbleConfig{HTTPPort: config.HTTPPort, HTTPSPort: config.HTTPSPort})
			config.Global = "\tcert_issuer acme {\n\t\tdir " + p.Directory + "\n\t\ttrusted_roots " + p.APIRoot + "\n\t\t" + other + "\n\t}"
			config.Sites = "door.test {\n\trespond hello\n}"
			g := house.StartGate(t, config)
			leaf := g.AwaitCertificate(t, "door.test", p.RootsFile)
			if issuer := leaf.Issuer.CommonName; !strings.HasPrefix(issuer, "Pebble") {
				t.Errorf("issued by %s", issuer)
			}
		})
	}
}

func TestFail2ban(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := house.StartFail2ban(t, map[string]string{
		"filter.d/door.conf": "[Definition]\nfailregex = refused <HOST>$\n",
		"jail.d/door.conf":   "[door]\nenabled = true\nfilter = door\nbackend = polling\nmaxretry = 2\nlogpath = " + log + "\n",
	})
	f.WaitFor(t, `Jail 'door' started`)
	line := f.Client(t, "status")
	if !strings.Contains(line, "door") || strings.Contains(line, "sshd") {
		t.Errorf("jails: %s", line)
	}
	f.Client(t, "set", "door", "banip", "192.0.2.7")
	f.WaitFor(t, `\[door\] Ban 192\.0\.2\.7`)
}

func TestPrometheus(t *testing.T) {
	p := house.StartPrometheus(t, "scrape_configs: []\nrule_files: [rules.yml]\n", map[string]string{
		"rules.yml": "groups:\n- name: door\n  rules:\n  - alert: Open\n    expr: vector(1) > 0\n",
	})
	if got := p.Query(t, "vector(42)"); len(got) != 1 || got[0].Value != "42" {
		t.Errorf("the query gave %v", got)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Name string }
		}
	}
	p.Get(t, "/api/v1/rules", &rules)
	if len(rules.Groups) != 1 || rules.Groups[0].Rules[0].Name != "Open" {
		t.Errorf("rules %v", rules)
	}
}

// The official client against the bare server: all it does works with the
// right key; with a wrong one, or with none, requests fail but sockets open.
func TestElizaOSBare(t *testing.T) {
	e := house.SharedElizaOS(t)
	for _, step := range (house.Drive{Server: e, Key: e.Token}).Run(t) {
		if !step.OK {
			t.Errorf("right key: %s: status %d, %s %s", step.Name, step.Status, step.Code, step.Detail)
		}
	}
	for _, key := range []string{"", "not-the-token"} {
		steps := []string{"ping", "agents", "media upload", "sse session", "socket websocket", "socket polling", "socket upgrade"}
		for _, step := range (house.Drive{Server: e, Key: key, Steps: steps}).Run(t) {
			if open := strings.HasPrefix(step.Name, "socket"); step.OK != open || !open && step.Status != http.StatusUnauthorized {
				t.Errorf("key %q: %s: ok %t, status %d, %s", key, step.Name, step.OK, step.Status, step.Detail)
			}
		}
	}
}

func TestElizaOSTellsWhatReachedIt(t *testing.T) {
	e := house.SharedElizaOS(t)
	request, err := http.NewRequest(http.MethodGet, e.URL+"/healthz?door=here", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["X-Door"] = []string{"one", "two"}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	seen := e.Requests(t, 0)
	i := slices.IndexFunc(seen, func(r house.ElizaRequest) bool { return r.URL == "/healthz?door=here" })
	if i < 0 {
		t.Fatalf("the request is not among %d", len(seen))
	}
	if got := seen[i].Values("x-door"); !slices.Equal(got, []string{"one", "two"}) || seen[i].Remote != "127.0.0.1" {
		t.Errorf("the server saw %v from %s", got, seen[i].Remote)
	}
	for _, later := range e.Requests(t, seen[i].Number) {
		if later.Number <= seen[i].Number {
			t.Errorf("request %d is not after %d", later.Number, seen[i].Number)
		}
	}
}

// A proxy that buffers is found out: the model waits for a chunk's arrival
// before it sends the next, which then never comes.
func TestDriverFindsABufferedStream(t *testing.T) {
	e := house.SharedElizaOS(t)
	buffering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, _ := http.NewRequestWithContext(r.Context(), r.Method, e.URL+r.URL.String(), r.Body)
		request.Header = r.Header
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return
		}
		defer response.Body.Close()
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		w.WriteHeader(response.StatusCode)
		_ = http.NewResponseController(w).Flush()
		body, _ := io.ReadAll(response.Body)
		_, _ = w.Write(body)
	}))
	defer buffering.Close()
	for _, step := range (house.Drive{
		Server: e, URL: buffering.URL, Key: e.Token, Steps: []string{"ping", "agents", "sse session"},
	}).Run(t) {
		if streamed := step.Name == "sse session"; step.OK == streamed {
			t.Errorf("%s: ok %t: %s", step.Name, step.OK, step.Detail)
		}
	}
}
