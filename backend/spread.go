package backend

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// Share is how many requests one source address may carry in a window.
type Share struct {
	// Requests is their number, more than 0.
	Requests int `json:"requests"`
	// Paths are the paths that the number is for, as in Caddy's matcher path.
	// Default: all.
	Paths []string `json:"paths,omitempty"`
}

// shareWindow is the window of ElizaOS' limiters. A source that has been in use
// for so long is not used again.
const shareWindow = 15 * time.Minute

// sources gives out the addresses of 127.0.0.0/8 in turn, to all configurations
// of the process: what a backend has counted outlives a reload.
type sources struct {
	mu   sync.Mutex
	now  func() time.Time
	next uint32
	used map[pool]*source
}

// pool is what has sources of its own: an upstream, for those who give it the
// same shares.
type pool struct{ upstream, shares string }

// source is the address that an upstream's connections come from at present.
type source struct {
	ip     string
	host   string // by which connections are pooled
	since  time.Time
	counts []int // by share
}

// The process begins at any of the addresses, since a former one may have used
// up some.
var processSources = &sources{now: time.Now, next: rand.Uint32N(lastSource), used: make(map[pool]*source)}

// Sources are 127.1.0.0 up to 127.254.255.255: the first /16 has the address
// that agents call from, and those where resolvers and container tools listen.
const (
	firstSource = 127<<24 | 1<<16
	lastSource  = 254 << 16 // their number
)

// take returns the source for one more request that counts in the given shares.
// Its address does not change.
func (s *sources) take(of pool, shares []Share, counts []bool) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	current := s.used[of]
	if current == nil || !current.room(shares, counts, now) {
		current = newSource(s.address(), of.upstream, now, len(shares))
		s.used[of] = current
	}
	for i, counted := range counts {
		if counted {
			current.counts[i]++
		}
	}
	return current
}

func newSource(ip, upstream string, now time.Time, shares int) *source {
	_, port, err := net.SplitHostPort(upstream)
	if err != nil {
		port = "80"
	}
	return &source{ip: ip, host: ip + sourceMark + port, since: now, counts: make([]int, shares)}
}

// room reports whether the source may carry the request. It carries no more
// than its shares in its whole life, and that is no longer than a window: so
// wherever a backend's window begins, the source stays within its shares.
func (s *source) room(shares []Share, counts []bool, now time.Time) bool {
	if now.Sub(s.since) >= shareWindow {
		return false
	}
	for i, counted := range counts {
		if counted && s.counts[i] >= shares[i].Requests {
			return false
		}
	}
	return true
}

func (s *sources) address() string {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], firstSource+s.next)
	s.next = (s.next + 1) % lastSource
	return net.IP(ip[:]).String()
}

// sourceMark stands behind the address of a source in the host of a request's
// copy, so that connections are pooled by source.
const sourceMark = ".source.internal:"

// bySource returns the host by which connections of the request's source are
// pooled, for a request to an upstream on loopback.
func (t *Transport) bySource(r *http.Request, upstream string) string {
	var room [8]bool
	counts := room[:0]
	for i, share := range t.Spread {
		counts = append(counts, len(share.Paths) == 0 || t.sharePaths[i].Match(r))
	}
	return processSources.take(pool{upstream, t.shares}, t.Spread, counts).host
}

func checkShares(shares []Share) error {
	for _, share := range shares {
		if share.Requests < 1 {
			return fmt.Errorf("spread %s: a source has to carry at least one request", strconv.Itoa(share.Requests))
		}
	}
	return nil
}

func (t *Transport) provisionSpread(ctx caddy.Context) error {
	for _, share := range t.Spread {
		paths := caddyhttp.MatchPath(slices.Clone(share.Paths))
		if err := paths.Provision(ctx); err != nil {
			return err
		}
		t.sharePaths = append(t.sharePaths, paths)
	}
	t.shares = fmt.Sprint(t.Spread)
	return checkShares(t.Spread)
}

// chooseSource chooses the address that the request comes from.
func (t *Transport) chooseSource(sent *http.Request) {
	if !t.spreads || len(t.Spread) == 0 || t.TLSEnabled() || t.ProxyProtocol != "" {
		return
	}
	info, ok := reverseproxy.GetDialInfo(sent.Context())
	if !ok || !isLoopback(info.Network, info.Host) {
		return
	}
	target := *sent.URL
	target.Host = t.bySource(sent, info.Address)
	sent.URL = &target
}
