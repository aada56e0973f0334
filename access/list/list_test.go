package list

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	l, err := Read(strings.NewReader("# offices\n10.0.0.0/8\n\n 192.0.2.7 # the printer\n10.0.0.0/8\n"))
	if err != nil || l.Len() != 2 {
		t.Fatal(l, err)
	}
	for text, want := range map[string]bool{"10.1.2.3": true, "192.0.2.7": true, "192.0.2.8": false, "::1": false} {
		if _, got := l.Match(netip.MustParseAddr(text)); got != want {
			t.Error(text)
		}
	}
	if _, got := l.Match(netip.Addr{}); got {
		t.Error("no address is on the list")
	}
	_, err = Read(strings.NewReader("10.0.0.0/8\nten\n10.0.0.1/8\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2:") || !strings.Contains(err.Error(), "line 3:") {
		t.Errorf("both lines have to be named: %v", err)
	}
}

func FuzzList(f *testing.F) {
	f.Add("10.0.0.0/8\n2001:db8::/32 # x\n", "10.1.2.3")
	f.Add("::ffff:10.0.0.0/104", "::ffff:10.1.2.3")
	f.Add("0.0.0.0/0", "::1")
	f.Add("10.0.0.0/9\n10.64.0.0/10\n", "10.127.0.1")
	f.Fuzz(func(t *testing.T, text, address string) {
		l, err := Read(strings.NewReader(text))
		addr, addrErr := netip.ParseAddr(address)
		if err != nil || addrErr != nil || addr.Zone() != "" {
			return
		}
		addr = addr.Unmap()
		// The oracle looks at every network by itself, with net/netip alone.
		want := false
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			network, err := netip.ParsePrefix(line)
			if err != nil {
				single := netip.MustParseAddr(line)
				network = netip.PrefixFrom(single, single.BitLen())
			}
			mapped := netip.AddrFrom16(addr.As16())
			want = want || network.Contains(addr) || network.Addr().Is4In6() && network.Masked().Contains(mapped) ||
				network.Addr().Is4In6() && containsMapped(network, mapped)
		}
		network, matched := l.Match(addr)
		if matched != want || matched && !network.Contains(addr) {
			t.Errorf("%s on %q matches %s, %t", addr, text, network, matched)
		}
	})
}

// containsMapped compares bits, since net/netip never has an IPv4-mapped
// address in a network.
func containsMapped(network netip.Prefix, addr netip.Addr) bool {
	a, b := network.Addr().As16(), addr.As16()
	for i := range network.Bits() {
		if (a[i/8]^b[i/8])>>(7-i%8)&1 != 0 {
			return false
		}
	}
	return true
}
