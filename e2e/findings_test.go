package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// The keys of two users, who may not run the server.
const (
	userKey  = "the-key-of-the-first-user-0123456789abcdef"
	otherKey = "the-key-of-the-second-user-0123456789abcde"
)

// target is what a finding is tried on.
type target struct {
	t      *testing.T
	url    string
	client *http.Client
	key    string // of a user; the bare server has one key for all
	other  string // of another user
	server *house.ElizaOS
	gate   bool
}

// ask sends a request and returns the answer.
func (g target) ask(method, path, key, body string, headers ...string) house.Answer {
	g.t.Helper()
	if key != "" {
		headers = append(headers, "X-API-KEY", key)
	}
	return house.Ask(g.t, g.client, method, g.url+path, body, headers...)
}

// flood sends more requests than the backend allows one address, and returns
// the last status. The second user comes to the bare server as one who stands
// behind the same proxy.
func (g target) flood(key, forwardedFor string) (last int) {
	for range 1001 {
		response := g.ask("GET", "/api/server/ping", key, "", "X-Forwarded-For", forwardedFor)
		last = response.Status
	}
	return last
}

// from returns a client whose connections come from an address of this machine.
func from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	// The bare server closes what has been idle for five seconds, perhaps just when a request is sent.
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}}}
}

// pageAsPicture is an upload of a page that calls itself a picture.
func pageAsPicture() (contentType, body string) {
	return "multipart/form-data; boundary=XxX", "--XxX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.html\"\r\n" +
		"Content-Type: image/png\r\n\r\n<html><script>alert(1)</script>\r\n--XxX--\r\n"
}

// findings are the ten, each tried in one way on both: whether it is open, and
// the evidence.
var findings = []struct {
	name string
	try  func(g target) (open bool, evidence string)
}{
	{"F1 sockets without a key", func(g target) (bool, string) {
		response := g.ask("GET", socketPath, "", "")
		return response.Status == 200 && strings.Contains(response.Body, `"sid"`), fmt.Sprint(response.Status)
	}},
	{"F2 production is not production", func(g target) (bool, string) {
		page := g.ask("GET", "/", g.key, "")
		missing := g.ask("GET", "/api/messaging/sessions/a9e7c0de-0000-4000-8000-00000000ffff", g.key, "")
		stack := strings.Contains(missing.Body, `"stack"`)
		return page.Status == 200 || stack, fmt.Sprintf("/ is %d, a stack trace: %t", page.Status, stack)
	}},
	{"F3 one limit for all", func(g target) (bool, string) {
		first := g.flood(g.key, "192.0.2.1")
		response := g.ask("GET", "/api/server/ping", g.other, "", "X-Forwarded-For", "192.0.2.2")
		return response.Status == 429, fmt.Sprintf("the first user has reached %d, the second gets %d", first, response.Status)
	}},
	{"F4 agents lose their own limit", func(g target) (bool, string) {
		before := remaining(g)
		if g.gate {
			g.flood(g.other, "192.0.2.2")
		} else {
			g.client = from("127.0.0.1") // as a proxy on the same machine comes
			g.flood(g.key, "192.0.2.2")
		}
		after := remaining(g)
		return after == "0", fmt.Sprintf("left of the agents' 1000 requests: %s before 1001 of a user, %s after", before, after)
	}},
	{"F5 one key does everything", func(g target) (bool, string) {
		response := g.ask("GET", "/api/system/env/local", g.key, "")
		return response.Status == 200, fmt.Sprintf("%d for a user who asks for the environment", response.Status)
	}},
	{"F6 secrets of agents", func(g target) (bool, string) {
		response := g.ask("GET", "/api/agents/"+g.server.AgentID, g.key, "")
		var agent struct {
			Data struct {
				Settings struct{ Secrets map[string]any }
			}
		}
		if err := json.Unmarshal([]byte(response.Body), &agent); err != nil || response.Status != 200 {
			g.t.Fatalf("the agent: %d %s", response.Status, response.Body)
		}
		return len(agent.Data.Settings.Secrets) > 0, fmt.Sprintf("%d secrets", len(agent.Data.Settings.Secrets))
	}},
	{"F7 open outside of /api", func(g target) (bool, string) {
		plugin := g.ask("GET", "/deterministic-model/open", "", "")
		health := g.ask("GET", "/healthz", "", "")
		return plugin.Status == 200, fmt.Sprintf("a plugin's route is %d, /healthz %d", plugin.Status, health.Status)
	}},
	{"F8 bodies before keys", func(g target) (bool, string) {
		response := g.ask("POST", "/api/messaging/sessions", "", "{", "Content-Type", "application/json")
		return response.Status != 401, fmt.Sprintf("%d %.60s", response.Status, response.Body)
	}},
	{"F9 every origin", func(g target) (bool, string) {
		response := g.ask("GET", "/api/agents", g.key, "", "Origin", "https://evil.example")
		allowed := response.Header.Get("Access-Control-Allow-Origin")
		return allowed != "", fmt.Sprintf("Access-Control-Allow-Origin: %q", allowed)
	}},
	{"F10 a page as a picture", func(g target) (bool, string) {
		contentType, body := pageAsPicture()
		response := g.ask("POST", "/api/media/agents/"+g.server.AgentID+"/upload-media", g.key, body, "Content-Type", contentType)
		var stored struct{ Data struct{ URL string } }
		if json.Unmarshal([]byte(response.Body), &stored) != nil || stored.Data.URL == "" {
			return false, fmt.Sprintf("%d %.90s", response.Status, response.Body)
		}
		served := g.ask("GET", stored.Data.URL, g.key, "")
		return true, fmt.Sprintf("%d, served as %s", response.Status, served.Header.Get("Content-Type"))
	}},
}

