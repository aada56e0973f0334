package backend

import "net/netip"

// SetOutwardAddrs makes the tests' addresses this machine's outward ones.
func SetOutwardAddrs(ips ...netip.Addr) (restore func()) {
	before := outwardAddrs
	outwardAddrs = func() []netip.Addr { return ips }
	return func() { outwardAddrs = before }
}
