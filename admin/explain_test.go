package admin_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/cmd"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the golden files anew")

const explained = `{
	gatehouse {
		keys KEYS
	}
}
GATE {
	agent_gate
	agent_cors https://app.example.com
	agent_ip {
		deny 10.66.0.0/16
	}
	agent_security_log {
		detect all
		block traversal
	}
	agent_auth {
		failures 2 15m
		require admin /admin/*
	}
	agent_rate_limit {
		tier api /api/* {
			limit 3 1h
		}
		concurrent 20
	}
	agent_validate {
		methods GET POST
		content_type application/json
		max_body 10
	}
	reverse_proxy BACKEND {
		transport agent_backend {
			response_header_timeout 5s
		}
	}
}`

// command runs a command of `gatehouse` as the program does, with a token on its
// standard input.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var gate *cobra.Command
	for _, c := range caddycmd.Commands() {
		if c.Name == "gate" {
			gate = &cobra.Command{Use: "gate", SilenceUsage: true}
			c.CobraFunc(gate)
		}
	}
	var out bytes.Buffer
	gate.SetOut(&out)
	gate.SetErr(&out)
	gate.SetIn(strings.NewReader("a-token-of-another-program-0123456789\n"))
	gate.SetArgs(args)
	_ = gate.Execute()
	return out.String()
}

// blurred are parts of a transcript that differ from run to run.
var blurred = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:]+Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "BACKEND"},
	{regexp.MustCompile(`(59m\d+s|1h0m\d+s)`), "1h0m0s"},
}

