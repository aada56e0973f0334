package gatehouse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestOneOfTwoBackendsIsKilled holds that when one of two backends is killed
// under load, no GET fails and no POST reaches a backend twice. The POSTs that
// the dead one had taken fail, since nobody can know how far they came.
func TestOneOfTwoBackendsIsKilled(t *testing.T) {
	clearEnv(t)
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", token)
	var mu sync.Mutex
	posts := make(map[string]int) // by their number
	var killed atomic.Bool
	backend := func(mortal bool) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				mu.Lock()
				posts[r.URL.Query().Get("n")]++
				mu.Unlock()
			}
			if mortal && killed.Load() {
				panic(http.ErrAbortHandler) // the process dies with the request in it
			}
			fmt.Fprint(w, "ok")
		}))
	}
	first, second := backend(true), backend(false)
	defer second.Close()
	g := gatetest.Start(t, fmt.Sprintf(`GATE {
		gatehouse elizaos %s %s {
			rate_limit {
				tier api off
			}
			reverse_proxy {
				lb_policy round_robin
				lb_try_duration 5s
				lb_try_interval 5ms
				fail_duration 10s
			}
		}
	}`, first.Listener.Addr(), second.Listener.Addr()))

	const each, workers = 60, 6
	var failedPosts atomic.Int32
	var wait, half sync.WaitGroup
	half.Add(workers)
	go func() {
		half.Wait()
		killed.Store(true)
		first.CloseClientConnections()
		first.Listener.Close()
	}()
	for worker := range workers {
		wait.Go(func() {
			for i := range each {
				if i == each/2 {
					half.Done()
				}
				if res := g.Get("/api/agents", "X-API-KEY", token); res.Status != 200 {
					t.Errorf("a GET fails: %d %s", res.Status, res.Body)
				}
				path := fmt.Sprintf("/api/messaging/sessions?n=%d-%d", worker, i)
				if res := g.Send("POST", path, "{}", "X-API-KEY", token, "Content-Type", "application/json"); res.Status != 200 {
					failedPosts.Add(1)
				}
			}
		})
	}
	wait.Wait()
	mu.Lock()
	defer mu.Unlock()
	for n, count := range posts {
		if count > 1 {
			t.Errorf("POST %s has reached backends %d times", n, count)
		}
	}
	if len(posts) < workers*each/2 || failedPosts.Load() > workers*each/4 {
		t.Errorf("%d POSTs came through and %d failed", len(posts), failedPosts.Load())
	}
}
