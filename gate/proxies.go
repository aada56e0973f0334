package gate

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
)

// proxyWatch warns, once each, when a proxy stands before the gate that nobody
// has told it of: all who come through it would be one client, who shares one
// limit, stands in every line of the log, and is banned for what one of them did.
// It warns too when a trusted proxy lets clients choose the address that they
// are taken for.
type proxyWatch struct {
	logger *zap.Logger

	private, cloudflare, chosen atomic.Bool // warned of
}

// toldOf is what an operator has to know of a proxy that is not trusted.
const toldOf = "all its clients are COUNTED AS ONE: they share one limit, and the log has the proxy's address for theirs. " +
	"Name it in the global options: servers { trusted_proxies static <its networks> ; trusted_proxies_strict }"

// DoctorAgent is the User-Agent of `gatehouse doctor`, which makes such headers
// up to see whether they are believed.
const DoctorAgent = "gatehouse-doctor"

func (p *proxyWatch) look(r *http.Request, req *Request) {
	if len(r.Header["X-Forwarded-For"]) > 0 && !p.chosen.Load() {
		p.lookAtChosen(r, req)
	}
	forwarded := len(r.Header["X-Forwarded-For"]) > 0 && !p.private.Load()
	cloudflare := len(r.Header["Cf-Connecting-Ip"]) > 0 && len(r.Header["Cf-Ray"]) > 0 && !p.cloudflare.Load()
	if !forwarded && !cloudflare || r.UserAgent() == DoctorAgent {
		return
	}
	if fromTrustedProxy(r) {
		return
	}
	peer := peerOf(r)
	near := peer.IsPrivate() || peer.IsLoopback() || peer.IsLinkLocalUnicast()
	switch {
	case forwarded && near && !p.private.Swap(true):
		p.logger.Warn("requests come from a private address with X-Forwarded-For, and trusted_proxies does not name it: "+
			"if a proxy, a tunnel or a load balancer of yours stands there, "+toldOf+". "+
			"If none does, a client has made the header up, and nothing is wrong",
			zap.Stringer("peer", peer), zap.String("request_id", req.ID))
	case cloudflare && !near && !p.cloudflare.Swap(true):
		p.logger.Warn("requests come with Cloudflare's headers, and trusted_proxies does not name the address that they come from: "+
			"if the site is behind Cloudflare, "+toldOf+", with `client_ip_headers Cf-Connecting-Ip X-Forwarded-For`. "+
			"If it is not, a client has made the headers up, and nothing is wrong",
			zap.Stringer("peer", peer), zap.String("request_id", req.ID))
	}
}

// lookAtChosen warns of a trusted proxy that adds the address of its client to
// those that the client has sent, of which Caddy takes the first unless it is
// told to be strict.
func (p *proxyWatch) lookAtChosen(r *http.Request, req *Request) {
	server := req.door.server
	if server == nil || server.TrustedProxiesStrict > 0 || len(server.ClientIPHeaders) == 0 || !strings.EqualFold(server.ClientIPHeaders[0], "X-Forwarded-For") {
		return
	}
	if !fromTrustedProxy(r) || !strings.Contains(strings.Join(r.Header["X-Forwarded-For"], ","), ",") || p.chosen.Swap(true) {
		return
	}
	p.logger.Warn("a trusted proxy sends several addresses in X-Forwarded-For, of which the first is taken for the client's: "+
		"unless every proxy on the way drops what clients send, they CHOOSE THEIR ADDRESS, and with it escape limits, IP lists and the `from` of keys. "+
		"Add to the global options: servers { trusted_proxies_strict }",
		zap.Stringer("peer", peerOf(r)), zap.String("request_id", req.ID))
}

func peerOf(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap()
}