// TestExplain is a transcript for each kind of refusal.
func TestExplain(t *testing.T) {
	g := gatetest.New(t)
	g.Admin = socket(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := keys.NewFile(filepath.Join(dir, "keys.json"))
	if err := file.Init(); err != nil {
		t.Fatal(err)
	}
	o := office{Gate: g, t: t, file: file}
	text := strings.ReplaceAll(explained, "KEYS", file.Path())
	if err := g.Load(text); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // a Caddyfile lies there, as gatetest makes it of the text
	text = strings.NewReplacer("GATE", "http://"+g.Addr, "BACKEND", g.Backend.Addr()).Replace(text)
	if err := os.WriteFile("Caddyfile", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["read"]}`)["secret"].(string)
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	far := filepath.Join(dir, "far")
	distant := o.must(200, "POST", "/gatehouse/keys", `{"id":"office","scopes":["read"],"from":["192.0.2.0/24"]}`)["secret"].(string)
	for name, text := range map[string]string{good: secret, far: distant, bad: "agk_mistyped-or-guessed"} {
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	site := "http://" + g.Addr
	socket, _, _ := strings.Cut(g.Admin, "|")
	var transcript strings.Builder
	explain := func(title string, args ...string) {
		fmt.Fprintf(&transcript, "--- %s\n%s", title, command(t, append([]string{"explain", "--address", socket}, args...)...))
	}
	explain("passes", "--key", "@"+good, "GET", site+"/api/x")
	explain("no key", "GET", site+"/api/x")
	explain("a wrong key", "--key", "@"+bad, "GET", site+"/api/x")
	explain("no scope", "--key", "@"+good, "GET", site+"/admin/x")
	explain("a key from another address", "--key", "@"+far, "GET", site+"/files/x")
	explain("two keys", g.Get("/files/x", "X-API-KEY", secret, "Authorization", "Bearer "+distant).Header.Get("X-Request-Id"))
	explain("a page of another origin", "-H", "Origin: https://stranger.example", "-H", "Access-Control-Request-Method: POST", "OPTIONS", site+"/api/x")
	explain("its socket", "-H", "Origin: https://stranger.example", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "GET", site+"/socket.io/?EIO=4")
	explain("a path that servers read in different ways", "--key", "@"+good, "GET", site+"/files/a%2fb")
	explain("a denied address", "--client", "10.66.1.2", "GET", site+"/api/x")
	explain("an attack that is blocked", "--key", "@"+good, "GET", site+"/files/..%2f..%2fetc/passwd")
	explain("an attack that is seen", "--key", "@"+good, "GET", site+"/api/x?q=1'%20OR%20'1'='1")
	explain("a method", "--key", "@"+good, "DELETE", site+"/api/x")
	explain("a content type", "--key", "@"+good, "-H", "Content-Type: text/plain", "--data", "@"+good, "POST", site+"/api/x")
	explain("a body too long", "--key", "@"+good, "-H", "Content-Type: application/json", "--data", "@"+good, "POST", site+"/api/x")
	for range 3 { // none of the above was counted
		if got := g.Get("/api/x", "X-API-KEY", secret).Status; got != 200 {
			t.Fatalf("a trial was counted: %d", got)
		}
	}
	explain("a limit", "--key", "@"+good, "GET", site+"/api/x")
	res := g.Get("/api/x", "X-API-KEY", secret)
	explain("the same, by its id", res.Header.Get("X-Request-Id"))
	for _, wrong := range []string{"one-wrong-key-of-many", "two-wrong-keys-of-many", "three-wrong-keys-of-many"} {
		g.Get("/api/x", "X-API-KEY", wrong)
	}
	explain("too many wrong keys", "--key", "@"+bad, "GET", site+"/api/x")
	g.Backend.Handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	explain("a backend that is slow", g.Get("/files/x", "X-API-KEY", secret).Header.Get("X-Request-Id"))
	g.Backend.Close()
	explain("a backend that is down", g.Get("/files/x", "X-API-KEY", secret).Header.Get("X-Request-Id"))
	explain("an id that nobody has", "00000000-0000-4000-8000-000000000000")
	explain("a key in the command line", "--key", "secret", "GET", site+"/api/x")

	text = transcript.String()
	if strings.Contains(text, secret) {
		t.Error("a key stands in the transcript")
	}
	for _, b := range blurred {
		text = b.what.ReplaceAllString(text, b.by)
	}
	text = strings.NewReplacer(socket, "SOCKET").Replace(text)
	golden := filepath.Join(here, "testdata", "explain.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("the transcript is another than in %s:\n%s", golden, text)
	}
}

// TestExplainPage holds that what docs/explain.md shows is what is printed.
func TestExplainPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "explain.md"))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "explain.txt"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```text\n(.*?)^```$").FindAllSubmatch(page, -1)
	if len(shown) < 3 {
		t.Errorf("the page shows %d transcripts", len(shown))
	}
	for _, text := range shown {
		if !bytes.Contains(golden, text[1]) {
			t.Errorf("this is not what is printed:\n%s", text[1])
		}
	}
}

// TestLinesOfAPreset holds that lines of a preset are named as such, and those
// that the operator has written in its place by file and number; and that a
// file which is not what runs names none.
func TestLinesOfAPreset(t *testing.T) {
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "a-key-of-the-test-of-lines-0123456789")
	g := gatetest.New(t)
	g.Admin = socket(t)
	const site = "GATE {\n\tgatehouse elizaos BACKEND {\n\t\trate_limit {\n\t\t\ttier api {\n\t\t\t\tlimit 1 1h\n\t\t\t}\n\t\t}\n\t}\n}\n"
	if err := g.Load(site); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write := func(text string) {
		text = strings.NewReplacer("GATE", "http://"+g.Addr, "BACKEND", g.Backend.Addr()).Replace(text)
		if err := os.WriteFile("Caddyfile", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(site)
	key := os.Getenv("ELIZA_SERVER_AUTH_TOKEN")
	g.Get("/api/agents", "X-API-KEY", key)
	id := g.Get("/api/agents", "X-API-KEY", key).Header.Get("X-Request-Id")
	socket, _, _ := strings.Cut(g.Admin, "|")
	explain := func() string { return command(t, "explain", "--address", socket, id) }
	preset, err := gate.Preset("elizaos", []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	printed := func(beginning string) string {
		for i, line := range strings.Split(preset, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), beginning) {
				return fmt.Sprintf("line %d of `gatehouse preset elizaos`", i+1)
			}
		}
		t.Fatalf("the preset has no line %s", beginning)
		return ""
	}
	if out := explain(); !strings.Contains(out, printed("tier api ")+" `tier api @gh_limit_api`, Caddyfile:5 `limit 1 1h`") {
		t.Error(out)
	}
	if out := command(t, "explain", "--address", socket, "GET", "http://"+g.Addr+"/api/agents"); !strings.Contains(out, "agent_auth           refuses  "+printed("agent_auth {")) {
		t.Error(out)
	}
	write(strings.Replace(site, "limit 1 1h", "limit 2 1h", 1))
	if out := explain(); strings.Contains(out, "written:") {
		t.Error("lines are told of a file that is not what runs: " + out)
	}
	write("GATE {")
	if out := explain(); !strings.Contains(out, "No lines are shown") || !strings.Contains(out, "refused with 429") {
		t.Error(out)
	}
}

// TestATrialLeavesNoTrace holds that neither the log, nor the refusals, nor a
// time of use, nor the backend know of a trial.
func TestATrialLeavesNoTrace(t *testing.T) {
	o := open(t, socket(t), "")
	secret := o.must(200, "POST", "/gatehouse/keys", `{"id":"ci","scopes":["chat"]}`)["secret"].(string)
	before := len(o.Events())
	_, refusals := o.ask("GET", "/gatehouse/refusals", "")
	body, _ := json.Marshal(map[string]any{"url": "http://" + o.Addr + "/read/x", "header": map[string][]string{"x-api-key": {secret}}})
	trial := o.must(200, "POST", "/gatehouse/explain", string(body))
	if refused, _ := trial["refused"].(map[string]any); refused["step"] != "agent_auth" || refused["rule"] != "scope read" {
		t.Fatalf("%v", trial)
	}
	if got := len(o.Events()); got != before {
		t.Errorf("%d events more", got-before)
	}
	if _, now := o.ask("GET", "/gatehouse/refusals", ""); now != refusals {
		t.Error("the trial is remembered")
	}
	shown := o.must(200, "GET", "/gatehouse/keys/ci", "")
	if used := shown["secrets"].([]any)[0].(map[string]any)["last_used"]; used != nil {
		t.Errorf("the trial counts as a use: %v", used)
	}
	if seen := o.Backend.Seen(); len(seen) > 0 {
		t.Error("the backend was asked")
	}

	// The same for real: the event names the step, and the refusal is remembered.
	res := o.Get("/read/x?api_key="+secret, "X-API-KEY", secret)
	events := o.Events()
	if e := events[len(events)-1]; res.Status != 403 || e["step"] != "agent_auth" {
		t.Errorf("%d %v", res.Status, e)
	}
	told := o.must(200, "GET", "/gatehouse/refusals/"+res.Header.Get("X-Request-Id"), "")
	if told["step"] != "agent_auth" || told["key_id"] != "ci" || strings.Contains(fmt.Sprint(told), secret) {
		t.Errorf("%v", told)
	}
}

// TestExplainPresents holds that the key is presented where the site looks for
// one, and that a refusal says where that is.
func TestExplainPresents(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("the-key-of-ada-0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ADA_KEY", "the-key-of-ada-0123456789abcdef")
	for accept, says := range map[string]string{
		"bearer": "Authorization: Bearer", "header X-Own": "X-Own", "query api_key": "the parameter api_key",
		"header X-Own\naccept bearer": "X-Own, Authorization: Bearer",
	} {
		g := gatetest.New(t)
		g.Admin = socket(t)
		if err := g.Load("GATE {\nagent_auth {\nkey ada {env.ADA_KEY}\naccept " + accept + "\n}\nrespond hi\n}"); err != nil {
			t.Fatal(err)
		}
		socket, _, _ := strings.Cut(g.Admin, "|")
		site := "http://" + g.Addr + "/x?a=1"
		if got := command(t, "explain", "--address", socket, "--key", "@"+file, "GET", site); !strings.Contains(got, "the caller is the key ada") || strings.Contains(got, "key-of-ada") {
			t.Errorf("accept %s: %s", accept, got)
		}
		if got := command(t, "explain", "--address", socket, "GET", site); !strings.Contains(got, "      keys are accepted in "+says+"\n") {
			t.Errorf("accept %s: %s", accept, got)
		}
	}
}

// TestExplainAHostOfNobody holds that what redirects every host to https is not
// taken for a site.
func TestExplainAHostOfNobody(t *testing.T) {
	g := gatetest.New(t)
	g.Admin = socket(t)
	if err := g.Load(fmt.Sprintf("{\nhttp_port %d\nhttps_port %d\nauto_https disable_certs\n}\n", gatetest.Port(t), gatetest.Port(t)) +
		"one.localhost, two.localhost {\nagent_gate\nrespond hello\n}\n"); err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(g.Admin, "|")
	for url, want := range map[string]string{
		"http://nobody.localhost/":  "no site of the configuration that runs serves nobody.localhost: it has one.localhost, two.localhost\n",
		"https://nobody.localhost/": "no site of the configuration that runs serves nobody.localhost: it has one.localhost, two.localhost\n",
		"http://one.localhost/":     "it is answered with 308, without the backend\n",
		"https://one.localhost/":    "it is answered with 200, without the backend\n",
	} {
		if said := command(t, "explain", "--address", address, "GET", url); !strings.Contains(said, want) {
			t.Errorf("%s: %s", url, said)
		}
	}
}
