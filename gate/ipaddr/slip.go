package ipaddr

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const wanted = "write a network (10.0.0.0/8 or 2001:db8::/32) or an address"

// slip says what is commonly meant by what cannot be read.
func slip(text string) string {
	host, length, hasLength := strings.Cut(text, "/")
	switch {
	case text == "":
		return "there is nothing here: " + wanted
	case text == "private_ranges":
		return "private_ranges is not known here: write out the networks that you mean, such as 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fd00::/8"
	case strings.TrimSpace(text) != text:
		return "there is white space around this: write it without"
	case strings.ContainsAny(text, ", \t\r\n"):
		return "this is more than one network: give each an entry of its own"
	case strings.Contains(text, "*"):
		return "this is no network: write 10.0.0.0/8 instead of 10.*, or 0.0.0.0/0 and ::/0 for everybody"
	case strings.Contains(text, "://"):
		return "this is a URL: " + wanted
	case strings.Contains(text, "%"):
		return "an address with a zone means something on one machine only: write it without the % and what follows"
	case isRange(text):
		return "this is a range: write it as networks, such as 10.0.0.0/30 for 10.0.0.0-10.0.0.3"
	}
	if addr, err := netip.ParseAddr(host); err == nil && hasLength {
		return wrongLength(addr, length)
	}
	if addr, port := hostOnly(host); port != "" {
		return fmt.Sprintf("%s no part of an address: write %s", port, addr)
	}
	if mistake := dotted(host); mistake != "" {
		return mistake
	}
	if isName(host) {
		return "this is a name, and names are not looked up: " + wanted
	}
	return "this is no network and no address: " + wanted
}

// isRange reports whether there are two addresses, with a hyphen between them.
func isRange(text string) bool {
	first, last, ok := strings.Cut(text, "-")
	_, errFirst := netip.ParseAddr(first)
	_, errLast := netip.ParseAddr(last)
	return ok && errFirst == nil && errLast == nil
}

// wrongLength says what is wrong with what stands behind the slash.
func wrongLength(addr netip.Addr, length string) string {
	if mask, err := netip.ParseAddr(length); err == nil && addr.Is4() && mask.Is4() {
		if ones, bits := net.IPMask(mask.AsSlice()).Size(); bits > 0 {
			return fmt.Sprintf("behind the / stands a mask: write %s/%d", addr, ones)
		}
	}
	return fmt.Sprintf("behind the / stands no number of bits from 0 to %d", addr.BitLen())
}

// hostOnly is the address of what has a port, or brackets, and how to say that
// it has; "" for what has neither.
func hostOnly(text string) (addr netip.Addr, what string) {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr(), "the port is"
	}
	inside, ok := strings.CutPrefix(text, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	if addr, err := netip.ParseAddr(inside); ok && closed && err == nil {
		return addr, "brackets are"
	}
	return netip.Addr{}, ""
}

// dotted says what is wrong with numbers that have dots between them; "" for
// everything else.
func dotted(text string) string {
	numbers := strings.Split(text, ".")
	large, octal := false, false
	for _, number := range numbers {
		if number == "" || strings.Trim(number, "0123456789") != "" {
			return ""
		}
		value, err := strconv.Atoi(number)
		large = large || err != nil || value > 255
		octal = octal || len(number) > 1 && number[0] == '0'
	}
	switch {
	case len(numbers) != 4:
		return "an IPv4 address has four numbers: " + wanted
	case large:
		return "a number of this address is over 255"
	case octal:
		return "a number of this address begins with 0, which some programs read as octal: write it without"
	}
	return ""
}

// isName reports whether a text could be the name of a host.
func isName(text string) bool {
	for _, r := range text {
		if r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return text != ""
}
