// Package list is lists of networks: how they are written, and whether an
// address is on one. It knows nothing of Caddy.
package list

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
)

// List is a set of networks. The zero List is empty. It is safe for concurrent
// reading.
type List struct {
	table bart.Lite
	size  int
}

// ParseNetwork reads a network in CIDR notation, or a single address. An
// IPv4-mapped IPv6 address or network (::ffff:10.0.0.0/104) is the IPv4 one.
// A network with bits set behind its length is refused: it is either a slip of
// the length, which would let in more than was meant, or of the address.
func ParseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is no network (10.0.0.0/8) and no address%s", text, hint(text))
		}
		if addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q: an address with a zone means something on one machine only", text)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network (10.0.0.0/8) and no address%s", text, hint(text))
	}
	if network.Addr().Is4In6() {
		if network.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q holds more than the IPv4 addresses: write ::/%d or an IPv4 network", text, network.Bits())
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	if masked := network.Masked(); masked != network {
		return netip.Prefix{}, fmt.Errorf("%q names an address inside a network: write %s for the network, or %s for the address", text, masked, network.Addr())
	}
	return network, nil
}

// hint says what is commonly meant by what is not read.
func hint(text string) string {
	switch {
	case strings.Contains(text, "*"):
		return ": write 10.0.0.0/8 instead of 10.*"
	case strings.Contains(text, "-"):
		return ": ranges have to be written as networks"
	case strings.Contains(text, ","):
		return ": separate entries by spaces"
	}
	return ""
}

// Add puts a network, as ParseNetwork returns it, on the list.
func (l *List) Add(network netip.Prefix) {
	if !l.table.Get(network) {
		l.table.Insert(network)
		l.size++
	}
}

// Contains reports whether the address, which must not be an IPv4-mapped one,
// is in a network of the list.
func (l *List) Contains(addr netip.Addr) bool {
	return addr.IsValid() && l.table.Contains(addr)
}

// Match returns the smallest network of the list that the address is in.
func (l *List) Match(addr netip.Addr) (netip.Prefix, bool) {
	if !addr.IsValid() {
		return netip.Prefix{}, false
	}
	return l.table.LookupPrefixLPM(netip.PrefixFrom(addr, addr.BitLen()))
}

// Len is the number of different networks.
func (l *List) Len() int { return l.size }

// Read reads a list from text: one network or address a line; what follows a #
// is a comment. The error names every line that cannot be read.
func Read(r io.Reader) (*List, error) {
	l := new(List)
	var mistakes []error
	scanner := bufio.NewScanner(r)
	for number := 1; scanner.Scan(); number++ {
		text, _, _ := strings.Cut(scanner.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := ParseNetwork(text)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		l.Add(network)
	}
	if err := scanner.Err(); err != nil {
		mistakes = append(mistakes, err)
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return l, nil
}
