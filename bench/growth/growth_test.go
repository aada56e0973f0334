// Package growth measures how the cost of a request grows with what the gate
// has to hold: keys, tiers, rules, and streams that are open. bench/gateways
// writes its figures into docs/benchmarks.md.
package growth

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const own = "correct-horse-battery-staple-1"

// chain starts a gate with the handlers and returns them as one.
func chain(b *testing.B, global, handlers string) *caddyhttp.Subroute {
	b.Helper()
	b.Setenv("CLIENT_KEY", own)
	g := gatetest.Start(b, "{\nlog {\nlevel ERROR\n}\n"+global+"\n}\nGATE {\nroute {\n"+handlers+"\n}\n}")
	return gatetest.Handler[*caddyhttp.Subroute](g)
}

// BenchmarkRing is one of n keys, another one each time, looked up in the ring.
func BenchmarkRing(b *testing.B) {
	for _, n := range []int{1, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			known, secrets := manyKeys(n)
			ring, err := keys.NewRing(known, nil)
			if err != nil {
				b.Fatal(err)
			}
			now := time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + stride) % n {
				if _, outcome := ring.Find(secrets[i], now); outcome != keys.Found {
					b.Fatal(outcome)
				}
			}
		})
	}
}

// stride is an order that defeats the processor's cache.
const stride = 514229

// BenchmarkKeys is a request with one of n keys of a key file, another one each
// time, that is limited by key: the whole of agent_gate, agent_auth and
// agent_rate_limit. It also tells how long the gate took to start with the file,
// and how much of the heap each key is.
func BenchmarkKeys(b *testing.B) {
	for _, n := range []int{1, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path, secrets := keyFile(b, n)
			before, start := heap(), time.Now()
			handler := chain(b, "gatehouse {\nkeys "+path+"\nlimits {\nmax_clients 2000000\n}\n}", "agent_gate\nagent_auth\nagent_rate_limit 1000000000 15m")
			loading, held := time.Since(start), heap()-before
			// At its end the gate would write into it when each key was last used.
			b.Cleanup(func() { _ = os.Remove(path) })
			inUse := min(n, 200_000) // and not next to each other
			next := 0
			another := func(r *http.Request) {
				next = (next + stride) % inUse
				i := next * (n / inUse)
				r.Header["X-Api-Key"] = secrets[i : i+1 : i+1]
			}
			nothing := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
			for range inUse { // what a client's first request makes is no part of the cost of its others
				if err := gatetest.Serve(handler, "/api/agents", another, nothing); err != nil {
					b.Fatal(err)
				}
			}
			gatetest.BenchHandler(b, handler, "/api/agents", another)
			if n > 1 {
				b.ReportMetric(loading.Seconds(), "s/start")
				b.ReportMetric(float64(held)/float64(n), "B/key")
			}
		})
	}
}

// heap is what of it is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// keyFile writes a file of n keys.
func keyFile(b *testing.B, n int) (path string, secrets []string) {
	b.Helper()
	known, secrets := manyKeys(n)
	doc := keys.Document{Keys: known}
	text, err := doc.Encode()
	if err != nil {
		b.Fatal(err)
	}
	path = filepath.Join(b.TempDir(), "keys.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return path, secrets
}

func manyKeys(n int) (known []keys.Key, secrets []string) {
	now := time.Now()
	for i := range n {
		secrets = append(secrets, fmt.Sprintf("a-secret-of-forty-letters-in-all-%07d", i))
		known = append(known, keys.Key{
			ID: fmt.Sprintf("client-%d", i), Scopes: []string{"read", "chat"},
			Secrets: []keys.Secret{{ID: "1", Hash: keys.HashSecret(secrets[i]), Created: now}},
		})
	}
	return known, secrets
}

// BenchmarkTiers is a request that counts in n tiers at once.
func BenchmarkTiers(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8, 16, 32} { // 32 is the most that may count one request
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tiers := numbered(n, "tier t%d {\nlimit 1000000000 15m\n}\n")
			handler := chain(b, "", "agent_gate\nagent_rate_limit {\n"+tiers+"}")
			gatetest.BenchHandler(b, handler, "/api/agents", func(*http.Request) {})
		})
	}
}

