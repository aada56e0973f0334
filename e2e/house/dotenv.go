package house

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Dotenv returns what Node's dotenv, which reads the backend's .env, makes of
// texts.
func Dotenv(t testing.TB, texts []string) []map[string]string {
	t.Helper()
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(elizaProgram(t), "dotenv.mjs"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Stdin = bytes.NewReader(input)
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var parsed []map[string]string
	if err := json.Unmarshal([]byte(out), &parsed); err != nil || len(parsed) != len(texts) {
		t.Fatalf("dotenv printed %q: %v", out, err)
	}
	return parsed
}

// SocketIOClient returns the browser's form of socket.io-client.
func SocketIOClient(t testing.TB) []byte {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(elizaProgram(t), "node_modules", "socket.io-client", "dist", "socket.io.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return script
}
