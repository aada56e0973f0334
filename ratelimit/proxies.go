package ratelimit

import (
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
)

// proxyWatch warns, once, when a proxy stands before the gate that nobody has
// told it of: all who come through it would be one client.
type proxyWatch struct {
	logger *zap.Logger
	warned atomic.Bool
}

func (p *proxyWatch) look(r *http.Request, req *gate.Request) {
	if p.warned.Load() || len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		return
	}
	peer := peerOf(r)
	if !peer.IsPrivate() && !peer.IsLoopback() && !peer.IsLinkLocalUnicast() {
		return
	}
	if p.warned.Swap(true) {
		return
	}
	p.logger.Warn("requests come from a private address with X-Forwarded-For, and trusted_proxies does not name it: "+
		"if a proxy or load balancer of yours stands there, all its clients are COUNTED AS ONE and share one limit. "+
		"Name it in the global options: servers { trusted_proxies static <its network> ; trusted_proxies_strict }. "+
		"If none does, a client has made the header up, and nothing is wrong",
		zap.Stringer("peer", peer), zap.String("request_id", req.ID))
}

func peerOf(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap()
}
