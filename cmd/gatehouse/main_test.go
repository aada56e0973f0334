package main

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"gatehouse": main}) }

// TestScripts runs the command line as people and scripts do.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CADDY_ADMIN", "unix/"+env.WorkDir+"/admin.sock")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await-gate": awaitGate},
	})
}

// awaitGate waits until the gate that the script has started is up.
func awaitGate(ts *testscript.TestScript, _ bool, _ []string) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", ts.MkAbs("admin.sock"))
	}}
	client := http.Client{Transport: transport}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if res, err := client.Get("http://127.0.0.1/gatehouse/status"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("the gate does not come up")
}
