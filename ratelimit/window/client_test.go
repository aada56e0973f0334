package window_test

import (
	"net/netip"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func TestIdentities(t *testing.T) {
	table := newTable(t, window.Options{})
	seen := map[window.ID]window.Identity{}
	for _, i := range []window.Identity{
		{By: "key", Name: "a"}, {By: "ip", Name: "a"}, {By: "keya"}, {By: "key"}, {Name: "keya"},
		{By: "key", Name: "abcdefgh"}, {By: "key", Name: "abcdefgh\x00"},
		{By: "ip", Addr: netip.MustParseAddr("192.0.2.1")},
		{By: "ip", Addr: netip.MustParseAddr("192.0.2.2")},
		{By: "key", Name: "a", Addr: netip.MustParseAddr("192.0.2.1")},
		{By: "ip", Addr: netip.MustParseAddr("::1")},
		{By: "ip", Addr: netip.MustParseAddr("::")},
		{By: "ip", Addr: netip.MustParseAddr("2001:db8::")},
		{By: "ip", Addr: netip.MustParseAddr("2001:db8::1")},
		{By: "ip", Addr: netip.MustParseAddr("2001:db8:0:1::")},
	} {
		id := table.ID(i)
		if other, ok := seen[id]; ok {
			t.Errorf("%+v and %+v are one", i, other)
		}
		seen[id] = i
		if table.ID(i) != id {
			t.Errorf("%+v is not itself", i)
		}
		back, err := window.ParseID(id.String())
		if err != nil || back != id {
			t.Errorf("%v: parsed %v, %v", id, back, err)
		}
	}
	mapped := table.ID(window.Identity{By: "ip", Addr: netip.MustParseAddr("::ffff:192.0.2.1")})
	if seen[mapped].Addr.String() != "192.0.2.1" {
		t.Error("an IPv4 address mapped into IPv6 is another client")
	}
	if table.ID(window.Identity{By: "ip", Addr: netip.MustParseAddr("192.0.2.1")}).Who() !=
		table.ID(window.Identity{By: "ip"}).Who() {
		t.Error("who depends on the address")
	}
	if newTable(t, window.Options{}).ID(window.Identity{By: "ip"}) == table.ID(window.Identity{By: "ip"}) {
		t.Error("two tables have one seed")
	}
}

func TestAddrOfID(t *testing.T) {
	table := newTable(t, window.Options{})
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "0.0.0.0": "0.0.0.0/32", "255.255.255.255": "255.255.255.255/32",
		"::1": "::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64",
	} {
		p, ok := table.ID(window.Identity{By: "ip", Addr: netip.MustParseAddr(addr)}).Addr()
		if !ok || p.String() != want {
			t.Errorf("%s: %v %v", addr, p, ok)
		}
	}
	if p, ok := table.ID(window.Identity{By: "key", Name: "k"}).Addr(); ok {
		t.Errorf("a key's address: %v", p)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("00112233445566778899aabbccddeeff")
	f.Add("")
	f.Add("é112233445566778899aabbccddeeff")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := window.ParseID(s)
		if err != nil {
			return
		}
		back, err := window.ParseID(id.String())
		if err != nil || back != id {
			t.Errorf("%q: %v, %v", s, back, err)
		}
		id.Addr()
	})
}
