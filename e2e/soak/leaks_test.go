package soak_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is what the gate holds of what it might lose.
type usage struct{ goroutines, files int }

func (g *gate) usage(t *testing.T) usage {
	t.Helper()
	status, profile := g.Admin(t, "GET", "/debug/pprof/goroutine?debug=1", "", "")
	total := regexp.MustCompile(`goroutine profile: total (\d+)`).FindStringSubmatch(profile)
	if status != 200 || total == nil {
		t.Fatalf("the profile of goroutines: %d %.200s", status, profile)
	}
	goroutines, _ := strconv.Atoi(total[1])
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return usage{goroutines, len(files)}
}

// resident is the gate's resident memory in MiB.
func (g *gate) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	kib := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	n, _ := strconv.Atoi(string(kib[1]))
	return n / 1024
}

// Reloads and requests leave nothing behind: no goroutine, no file.
func TestNoLeaks(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	sites := g.Config.Sites
	round := func(n int) {
		for i := range n {
			g.Reload(t, strings.Replace(sites, "\n}", " {\n\t\tgate {\n\t\t\trealm agents"+strconv.Itoa(i)+"\n\t\t}\n\t}\n}", 1), "")
			l := startLoad(t, g, 4, key)
			listen(t, g).close()
			talk(t, g).close()
			l.until(t, g, 20)
			l.stop(t)
		}
	}
	round(3) // what is made once is made now
	before := g.usage(t)
	reloads := 0
	for end := time.Now().Add(*soak); time.Now().Before(end); reloads += 5 {
		round(5)
	}
	// What is being closed may take a moment; a leak of one a reload does not go away.
	g.Retry(t, func() error {
		if now := g.usage(t); now.goroutines > before.goroutines+reloads/2 || now.files > before.files+reloads/2 {
			return fmt.Errorf("after %d reloads %+v, before them %+v", reloads, now, before)
		}
		return nil
	})
	t.Logf("before %+v, after %d reloads %+v, %d MiB", before, reloads, g.usage(t), g.resident(t))
}
