package events_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

func TestFrom(t *testing.T) {
	for address, want := range map[string]string{
		"192.168.1.100": "[SECURITY] Unauthorized access attempt from 192.168.1.100",
		"2001:db8::1":   "[SECURITY] Unauthorized access attempt from 2001:db8::1",
		"":              "[SECURITY] Unauthorized access attempt from unknown",
	} {
		client, _ := netip.ParseAddr(address)
		if got := events.From("[SECURITY] Unauthorized access attempt from", client); got != want {
			t.Errorf("%q gives %q", address, got)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                         "plain",
		"line\r\nforged":                "lineforged",
		"\x1b[31mred\x7f":               "[31mred",
		"c1 \u0085\u009b and \u2028":    "c1  and ",
		"\u202eesrever\u2066":           "esrever",
		"é and 漢字":                      "é and 漢字",
		"bad \xff utf-8":                "bad \ufffd utf-8",
		strings.Repeat("x", 20) + "yyy": strings.Repeat("x", 20) + "…",
	} {
		if got := events.Text(text, 20); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\nb", 10)
	f.Add("\u202e\xff", 3)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = most & 0x3ff
		got := events.Text(text, most)
		if len(strings.TrimSuffix(got, "…")) > most {
			t.Fatalf("%q is cut to %d bytes, not %d", text, len(got), most)
		}
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e {
				t.Fatalf("%q keeps %U", text, r)
			}
		}
	})
}
