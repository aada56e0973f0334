package house

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// ElizaToken is the token that the shared ElizaOS server asks for.
const ElizaToken = "the-backend-token-of-the-test-house"

// ElizaOS is a real ElizaOS server with one agent and a model that needs no
// network. It listens on 127.0.0.1.
type ElizaOS struct {
	*Process
	URL     string // of the server
	Control string // of the control server beside it, for tests alone
	Port    int
	Token   string // ELIZA_SERVER_AUTH_TOKEN
	AgentID string
	DataDir string // its working directory: a .env in it is read at start
}

// ElizaConfig says how to start an ElizaOS server.
type ElizaConfig struct {
	Token   string   // ELIZA_SERVER_AUTH_TOKEN; empty: the server asks for none
	Env     []string // further environment, as NAME=value
	DataDir string   // default: a new folder
	Port    int      // default: a free one
	Network *Network // default: the machine's own
}

var sharedEliza struct {
	sync.Once
	server *ElizaOS
	err    error
}

// SharedElizaOS returns the server that all tests of the binary share; the
// first call starts it. A test may add to its data but not disturb it. Its own
// limit is 1000 API requests per 15 minutes and source address, the agent's own
// requests from 127.0.0.1 included.
func SharedElizaOS(t testing.TB) *ElizaOS {
	t.Helper()
	dir := elizaProgram(t)
	sharedEliza.Do(func() {
		dataDir, err := os.MkdirTemp("", "gh")
		if err != nil {
			sharedEliza.err = err
			return
		}
		shared.add(func() { _ = os.RemoveAll(dataDir) })
		config := ElizaConfig{Token: ElizaToken, DataDir: dataDir, Port: Port(t)}
		sharedEliza.server, sharedEliza.err = startElizaOS(dir, config)
		if sharedEliza.err == nil {
			shared.add(sharedEliza.server.Stop)
		}
	})
	if sharedEliza.err != nil {
		t.Fatal(sharedEliza.err)
	}
	return sharedEliza.server
}

