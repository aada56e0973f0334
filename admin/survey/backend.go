package survey

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// backends looks at what the sites' guarded ways lead to.
func (s *Survey) backends(p gate.Portrait) []doctor.Backend {
	var all []doctor.Backend
	for _, site := range p.Sites {
		for _, u := range site.Upstreams {
			known := slices.ContainsFunc(all, func(b doctor.Backend) bool { return b.Address == u.Address })
			if u.Guarded && !known && !strings.HasPrefix(u.Address, "unix") {
				all = append(all, s.backend(u))
			}
		}
	}
	return all
}

func (s *Survey) backend(u gate.UpstreamPortrait) doctor.Backend {
	b := doctor.Backend{Address: u.Address, TLS: u.TLS}
	host, port, err := net.SplitHostPort(u.Address)
	if err != nil {
		return b
	}
	ips := addressesOf(host)
	b.Private = len(ips) > 0 && !slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ip.IsPrivate() && !ip.IsLoopback() })
	b.Local = slices.ContainsFunc(ips, func(ip netip.Addr) bool { return ip.IsLoopback() || slices.Contains(s.Outward, ip) })
	if !b.Local {
		return b
	}
	for _, l := range listeners() {
		if address := l.address.String(); l.port() == port && !slices.Contains(b.Listens, address) {
			b.Listens = append(b.Listens, address)
		}
	}
	for _, ip := range s.Outward {
		b.Asked++
		address := net.JoinHostPort(ip.String(), port)
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_ = conn.Close()
			b.Outward = append(b.Outward, address)
		}
	}
	scheme := "http://"
	if u.TLS {
		scheme = "https://"
	}
	if a, err := request("tcp", u.Address, host, scheme+u.Address+"/api/agents", http.Header{}); err == nil {
		b.Keyless = a
	}
	return b
}

// addressesOf are those of a host.
func addressesOf(host string) []netip.Addr {
	found, err := net.LookupIP(cmp.Or(host, "127.0.0.1"))
	if err != nil {
		return nil // nobody reaches it
	}
	var ips []netip.Addr
	for _, ip := range found {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			ips = append(ips, addr.Unmap())
		}
	}
	return ips
}
