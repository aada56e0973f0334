package backend

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
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
	mu    sync.Mutex
	now   func() time.Time
	next  uint32
	pools map[poolKey]*pool
}

// poolKey names what has sources of its own: an upstream, for those who give it
// the same shares.
type poolKey struct{ upstream, shares string }

// pool holds the sources of an upstream that no request uses at the moment, the
// last used at the end. Each is one request's at a time, and so is its
// connection: when a source is spent, one connection is opened anew, and not
// one for each request that is under way.
type pool struct {
	free  []*source
	swept time.Time
}

// source is an address that connections to an upstream come from.
type source struct {
	pool   *pool
	ip     string
	host   string // by which connections are pooled
	since  time.Time
	shares []Share
	counts []int // by share
}

// The process begins at any of the addresses, since a former one may have used
// up some.
var processSources = &sources{now: gate.Steady, next: rand.Uint32N(lastSource), pools: make(map[poolKey]*pool)}

// Sources are 127.1.0.0 up to 127.254.255.255: the first /16 has the address
// that agents call from, and those where resolvers and container tools listen.
const (
	firstSource = 127<<24 | 1<<16
	lastSource  = 254 << 16 // their number
)

// take returns a source for one more request, which counts in the given shares.
// It is nobody else's until it is given back.
func (s *sources) take(of poolKey, shares []Share, counts []bool) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p := s.pools[of]
	if p == nil {
		p = &pool{swept: now}
		s.pools[of] = p
	}
	src := p.pop(now)
	if src == nil {
		src = newSource(s.address(), of.upstream, now, shares)
		src.pool = p
	}
	for i, counted := range counts {
		if counted {
			src.counts[i]++
		}
	}
	return src
}

// give gives a source back when its request is over. It is forgotten if one of
// its shares is spent: addresses abound.
func (s *sources) give(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src.spent() {
		return
	}
	p := src.pool
	p.free = append(p.free, src)
	if now := s.now(); now.Sub(p.swept) >= shareWindow {
		p.swept = now
		p.free = slices.DeleteFunc(p.free, func(src *source) bool { return src.old(now) })
	}
}

// pop takes out the source that was used last, whose connection is the warmest.
func (p *pool) pop(now time.Time) *source {
	for n := len(p.free) - 1; n >= 0; n-- {
		src := p.free[n]
		p.free[n] = nil
		p.free = p.free[:n]
		if !src.old(now) {
			return src
		}
	}
	return nil
}

func newSource(ip, upstream string, now time.Time, shares []Share) *source {
	_, port, err := net.SplitHostPort(upstream)
	if err != nil {
		port = "80"
	}
	return &source{ip: ip, host: ip + sourceMark + port, since: now, shares: shares, counts: make([]int, len(shares))}
}

// A source carries no more than its shares in its whole life, and that is no
// longer than a window: so wherever a backend's window begins, the source stays
// within its shares.

func (s *source) old(now time.Time) bool { return now.Sub(s.since) >= shareWindow }

func (s *source) spent() bool {
	for i, share := range s.shares {
		if s.counts[i] >= share.Requests {
			return true
		}
	}
	return false
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

func checkShares(shares []Share) error {
	for _, share := range shares {
		if share.Requests < 1 {
			return fmt.Errorf("spread %d: a source has to carry at least one request", share.Requests)
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

// takeSource takes the source that the request is to come from, and has the
// connections to its backend pooled by it; nil where all come from one.
func (t *Transport) takeSource(sent *outgoing) *source {
	if !t.spreads || len(t.Spread) == 0 || t.TLSEnabled() || t.ProxyProtocol != "" {
		return nil
	}
	info, ok := reverseproxy.GetDialInfo(sent.Context())
	if !ok || !isLoopback4(info.Network, info.Host) {
		return nil
	}
	var room [8]bool
	counts := room[:0]
	for i, share := range t.Spread {
		counts = append(counts, len(share.Paths) == 0 || t.sharePaths[i].Match(&sent.Request))
	}
	src := processSources.take(poolKey{info.Address, t.shares}, t.Spread, counts)
	sent.url = *sent.URL
	sent.url.Host = src.host
	sent.URL = &sent.url
	return src
}

// lent is the body of a response, whose source is given back when it is closed.
type lent struct {
	io.ReadCloser
	source atomic.Pointer[source]
}

// giveBack has the source given back when the response is over.
func (sent *outgoing) giveBack(src *source, res *http.Response) {
	switch {
	case res == nil || res.Body == http.NoBody:
		processSources.give(src)
	case res.StatusCode == http.StatusSwitchingProtocols: // the connection is the socket's, and the source is spent with it
	default:
		sent.body.ReadCloser = res.Body
		sent.body.source.Store(src)
		res.Body = &sent.body
	}
}

// Close gives the source back, once.
func (l *lent) Close() error {
	err := l.ReadCloser.Close()
	if src := l.source.Swap(nil); src != nil {
		processSources.give(src)
	}
	return err
}
