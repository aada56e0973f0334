package ipaddr

import (
	"net"
	"net/netip"
)

// Outward are the addresses by which others reach this machine: those of its
// interfaces that are neither loopback nor link-local. There is none where they
// cannot be listed.
func Outward() []netip.Addr {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var outward []netip.Addr
	for _, addr := range found {
		network, ok := addr.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(network.IP)
		if ip = ip.Unmap(); ok && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
			outward = append(outward, ip)
		}
	}
	return outward
}
