// Package list is lists of networks: how they are read, and whether an address
// is on one. It knows nothing of Caddy.
package list

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// List is a set of networks. The zero List is empty. It is safe for concurrent
// reading.
type List struct {
	table bart.Lite
	size  int
}

// Add puts a network, as ipaddr.ParseNetwork returns it, on the list.
func (l *List) Add(network netip.Prefix) {
	if !l.table.Get(network) {
		l.table.Insert(network)
		l.size++
	}
}

// Match returns the smallest network of the list that the address, which must
// not be an IPv4-mapped one, is in.
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
		network, err := ipaddr.ParseNetwork(text)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("line %d: %q: %w", number, text, err))
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
