package ratelimit

import (
	"errors"
	"fmt"
	"net/netip"
)

func (l *RateLimit) provisionExempt() error {
	var mistakes []error
	for _, entry := range l.Exempt {
		text, err := l.resolve(entry)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		network, err := parseNetwork(text)
		mistakes = append(mistakes, err)
		l.exempt = append(l.exempt, network)
	}
	return errors.Join(mistakes...)
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, fmt.Errorf("exempt %s: this is no network (10.0.0.0/8) and no address", text)
	}
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		// Clients come as IPv4.
		network = netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	if network.Bits() == 0 {
		return network, fmt.Errorf("exempt %s: this is everybody: take the limits out instead", text)
	}
	if masked := network.Masked(); masked != network {
		// A slip of the length would free more than was meant.
		return network, fmt.Errorf("exempt %s: this is an address inside a network: write %s for the network, or %s for the address", text, masked, network.Addr())
	}
	return network, nil
}

func (l *RateLimit) isExempt(client netip.Addr) bool {
	for _, network := range l.exempt {
		if network.Contains(client) {
			return true
		}
	}
	return false
}