// remaining is what the backend has left for the address that agents call from.
func remaining(g target) string {
	return house.Ask(g.t, from("127.0.0.1"), http.MethodGet, g.server.URL+"/api/server/ping", "", "X-API-KEY", g.server.Token).Header.Get("RateLimit-Remaining")
}

// TestFindings tries the ten findings on a real server, through the gate and
// bare, and prints the table: bare all are open, through the gate none is.
func TestFindings(t *testing.T) {
	e := house.StartElizaOS(t, house.ElizaConfig{Token: house.ElizaToken, Env: []string{"NODE_ENV=production"}})
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf("localhost {\n\tgatehouse elizaos 127.0.0.1:%d {\n\t\tauth {\n\t\t\tkey first {env.USER_KEY} {\n\t\t\t\tscopes read chat upload\n\t\t\t}\n"+
			"\t\t\tkey second {env.OTHER_KEY} {\n\t\t\t\tscopes read\n\t\t\t}\n\t\t}\n\t}\n}", e.Port),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey, "USER_KEY=" + userKey, "OTHER_KEY=" + otherKey, "NODE_ENV=production"},
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	gate := target{t: t, url: fmt.Sprintf("https://localhost:%d", g.Config.HTTPSPort), client: house.Client(t, g.LocalCA()), key: userKey, other: otherKey, server: e, gate: true}
	bare := target{t: t, url: e.URL, client: from("127.90.0.1"), key: e.Token, other: e.Token, server: e}

	type result struct {
		open     bool
		evidence string
	}
	// What is tried last takes the bare server's limits away.
	order := []int{0, 1, 4, 5, 6, 7, 8, 9, 2, 3}
	results := make(map[bool][]result)
	for _, g := range []target{gate, bare} {
		results[g.gate] = make([]result, len(findings))
		for _, i := range order {
			open, evidence := findings[i].try(g)
			results[g.gate][i] = result{open, evidence}
		}
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "finding\tbare\tthrough the gate")
	word := map[bool]string{true: "open", false: "closed"}
	for i, finding := range findings {
		bare, gate := results[false][i], results[true][i]
		fmt.Fprintf(w, "%s\t%s: %s\t%s: %s\n", finding.name, word[bare.open], bare.evidence, word[gate.open], gate.evidence)
		if !bare.open || gate.open {
			t.Errorf("%s: %s bare, %s through the gate", finding.name, word[bare.open], word[gate.open])
		}
	}
	w.Flush()
	t.Log("\n" + table.String())
}

// TestFirstCommandOfTheDocuments runs the first command of ElizaOS' document on
// authentication against the gate, as it is printed there but for the key and,
// where another program has that port, the port.
func TestFirstCommandOfTheDocuments(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: apt-get install curl")
	}
	e := house.SharedElizaOS(t)
	port := 3000
	if l, err := net.Listen("tcp", "127.0.0.1:3000"); err != nil {
		port = house.Port(t)
	} else {
		l.Close()
	}
	house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf("http://localhost:%d {\n\tgatehouse elizaos 127.0.0.1:%d\n}", port, e.Port),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	const printed = "curl -H \"Authorization: Bearer YOUR_API_KEY\" \\\n  http://localhost:3000/agents"
	command := strings.NewReplacer("YOUR_API_KEY", clientKey, ":3000", fmt.Sprintf(":%d", port)).Replace(printed)
	out, err := exec.Command("sh", "-c", command).Output()
	if err != nil || !strings.Contains(string(out), `"success":true`) || !strings.Contains(string(out), e.AgentID) {
		t.Errorf("%v: %s", err, out)
	}
}
