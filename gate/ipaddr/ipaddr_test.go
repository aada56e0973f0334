package ipaddr

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":          "10.0.0.0/8",
		"192.0.2.7":           "192.0.2.7/32",
		"2001:db8::/32":       "2001:db8::/32",
		"2001:DB8::1":         "2001:db8::1/128",
		"::ffff:10.0.0.0/104": "10.0.0.0/8",
		"::ffff:0.0.0.0/96":   "0.0.0.0/0",
		"::ffff:192.0.2.7":    "192.0.2.7/32",
		"0.0.0.0/0":           "0.0.0.0/0",
		"::/0":                "::/0",
	} {
		network, err := ParseNetwork(text)
		if err != nil || network.String() != want {
			t.Errorf("%q: %s, %v", text, network, err)
		}
		around, err := NetworkAround(text)
		if err != nil || around != network {
			t.Errorf("%q: %s, %v", text, around, err)
		}
	}
}

func TestSlips(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "nothing here",
		"10.0.0.1/8":           "write 10.0.0.0/8 for the network, or 10.0.0.1 for the address",
		"2001:db8::1/32":       "write 2001:db8::/32 for the network, or 2001:db8::1 for the address",
		"::ffff:10.0.0.1/104":  "write 10.0.0.0/8 for the network, or 10.0.0.1 for the address",
		"::ffff:0.0.0.0/90":    "more than the IPv4 addresses",
		"::ffff:0.0.0.0/0":     "more than the IPv4 addresses",
		"private_ranges":       "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fd00::/8",
		"10.*":                 "instead of 10.*",
		"*":                    "for everybody",
		"10.0.0.0-10.0.0.9":    "a range",
		"::1-::9":              "a range",
		"10.0.0.0/8,192.0.2.7": "an entry of its own",
		"10.0.0.0/8 192.0.2.7": "an entry of its own",
		"10.0.0.0/8 ":          "white space",
		"http://192.0.2.7":     "a URL",
		"fe80::1%eth0":         "without the %",
		"fe80::%eth0/64":       "without the %",
		"10.0.0.0/33":          "from 0 to 32",
		"10.0.0.0/":            "from 0 to 32",
		"10.0.0.0/08":          "from 0 to 32",
		"10.0.0.0/8/8":         "from 0 to 32",
		"10.0.0.0/255.0.255.0": "from 0 to 32",
		"2001:db8::/129":       "from 0 to 128",
		"10.0.0.0/255.0.0.0":   "write 10.0.0.0/8",
		"192.0.2.7:3000":       "the port is no part of an address: write 192.0.2.7",
		"[2001:db8::1]:3000":   "the port is no part of an address: write 2001:db8::1",
		"[2001:db8::1]":        "brackets are no part of an address: write 2001:db8::1",
		"10.0.0/24":            "four numbers",
		"10":                   "four numbers",
		"10.0.0.300":           "over 255",
		"010.0.0.1":            "begins with 0",
		"10.0.0.00/8":          "begins with 0",
		"localhost":            "names are not looked up",
		"vpn.example.com":      "names are not looked up",
		"my-vpn/24":            "names are not looked up",
		"2001:db8:::1":         "no network and no address",
		"[::1":                 "no network and no address",
		"::1]":                 "no network and no address",
		"/8":                   "no network and no address",
	} {
		network, err := ParseNetwork(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v", text, network, err)
		}
	}
}

func TestNetworkAround(t *testing.T) {
	for text, want := range map[string]string{"10.1.2.3/8": "10.0.0.0/8", "2001:db8::1/56": "2001:db8::/56", "::ffff:10.1.2.3/104": "10.0.0.0/8"} {
		network, err := NetworkAround(text)
		if err != nil || network.String() != want {
			t.Errorf("%q: %s, %v", text, network, err)
		}
	}
	if network, err := NetworkAround("10.0.0.0/33"); err == nil {
		t.Error(network)
	}
}

func TestUnmapPrefix(t *testing.T) {
	for text, want := range map[string]string{
		"::ffff:10.1.2.3/104": "10.1.2.3/8", "::ffff:0.0.0.0/95": "::ffff:0.0.0.0/95", "10.0.0.0/8": "10.0.0.0/8", "::/96": "::/96",
	} {
		if got := UnmapPrefix(netip.MustParsePrefix(text)).String(); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := UnmapPrefix(netip.Prefix{}); got.IsValid() {
		t.Error(got)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "localhost.example.com": false, "127.0.0.1:80": false, "127.0.0.1.nip.io": false,
	} {
		if IsLoopback(host) != want {
			t.Errorf("%q: %t", host, !want)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "[::1]": true, "a.LOCALHOST": true, "a.b.localhost": true, "alocalhost": false, "localhost.example.com": false, "": false} {
		if NamesLoopback(host) != want {
			t.Errorf("the name %q: %t", host, !want)
		}
	}
}

// FuzzParseNetwork holds that what is read is what net/netip reads in it, and
// that an error repeats nothing of a text but addresses.
func FuzzParseNetwork(f *testing.F) {
	for _, seed := range []string{
		"10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:10.0.0.0/104", "::ffff:0.0.0.0/90", "10.1.2.3/8", "10.0.0.0/255.0.0.0", "fe80::1%eth0",
		"[::1]:80", "192.0.2.7:80", "010.0.0.1", "10.0.0.0-10.0.0.9", "agk_0123456789abcdefghijABCDEFGHIJ012345", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		network, err := ParseNetwork(text)
		around, errAround := NetworkAround(text)
		if err != nil {
			if network.IsValid() || len(err.Error()) > 200 {
				t.Fatalf("%q: %s, %v", text, network, err)
			}
			if secret := "agk_" + strings.Trim(text, "\x00"); len(text) > 0 {
				if _, err := ParseNetwork(secret); err == nil || strings.Contains(err.Error(), secret) {
					t.Fatalf("%q: %v", secret, err)
				}
			}
			return
		}
		if errAround != nil || around != network || network != network.Masked() || !network.IsValid() || network.Addr().Is4In6() {
			t.Fatalf("%q: %s, %s, %v", text, network, around, errAround)
		}
		first, _, _ := strings.Cut(text, "/")
		addr, err := netip.ParseAddr(first)
		if err != nil || addr.Unmap() != network.Addr() {
			t.Fatalf("%q begins at %s, not at %s", text, network.Addr(), addr)
		}
		if again, err := ParseNetwork(network.String()); err != nil || again != network {
			t.Fatalf("%q is written %s, which is %s, %v", text, network, again, err)
		}
	})
}