// StartElizaOS starts a server for one test.
func StartElizaOS(t testing.TB, config ElizaConfig) *ElizaOS {
	t.Helper()
	dir := elizaProgram(t)
	if config.DataDir == "" {
		config.DataDir = tempDir(t)
	}
	if config.Port == 0 {
		config.Port = Port(t)
	}
	server, err := startElizaOS(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func startElizaOS(programDir string, config ElizaConfig) (*ElizaOS, error) {
	cmd := config.Network.command("node", filepath.Join(programDir, "start.mjs"))
	cmd.Dir = config.DataDir
	cmd.Env = append([]string{
		"HOME=" + config.DataDir,
		"E2E_DATA_DIR=" + config.DataDir,
		"SERVER_HOST=127.0.0.1",
		"SERVER_PORT=" + strconv.Itoa(config.Port),
		"SENTRY_DSN=http://none@127.0.0.1:9/1",
		"NO_COLOR=1",
	}, config.Env...)
	if config.Token != "" {
		cmd.Env = append(cmd.Env, "ELIZA_SERVER_AUTH_TOKEN="+config.Token)
	}
	process, err := start("ElizaOS", cmd)
	if err != nil {
		return nil, err
	}
	// A server that finds its port taken silently takes another.
	listening, err := process.waitFor(`AgentServer is listening on port (\d+)`)
	if err != nil {
		process.Stop()
		return nil, err
	}
	ready, err := process.waitFor(`^e2e: agent (\S+) is ready, control is listening on port (\d+)`)
	if err != nil {
		process.Stop()
		return nil, err
	}
	bound, _ := strconv.Atoi(listening[1])
	return &ElizaOS{
		Process: process,
		URL:     "http://127.0.0.1:" + listening[1],
		Control: "http://127.0.0.1:" + ready[2],
		Port:    bound,
		Token:   config.Token,
		AgentID: ready[1],
		DataDir: config.DataDir,
	}, nil
}

// ElizaRequest is a request as it reached the ElizaOS server.
type ElizaRequest struct {
	Number int      `json:"-"` // counted from 1
	Method string   `json:"method"`
	URL    string   `json:"url"`
	Remote string   `json:"remote"`  // the address that it came from
	Fields []string `json:"headers"` // names and values in turn, as they were sent
}

// Values returns the values of a header field, in the order they were sent.
func (r ElizaRequest) Values(name string) []string {
	var values []string
	for pair := range slices.Chunk(r.Fields, 2) {
		if strings.EqualFold(pair[0], name) {
			values = append(values, pair[1])
		}
	}
	return values
}

// Requests returns what reached the server after request number since, upgrades
// and the agent's own requests included. A server that is gone can still be asked.
func (e *ElizaOS) Requests(t testing.TB, since int) []ElizaRequest {
	t.Helper()
	recorded, err := os.ReadFile(filepath.Join(e.DataDir, "requests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var requests []ElizaRequest
	number := 0
	for line := range bytes.Lines(recorded) {
		if number++; number <= since || !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		request := ElizaRequest{Number: number}
		if err := json.Unmarshal(line, &request); err != nil {
			t.Fatalf("what reached the server: %v: %s", err, line)
		}
		requests = append(requests, request)
	}
	return requests
}

// Routes returns the routes of the server's router, as "METHOD /path". What is
// mounted at a path and is no router has the method USE.
func (e *ElizaOS) Routes(t testing.TB) []string {
	t.Helper()
	var routes []string
	e.control(t, http.MethodGet, "/routes", &routes)
	return routes
}

// ElizaClientFiles is the folder of the web UI in the installed package.
func ElizaClientFiles(t testing.TB) string {
	t.Helper()
	return filepath.Join(elizaProgram(t), "node_modules", "@elizaos", "server", "dist", "client")
}

// Release lets one more chunk of the answer to a message with [hold:id] go, or
// all that is left of it.
func (e *ElizaOS) Release(t testing.TB, id string, all bool) {
	t.Helper()
	path := "/release?id=" + id
	if all {
		path += "&all=1"
	}
	var result struct{}
	e.control(t, http.MethodPost, path, &result)
}

func (e *ElizaOS) control(t testing.TB, method, path string, into any) {
	t.Helper()
	// Node closes a connection that has been idle for five seconds, perhaps just now.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	body := Ask(t, client, method, e.Control+path, "").Body
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%s %s of the control server: %v: %s", method, path, err, body)
	}
}

var copiedEliza struct {
	sync.Once
	dir string
	err error
}

// elizaProgram returns the folder of start.mjs and drive.mjs, with node_modules
// beside them. GATEHOUSE_E2E_ELIZAOS names a folder that holds node_modules
// elsewhere, so that one installation serves several checkouts.
func elizaProgram(t testing.TB) string {
	t.Helper()
	program(t, "node", "nodejs")
	source := filepath.Join(Root(), "e2e", "elizaos")
	installed := os.Getenv("GATEHOUSE_E2E_ELIZAOS")
	if installed == "" {
		requireElizaModules(t, source, "npm ci --prefix e2e/elizaos")
		return source
	}
	requireElizaModules(t, installed,
		"copy package.json, package-lock.json and .npmrc of e2e/elizaos there and run npm ci")
	// Node looks for modules beside the file that imports them.
	copiedEliza.Do(func() { copiedEliza.dir, copiedEliza.err = copyEliza(source, installed) })
	if copiedEliza.err != nil {
		t.Fatal(copiedEliza.err)
	}
	return copiedEliza.dir
}

func requireElizaModules(t testing.TB, dir, remedy string) {
	t.Helper()
	wanted, err := os.ReadFile(filepath.Join(Root(), "e2e", "elizaos", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(wanted, &manifest); err != nil {
		t.Fatal(err)
	}
	for name, version := range manifest.Dependencies {
		var found struct{ Version string }
		raw, err := os.ReadFile(filepath.Join(dir, "node_modules", name, "package.json"))
		if err == nil {
			err = json.Unmarshal(raw, &found)
		}
		if err != nil || found.Version != version {
			missing(t, "%s %s is not installed in %s: %s", name, version, dir, remedy)
		}
	}
}

func copyEliza(source, installed string) (string, error) {
	dir, err := os.MkdirTemp("", "gh")
	if err != nil {
		return "", err
	}
	shared.add(func() { _ = os.RemoveAll(dir) })
	programs, err := filepath.Glob(filepath.Join(source, "*.mjs"))
	if err != nil {
		return "", err
	}
	for _, path := range programs {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o600); err != nil {
			return "", err
		}
	}
	modules, err := filepath.Abs(filepath.Join(installed, "node_modules"))
	if err != nil {
		return "", err
	}
	return dir, os.Symlink(modules, filepath.Join(dir, "node_modules"))
}
