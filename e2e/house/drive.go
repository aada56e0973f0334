package house

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Step is what came of one thing that the official client did.
type Step struct {
	Name   string `json:"step"`
	OK     bool   `json:"ok"`
	Status int    `json:"status"` // of the last HTTP answer, 0 if none was seen
	Code   string `json:"code"`   // of the client's ApiError
	Detail string `json:"detail"`
}

// Drive says what the official client is to do.
type Drive struct {
	Server *ElizaOS
	URL    string   // default: the server's own
	Key    string   // sent as X-API-KEY; empty: none
	By     string   // how sockets show the key: header (default), cookie or ticket
	CAFile string   // a PEM file of roots to trust besides the usual ones
	Steps  []string // default: all
}

// Run runs the official client and socket.io-client against a server, bare or
// behind the gate, and returns every step's outcome.
func (d Drive) Run(t testing.TB) []Step {
	t.Helper()
	url := d.URL
	if url == "" {
		url = d.Server.URL
	}
	args := []string{filepath.Join(elizaProgram(t), "drive.mjs"), "--url", url, "--control", d.Server.Control}
	if d.Key != "" {
		args = append(args, "--key", d.Key)
	}
	if d.By != "" {
		args = append(args, "--by", d.By)
	}
	if len(d.Steps) > 0 {
		args = append(args, "--steps", strings.Join(d.Steps, ","))
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if d.CAFile != "" {
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+d.CAFile)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Fatalf("the driver failed: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	var steps []Step
	for lines := bufio.NewScanner(&stdout); lines.Scan(); {
		var step Step
		if err := json.Unmarshal(lines.Bytes(), &step); err != nil {
			t.Fatalf("the driver printed %q: %v", lines.Text(), err)
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 || len(d.Steps) > 0 && len(steps) != len(d.Steps) {
		t.Fatalf("the driver took %d steps of %q: %s", len(steps), d.Steps, stderr.String())
	}
	return steps
}
