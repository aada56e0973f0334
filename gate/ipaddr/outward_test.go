package ipaddr

import "testing"

// TestOutward holds that nobody is told to look for a service where only this
// machine, or only its cable, can reach it.
func TestOutward(t *testing.T) {
	for _, ip := range Outward() {
		if !ip.IsValid() || ip.Is4In6() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			t.Errorf("%s is no outward address", ip)
		}
	}
}
