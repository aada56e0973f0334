package backend

import "net"

// SetOutwardAddrs makes the tests' addresses this machine's outward ones.
func SetOutwardAddrs(ips ...net.IP) (restore func()) {
	before := outwardAddrs
	outwardAddrs = func() []net.IP { return ips }
	return func() { outwardAddrs = before }
}