// BenchmarkRules is a request that n rules by path might be about, and the last
// of them is: scopes for n routes, written out, a line each.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rules := numbered(n, "require read /api/route%d/*\n")
			handler := chain(b, "", "agent_gate\nagent_auth {\nkey client {env.CLIENT_KEY} {\nscopes *\n}\n"+rules+"}")
			gatetest.BenchHandler(b, handler, fmt.Sprintf("/api/route%d/x", n-1), withKey)
		})
	}
}

// BenchmarkPaths is a request of a tier on n routes, written out as the paths of
// one matcher, the last of which it matches.
func BenchmarkPaths(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			matcher := "@routes path" + numbered(n, " /api/route%d/*")
			handler := chain(b, "", matcher+"\nagent_gate\nagent_rate_limit {\ntier routes @routes {\nlimit 1000000000 15m\n}\n}")
			gatetest.BenchHandler(b, handler, fmt.Sprintf("/api/route%d/x", n-1), func(*http.Request) {})
		})
	}
}

// BenchmarkTable is a request whose scope the table of ElizaOS' 90 routes knows.
func BenchmarkTable(b *testing.B) {
	table, err := gate.RouteTableOf("elizaos")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/api/agents", "/api/messaging/channels/2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00/messages", "/api/never/heard/of"} {
		b.Run(strings.ReplaceAll(strings.Trim(path, "/"), "/", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Route(http.MethodGet, path)
			}
		})
	}
}

// BenchmarkOther is a request that counts in one of n tiers, each on its path.
func BenchmarkOther(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			gatetest.BenchHandler(b, tiersApart(b, n), fmt.Sprintf("/api/route%d/x", n-1), func(*http.Request) {})
		})
	}
}

// BenchmarkActive is the same, of a client that has a count in each of them and
// uses another one each time.
func BenchmarkActive(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			paths, next := make([]string, n), 0
			for i := range paths {
				paths[i] = fmt.Sprintf("/api/route%d/x", i)
			}
			another := func(r *http.Request) {
				next = (next + stride) % n
				r.URL.Path, r.RequestURI = paths[next], paths[next]
			}
			handler := tiersApart(b, n)
			nothing := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
			for range n {
				if err := gatetest.Serve(handler, "/", another, nothing); err != nil {
					b.Fatal(err)
				}
			}
			gatetest.BenchHandler(b, handler, "/", another)
		})
	}
}

// tiersApart are n tiers, each on a path of its own.
func tiersApart(b *testing.B, n int) *caddyhttp.Subroute {
	return chain(b, "", "agent_gate\nagent_rate_limit {\n"+numbered(n, "tier t%[1]d /api/route%[1]d/* {\nlimit 1000000000 15m\n}\n")+"}")
}

// BenchmarkStreams is a request beside n others that are in flight.
func BenchmarkStreams(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			handler := chain(b, "", "agent_gate\nagent_auth {\nkey client {env.CLIENT_KEY} {\nscopes *\n}\n}\nagent_rate_limit {\nconcurrent 20000\n}")
			var open, ended sync.WaitGroup
			end := make(chan struct{})
			waiting := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
				open.Done()
				<-end
				return nil
			})
			for range n {
				open.Add(1)
				ended.Go(func() { _ = gatetest.Serve(handler, "/api/agents", withKey, waiting) })
			}
			open.Wait()
			defer func() { close(end); ended.Wait() }()
			gatetest.BenchHandler(b, handler, "/api/agents", withKey)
		})
	}
}

func withKey(r *http.Request) { r.Header["X-Api-Key"] = []string{own} }

func numbered(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}
