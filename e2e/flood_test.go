package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// floodRequests is how many requests a flood has, unless GATEHOUSE_FLOOD says
// otherwise.
const floodRequests = 20_000

// TestFlood has one client and ten thousand send requests that are refused. It
// holds that the log stays small and accounts for every one of them, and tells
// what that takes of the processor.
func TestFlood(t *testing.T) {
	total := floodRequests
	if text := os.Getenv("GATEHOUSE_FLOOD"); text != "" {
		var err error
		if total, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, sources := range []int{1, 10_000} {
		t.Run(fmt.Sprintf("%d sources", sources), func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "security.log")
			g := house.StartGate(t, house.GateConfig{
				Env: []string{"ADA_KEY=a-key-of-the-flood-test"},
				Global: "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}\n" +
					"\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file " + log + "\n\t\tformat json\n\t}\n",
				Sites: "http://localhost {\n\tagent_gate\n\tagent_security_log\n\tagent_auth {\n\t\tkey ada {env.ADA_KEY}\n\t}\n\trespond ok\n}\n",
			})
			client := house.Client(t, "")
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = 16
			before, begun := processorTime(t, g.PID()), time.Now()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < int64(total); i = next.Add(1) - 1 {
						request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://localhost:%d/api/agents", g.Config.HTTPPort), nil)
						if err != nil {
							t.Error(err)
							return
						}
						request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i%int64(sources)>>8, i%int64(sources)&255))
						response, err := client.Do(request)
						if err != nil {
							t.Error(err)
							return
						}
						response.Body.Close()
						if response.StatusCode != http.StatusUnauthorized {
							t.Errorf("answered %d", response.StatusCode)
							return
						}
					}
				})
			}
			wg.Wait()
			took, used := time.Since(begun), processorTime(t, g.PID())-before
			g.Stop() // has the log say what it has not written
			lines, told, size := tally(t, log)
			t.Logf("%d refusals from %d sources in %s: %s of the processor each; the log has %d lines, %d bytes",
				total, sources, took.Round(time.Millisecond), used/time.Duration(total), lines, size)
			if told != total {
				t.Errorf("the log tells of %d refusals, not %d", told, total)
			}
			// A window of a minute has 3000 lines and 101 summaries at most.
			if windows := int(took/time.Minute) + 2; lines > windows*3101 || size > int64(windows)*2<<20 {
				t.Errorf("the log has %d lines, %d bytes", lines, size)
			}
		})
	}
}

// tally counts the lines of a security log and the events that it tells of.
func tally(t *testing.T, log string) (lines, told int, size int64) {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var line struct {
			Event string
			More  int
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, scanner.Text())
		}
		lines++
		switch {
		case line.More > 0:
			told += line.More
		case line.Event == "authn_login_fail":
			told++
		}
		size += int64(len(scanner.Bytes())) + 1
	}
	return lines, told, size
}

// processorTime is what a process has used of the processor until now.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
