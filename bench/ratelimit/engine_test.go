// Package ratelimit_test measures the limiter beside mholt/caddy-ratelimit, in one
// run, so that what the machine does besides falls on both:
//
//	go test ./bench/ratelimit -run xxx -bench . -cpu 1,2
//
// "engine" is the decision alone, with the making of the client's identity;
// "ours" the whole handler agent_rate_limit, door and response fields included;
// "theirs" the whole handler rate_limit, which sends no fields.
package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddyrl "github.com/mholt/caddy-ratelimit"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

const length = 15 * time.Minute

// limiter decides about a request of the client with a number.
type limiter interface {
	take(client int) (admitted bool)
	// fork is the same limiter, for another goroutine.
	fork() limiter
}

// ours is the engine, with the making of the client's identity.
type ours struct {
	table   *window.Table
	tier    *window.Tier
	addrs   []netip.Addr
	charges [1]window.Charge
}

func newOurs(b *testing.B, addrs []netip.Addr, limit int) limiter {
	b.Helper()
	table, err := window.New(window.Options{MaxClients: 2 << 20})
	if err != nil {
		b.Fatal(err)
	}
	tier, err := table.Tier("api", window.Spec{Limits: []window.Limit{{N: limit, Window: length}}})
	if err != nil {
		b.Fatal(err)
	}
	o := &ours{table: table, tier: tier, addrs: addrs}
	o.charges[0].Tier = tier
	return o
}

func (o *ours) fork() limiter { other := *o; return &other }

func (o *ours) take(client int) bool {
	a := o.addrs[client]
	o.charges[0].Client = window.Client{ID: o.table.ID(window.Identity{By: "ip", Addr: a}), From: a}
	return o.table.Take(o.charges[:]).Admitted
}

// theirs is caddy-ratelimit's handler with one zone. Its log is off, which spares
// it a line for every refusal.
type theirs struct {
	handler *caddyrl.Handler
	request *http.Request
	repl    *caddy.Replacer
	names   []string
	zone    string
}

var zones int // their names are global to the process

func newTheirs(b *testing.B, addrs []netip.Addr, limit int) limiter {
	b.Helper()
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin:   &caddy.AdminConfig{Disabled: true},
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(ctx)
	zones++
	t := &theirs{zone: fmt.Sprint("zone", zones)}
	t.handler = &caddyrl.Handler{RateLimits: map[string]*caddyrl.RateLimit{
		t.zone: {Key: "{client}", MaxEvents: limit, Window: caddy.Duration(length)},
	}}
	if err := t.handler.Provision(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		_ = t.handler.Cleanup()
	})
	for _, a := range addrs {
		t.names = append(t.names, a.String())
	}
	return t.fork()
}

func (t *theirs) fork() limiter {
	other := *t
	other.repl = caddy.NewEmptyReplacer()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	other.request = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, other.repl))
	return &other
}

var pass = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })

// discard is a response that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func (t *theirs) take(client int) bool {
	t.repl.Set("client", t.names[client])
	err := t.handler.ServeHTTP(discard{http.Header{}}, t.request, pass)
	var refused caddyhttp.HandlerError
	return !errors.As(err, &refused)
}

var limiters = []struct {
	name string
	make func(*testing.B, []netip.Addr, int) limiter
}{{"engine", newOurs}, {"ours", newWhole}, {"theirs", newTheirs}}

func addresses(n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{byte(1 + i>>24), byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return out
}

// stride visits clients in an order that no cache can foresee.
const stride = 1_000_003

// BenchmarkDecision is one decision, with so many clients held. At a million
// theirs would need 24 GB at a limit of 1000; it has one of 20 there.
func BenchmarkDecision(b *testing.B) {
	for _, n := range []int{1, 1000, 1_000_000} {
		for _, what := range []string{"admitted", "refused"} {
			for _, l := range limiters {
				b.Run(fmt.Sprintf("clients=%d/%s/%s", n, what, l.name), func(b *testing.B) {
					limit := 10_000
					switch {
					case what == "refused":
						limit = 1
					case n == 1:
						limit = 100_000_000
						if l.name == "theirs" {
							limit = 20_000_000 // 480 MB
						}
					case n == 1_000_000:
						limit = 20
					}
					lim := l.make(b, addresses(n), limit)
					for i := range n {
						lim.take(i)
					}
					runtime.GC()
					b.ReportAllocs()
					b.ResetTimer()
					var starts atomic.Int64
					b.RunParallel(func(pb *testing.PB) {
						lim := lim.fork()
						for i := int(starts.Add(1)) * 7919; pb.Next(); i++ {
							if got := lim.take(i * stride % n); got == (what == "refused") {
								b.Errorf("admitted %v at %d", got, i)
								return
							}
						}
					})
				})
			}
		}
	}
}

// BenchmarkMemory is bytes per client that was seen once. Ours takes more of one
// that is active in many slices of the window: the engine's TestBytesPerClient
// has the figures, which theirs does not change with.
func BenchmarkMemory(b *testing.B) {
	for _, limit := range []int{50, 1000, 100_000} {
		for _, l := range limiters {
			if l.name == "ours" {
				continue // what the engine keeps is all that it keeps
			}
			b.Run(fmt.Sprintf("limit=%d/%s", limit, l.name), func(b *testing.B) {
				n := 100_000
				if l.name == "theirs" {
					n = max(20_000_000/limit/20, 100)
				}
				addrs := addresses(n)
				for b.Loop() {
					before := heap()
					lim := l.make(b, addrs, limit)
					for i := range n {
						lim.take(i)
					}
					b.ReportMetric(float64(heap()-before)/float64(n), "B/client")
					runtime.KeepAlive(lim)
				}
			})
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
