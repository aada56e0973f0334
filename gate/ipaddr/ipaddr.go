// Package ipaddr reads addresses and networks as people write them, says what is
// wrong with those that it cannot read, and knows which are this machine's own.
// It knows nothing of Caddy.
package ipaddr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetwork reads a network in CIDR notation (RFC 4632, RFC 4291), or a
// single address, which is the network of that address alone. An IPv4-mapped
// IPv6 address or network (::ffff:10.0.0.0/104) is the IPv4 one, as clients
// have it. A network with bits set behind its length is refused: it is either a
// slip of the length, which would hold more than was meant, or of the address.
//
// Errors say what is wrong and what to write instead. They repeat nothing but
// addresses, since what is no address may be a secret in the wrong place.
func ParseNetwork(text string) (netip.Prefix, error) {
	network, err := parse(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if masked := network.Masked(); masked != network {
		return netip.Prefix{}, fmt.Errorf("this is an address inside a network: write %s for the network, or %s for the address", masked, network.Addr())
	}
	return network, nil
}

// NetworkAround reads what ParseNetwork reads, and an address inside a network
// (10.1.2.3/8) as that network.
func NetworkAround(text string) (netip.Prefix, error) {
	network, err := parse(text)
	return network.Masked(), err
}

// parse reads a network, with what address inside it there is.
func parse(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, errors.New(slip(text))
	}
	if network = UnmapPrefix(network); network.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("this holds more than the IPv4 addresses: write an IPv4 network, or an IPv6 one that does not begin with ::ffff")
	}
	return network, nil
}

// UnmapPrefix makes ::ffff:10.0.0.0/104 the network 10.0.0.0/8 that it stands
// for, and leaves every other network as it is.
func UnmapPrefix(network netip.Prefix) netip.Prefix {
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		return netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	return network
}

// IsLoopback reports whether a host without its port, which may be in brackets,
// is one that this machine alone can reach: a loopback address, or localhost.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// NamesLoopback reports whether a host without its port stands for the machine
// that looks it up, wherever that is: what IsLoopback knows, and the names under
// .localhost (RFC 6761, section 6.3).
func NamesLoopback(host string) bool {
	return IsLoopback(host) || strings.HasSuffix(strings.ToLower(host), ".localhost")
}
