package soak_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	reloads  = flag.Int("reloads", 24, "how many reloads TestNoLeaks makes")
	requests = flag.Int("requests", 2400, "how many requests TestNoLeaks sends")
)

// usage is what the gate holds of what it might lose.
type usage struct{ goroutines, files int }

func (g *gate) usage(t *testing.T) usage {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return usage{g.profiled(t, "/debug/pprof/goroutine?debug=1", `goroutine profile: total (\d+)`), len(files)}
}

// profiled is a number that a profile of the gate's tells.
func (g *gate) profiled(t *testing.T, path, pattern string) int {
	t.Helper()
	status, profile := g.Admin(t, "GET", path, "", "")
	number := regexp.MustCompile(pattern).FindStringSubmatch(profile)
	if status != 200 || number == nil {
		t.Fatalf("%s: %d %.200s", path, status, profile)
	}
	n, _ := strconv.Atoi(number[1])
	return n
}

// clients are the connections that the gate serves, the one of the administrator
// among them who asks this.
func (g *gate) clients(t *testing.T) int {
	t.Helper()
	status, stacks := g.Admin(t, "GET", "/debug/pprof/goroutine?debug=2", "", "")
	n := strings.Count(stacks, "net/http.(*conn).serve(")
	if status != 200 || n == 0 {
		t.Fatalf("goroutines: %d %.200s", status, stacks)
	}
	return n
}

// memory is a figure of the kernel's about the gate, in KiB.
func (g *gate) memory(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	kib := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	n, _ := strconv.Atoi(string(kib[1]))
	return n
}

// resident is the gate's resident memory in MiB, peak the most that it ever had.
func (g *gate) resident(t *testing.T) int { return g.memory(t, "VmRSS") / 1024 }
func (g *gate) peak(t *testing.T) int     { return g.memory(t, "VmHWM") / 1024 }

// footprint is usage and memory: heap is what is left of it after a collection.
type footprint struct {
	usage
	heapKiB, residentKiB int
}

// Reloads and requests leave nothing behind: no goroutine, no file, no memory.
// The run is cut into equal parts, after each of which the gate is looked at
// while it rests; what the last quarter of them shows is to be what the second
// one does (in the first the gate makes what it needs once).
//
//	go test ./e2e/soak -v -run TestNoLeaks -reloads 1000 -requests 1000000 -timeout 2h
func TestNoLeaks(t *testing.T) {
	const parts = 24
	b := startBackend(t)
	c := config(b)
	// Idle connections to the backend would live for seconds into the rest.
	c.Sites = strings.Replace(c.Sites, "\n}", " {\n\t\tgate {\n\t\t\trealm agents\n\t\t}\n\t\tbackend {\n\t\t\tkeepalive 50ms\n\t\t}\n\t}\n}", 1)
	g := startGate(t, c)
	text, err := os.ReadFile(filepath.Join(g.Config.Home, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	file := string(text)
	reload := func(n int) {
		// Something differs each time, so that nothing is spared.
		text := strings.Replace(file, "realm agents", "realm agents"+strconv.Itoa(n), 1)
		if status, answer := g.Admin(t, "POST", "/load", "text/caddyfile", text); status != 200 || text == file {
			t.Fatalf("reload %d: %d %s", n, status, answer)
		}
		listen(t, g).close()
		talk(t, g).close()
	}
	var seen []footprint
	made, sent := 0, int64(0)
	for part := 1; part <= parts; part++ {
		l := startPaced(t, g, 8, key, 0)
		for ; made < *reloads*part/parts; made++ {
			reload(made)
		}
		l.until(t, g, int64(*requests*part/parts)-sent)
		l.stop(t)
		sent += l.sent.Load()
		seen = append(seen, g.atRest(t))
		t.Logf("after %4d reloads and %7d requests: %+v", made, sent, seen[part-1])
	}
	if got := b.requests.Load(); got != sent {
		t.Errorf("%d requests were sent, and %d reached the backend", sent, got)
	}
	const quarter = parts / 4
	early, late := median(seen[quarter:2*quarter]), median(seen[3*quarter:])
	between := made / 2 // reloads, from the middle of the one quarter to that of the other
	t.Logf("median of the second quarter %+v, of the last one %+v; a reload is %.1f KiB of heap", early, late, float64(late.heapKiB-early.heapKiB)/float64(max(1, between)))
	if late.goroutines > early.goroutines {
		_, profile := g.Admin(t, "GET", "/debug/pprof/goroutine?debug=1", "", "")
		t.Logf("there are more goroutines: %s", profile)
	}
	// A leak of one in ten reloads is above this, and so is one of a few KiB each:
	// what a reload makes is megabytes.
	if late.goroutines > early.goroutines+4+between/20 || late.files > early.files+4+between/20 {
		t.Errorf("goroutines or files have come to stay: %+v, then %+v", early, late)
	}
	if late.heapKiB > early.heapKiB+512+between {
		t.Errorf("the heap grows: %d KiB, then %d", early.heapKiB, late.heapKiB)
	}
	// What is resident follows the heap's peaks, which two runs never share.
	if late.residentKiB > early.residentKiB*5/4+16<<10 {
		t.Errorf("resident memory grows: %d KiB, then %d", early.residentKiB, late.residentKiB)
	}
}

// atRest waits until what ends has ended, and looks.
func (g *gate) atRest(t *testing.T) footprint {
	t.Helper()
	var before usage
	quiet := 0
	g.Retry(t, func() error {
		now := g.usage(t)
		if quiet++; now != before {
			quiet = 0
		}
		before = now
		if quiet < 20 {
			return fmt.Errorf("it is not at rest: %+v", now)
		}
		return nil
	})
	heap := g.profiled(t, "/debug/pprof/heap?gc=1&debug=1", `# HeapAlloc = (\d+)`) / 1024
	return footprint{before, heap, g.memory(t, "VmRSS")}
}

// median takes each figure by itself.
func median(of []footprint) footprint {
	middle := func(figure func(footprint) int) int {
		var all []int
		for _, f := range of {
			all = append(all, figure(f))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return footprint{
		usage{middle(func(f footprint) int { return f.goroutines }), middle(func(f footprint) int { return f.files })},
		middle(func(f footprint) int { return f.heapKiB }), middle(func(f footprint) int { return f.residentKiB }),
	}
}
