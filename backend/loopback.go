package backend

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"
)

// gateSource is the address that the gate dials a loopback backend from. It
// lies outside 127.0.0.0/24, where resolvers and container tools listen.
var gateSource = net.IPv4(127, 72, 0, 1)

// loopbackSource returns gateSource if this system can use it: Linux owns all
// of 127.0.0.0/8, other systems only 127.0.0.1.
func loopbackSource() (net.IP, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: gateSource})
	if err != nil {
		return nil, err
	}
	return gateSource, l.Close()
}

// isLoopback4 reports whether a host is this machine's IPv4 loopback, which has
// addresses enough for sources of their own.
func isLoopback4(network, host string) bool {
	if !strings.HasPrefix(network, "tcp") || network == "tcp6" {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return addr.Is4() && addr.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// loopbackHost is the IPv4 address of a loopback host: "localhost" could be
// dialled by IPv6, which has one loopback address only.
func loopbackHost(host string) string {
	if net.ParseIP(host) == nil {
		return "127.0.0.1"
	}
	return host
}

// dialer dials loopback from an address of its own, and everything else by dial.
func (t *Transport) dialer(dial dialFunc) dialFunc {
	source, err := loopbackSource()
	if err != nil {
		t.logger.Info("connections to a backend on this machine come from 127.0.0.1: this system has no other loopback addresses. "+
			"A backend that counts requests by address counts its own agents' calls together with the gate's", zap.Error(err))
		return dial
	}
	own := &net.Dialer{Timeout: time.Duration(t.DialTimeout), LocalAddr: &net.TCPAddr{IP: source}}
	t.spreads = true
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		info, ok := reverseproxy.GetDialInfo(ctx)
		if !ok || t.ProxyProtocol != "" || !isLoopback4(info.Network, info.Host) {
			return dial(ctx, network, address)
		}
		own := own
		if ip, _, marked := strings.Cut(address, sourceMark); marked {
			own = &net.Dialer{Timeout: own.Timeout, LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		}
		conn, err := own.DialContext(ctx, "tcp4", net.JoinHostPort(loopbackHost(info.Host), info.Port))
		if err != nil {
			return nil, reverseproxy.NewDialError(err)
		}
		return conn, nil
	}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)
