package backend

import (
	"net"
	"net/netip"
	"strings"
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

// isLoopback reports whether a host is this machine's IPv4 loopback.
func isLoopback(network, host string) bool {
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
