package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
	goredis "github.com/redis/go-redis/v9"
)

const (
	sharedLimit  = 200
	sharedWindow = 2 * time.Second
)

// redisGates starts three gates that count in one server.
func redisGates(t *testing.T, redis *house.Redis, budget string) []*house.Gate {
	t.Helper()
	var gates []*house.Gate
	for range 3 {
		gates = append(gates, house.StartGate(t, house.GateConfig{
			Global: fmt.Sprintf("gatehouse {\nlimits redis redis://%s {\nbudget %s\n}\n}", redis.Address, budget),
			Sites: fmt.Sprintf("http://localhost {\nagent_gate\nagent_rate_limit {\ntier all {\nlimit %d %s\nshared all\n}\n}\nrespond ok\n}",
				sharedLimit, sharedWindow),
		}))
	}
	return gates
}

// sent is one request that was answered.
type sent struct {
	gate       int
	began, end time.Time
	status     int
}

// load sends requests through all gates, at five times the limit, until it is
// told to stop, and returns them.
func load(t *testing.T, gates []*house.Gate) (stop func() []sent) {
	t.Helper()
	const workers = 30
	pause := workers * sharedWindow / (5 * sharedLimit)
	client := house.Client(t, "")
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = workers
	var mu sync.Mutex
	var all []sent
	var wg sync.WaitGroup
	end := make(chan struct{})
	for i := range workers {
		wg.Go(func() {
			gate := i % len(gates)
			url := fmt.Sprintf("http://localhost:%d/", gates[gate].Config.HTTPPort)
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				select {
				case <-end:
					return
				case <-tick.C:
				}
				s := sent{gate: gate, began: time.Now()}
				response, err := client.Get(url)
				if err != nil {
					t.Errorf("gate %d: %v", gate, err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				s.end, s.status = time.Now(), response.StatusCode
				mu.Lock()
				all = append(all, s)
				mu.Unlock()
			}
		})
	}
	return func() []sent { close(end); wg.Wait(); return all }
}

// most is the most requests that were admitted in any window. One counts if all
// of it, from sending to answer, lies in the window.
func most(requests []sent, from, to time.Time) int {
	var admitted []sent
	for _, s := range requests {
		if s.status == http.StatusOK && !s.began.Before(from) && !s.end.After(to) {
			admitted = append(admitted, s)
		}
	}
	slices.SortFunc(admitted, func(a, b sent) int { return a.end.Compare(b.end) })
	best, first := 0, 0
	for i, last := range admitted {
		for admitted[first].end.Before(last.end.Add(-sharedWindow)) {
			first++
		}
		n := 0
		for _, s := range admitted[first : i+1] {
			if !s.began.Before(last.end.Add(-sharedWindow)) {
				n++
			}
		}
		best = max(best, n)
	}
	return best
}

func byStatus(requests []sent) map[int]int {
	counts := make(map[int]int)
	for _, s := range requests {
		counts[s.status]++
	}
	return counts
}

// loadTime is how long the load lasts: GATEHOUSE_E2E_LOAD, in seconds.
func loadTime(t *testing.T) time.Duration {
	text := os.Getenv("GATEHOUSE_E2E_LOAD")
	if text == "" {
		return 6 * time.Second
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("GATEHOUSE_E2E_LOAD: %v", err)
	}
	return time.Duration(n) * time.Second
}

// Three gates admit together what one would, in every window.
func TestSharedLimit(t *testing.T) {
	redis := house.StartRedis(t)
	gates := redisGates(t, redis, "10s")
	began := time.Now()
	stop := load(t, gates)
	time.Sleep(loadTime(t))
	requests := stop()
	top := most(requests, began, time.Now())
	t.Logf("%s of load: %d requests, %v; most in a window of %s: %d of %d",
		time.Since(began).Round(time.Second), len(requests), byStatus(requests), sharedWindow, top, sharedLimit)
	if top > sharedLimit {
		t.Errorf("%d requests were admitted in a window, the limit is %d", top, sharedLimit)
	}
	if counts := byStatus(requests); counts[200] < sharedLimit || counts[429] == 0 || counts[200]+counts[429] != len(requests) {
		t.Errorf("the answers: %v", counts)
	}
	for i, g := range gates {
		if strings.Contains(g.Output(), "sys_limit_store_away") {
			t.Errorf("gate %d was without its store, so this shows nothing:\n%s", i, g.Output())
		}
	}
}

// told counts how often a gate's log tells that the store went away, and that it
// came back.
func told(g *house.Gate) (away, back int) {
	log := g.Output()
	return strings.Count(log, `"sys_limit_store_away"`), strings.Count(log, `"sys_limit_store_back"`)
}

// awaitStore waits until all gates have their store. On a busy machine it may go
// and come by itself, so that what was told last counts, and not that it was told.
func awaitStore(t *testing.T, gates []*house.Gate) {
	t.Helper()
	for i, g := range gates {
		g.Retry(t, func() error {
			if away, back := told(g); away > back {
				return fmt.Errorf("gate %d is not back", i)
			}
			return nil
		})
	}
}

// Whatever becomes of the server, nobody gets an error for it, each gate keeps
// the limit, and all of them come back.
func TestSharedLimitOutages(t *testing.T) {
	redis := house.StartRedis(t)
	gates := redisGates(t, redis, "250ms")
	server := goredis.NewClient(&goredis.Options{Addr: redis.Address})
	defer server.Close()
	ctx := context.Background()
	var wait sync.WaitGroup
	quick := make(chan struct{})
	for _, outage := range []struct {
		name  string
		begin func()
		end   func()
	}{
		{"killed and restarted empty", func() {
			redis.Signal(t, syscall.SIGKILL)
			redis.Wait(t)
		}, func() {
			redis = redis.Restart(t)
		}},
		{"stopped", func() { redis.Signal(t, syscall.SIGSTOP) }, func() { redis.Signal(t, syscall.SIGCONT) }},
		// What writes is answered after twice the time that a gate waits, and other
		// commands at once.
		{"slow", func() {
			wait.Go(func() {
				for slow := time.NewTicker(550 * time.Millisecond); ; {
					if err := server.Do(ctx, "CLIENT", "PAUSE", "500", "WRITE").Err(); err != nil {
						t.Error(err)
					}
					select {
					case <-slow.C:
					case <-quick:
						slow.Stop()
						return
					}
				}
			})
		}, func() {
			close(quick)
			wait.Wait()
			if err := server.Do(ctx, "CLIENT", "UNPAUSE").Err(); err != nil {
				t.Fatal(err)
			}
		}},
		{"its disk is full", func() {
			// Saving fails, as on a full disk: the file's name is taken by a folder.
			dir := server.ConfigGet(ctx, "dir").Val()["dir"]
			if err := os.Mkdir(filepath.Join(dir, "dump.rdb"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := server.ConfigSet(ctx, "save", "3600 1").Err(); err != nil {
				t.Fatal(err)
			}
			if err := server.BgSave(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			redis.WaitFor(t, "Background saving error")
		}, func() {
			if err := server.ConfigSet(ctx, "save", "").Err(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(outage.name, func(t *testing.T) {
			awaitStore(t, gates)
			var before []int
			for _, g := range gates {
				away, _ := told(g)
				before = append(before, away)
			}
			stop := load(t, gates)
			time.Sleep(sharedWindow / 4)
			outage.begin()
			began := time.Now()
			for i, g := range gates {
				g.Retry(t, func() error {
					if away, _ := told(g); away == before[i] {
						return fmt.Errorf("gate %d has not noticed", i)
					}
					return nil
				})
			}
			noticed := time.Since(began)
			time.Sleep(sharedWindow + sharedWindow/2) // more than a window without it
			outage.end()
			ended := time.Now()
			awaitStore(t, gates)
			recovered := time.Since(ended)
			time.Sleep(sharedWindow / 4)
			requests := stop()
			t.Logf("noticed by all after %s, back on all %s after the end; %d requests: %v", noticed.Round(time.Millisecond),
				recovered.Round(time.Millisecond), len(requests), byStatus(requests))
			if counts := byStatus(requests); counts[200]+counts[429] != len(requests) {
				t.Errorf("the answers: %v", counts)
			}
			for gate := range gates {
				own := slices.DeleteFunc(slices.Clone(requests), func(s sent) bool { return s.gate != gate })
				if top := most(own, time.Time{}, time.Now()); top > sharedLimit {
					t.Errorf("gate %d admitted %d in a window by itself, the limit is %d", gate, top, sharedLimit)
				}
			}
			// All are back within a second; a machine that is busy with other
			// things may take longer to say so.
			if recovered > 30*time.Second {
				t.Errorf("it took %s to come back", recovered)
			}
		})
	}
}

// A client that is reset at one gate is let in again at all of them, and at one
// that was away from the server when it has come back.
func TestResetReachesAllGates(t *testing.T) {
	redis := house.StartRedis(t)
	var gates []*house.Gate
	for range 3 {
		gates = append(gates, house.StartGate(t, house.GateConfig{
			Global: fmt.Sprintf("gatehouse {\nlimits redis redis://%s {\nbudget 10s\n}\n}", redis.Address),
			Sites:  "http://localhost {\nagent_gate\nagent_rate_limit {\ntier all {\nlimit 6 15m\nshared all\n}\n}\nrespond ok\n}",
		}))
	}
	client := house.Client(t, "")
	status := func(g *house.Gate) string {
		return fetch(t, client, fmt.Sprintf("http://localhost:%d/", g.Config.HTTPPort), "")
	}
	for range 2 {
		for _, g := range gates {
			if got := status(g); got != "200 ok" {
				t.Fatalf("within the limit: %s", got)
			}
		}
	}
	// Without the server each gate knows of two requests, and admits four more:
	// now all of them would refuse by themselves.
	redis.Signal(t, syscall.SIGKILL)
	redis.Wait(t)
	for _, g := range gates {
		for got := status(g); got != "429"; got = status(g) {
			if got != "200 ok" {
				t.Fatalf("without the server: %s", got)
			}
		}
	}
	redis.Restart(t)
	for _, g := range gates {
		g.WaitFor(t, "sys_limit_store_back")
	}
	for _, g := range gates {
		if got := status(g); got != "429" {
			t.Fatalf("the server has forgotten, and the gate answers %s", got)
		}
	}
	if got, answer := gates[0].Admin(t, http.MethodPost, "/gatehouse/limits/reset", "application/json", `{"ip":"127.0.0.1"}`); got != 200 {
		t.Fatalf("the reset: %d %s", got, answer)
	}
	for i, g := range gates {
		began := time.Now()
		g.Retry(t, func() error {
			if got := status(g); got != "200 ok" {
				return fmt.Errorf("gate %d answers %s", i, got)
			}
			return nil
		})
		t.Logf("gate %d: let in %s after the reset", i, time.Since(began).Round(time.Millisecond))
	}
}
