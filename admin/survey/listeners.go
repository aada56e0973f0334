package survey

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// listener is a socket of this machine that accepts connections.
type listener struct {
	address netip.AddrPort
	inode   string
}

func (l listener) port() string { return strconv.Itoa(int(l.address.Port())) }

// listeners are those of this network namespace, as Linux shows them; none
// elsewhere.
func listeners() []listener {
	var all []listener
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // not Linux, or without IPv6
		}
		all = append(all, parseListeners(string(text))...)
	}
	return all
}

// parseListeners reads the table of proc(5), /proc/net/tcp.
func parseListeners(text string) []listener {
	const listening = "0A"
	var found []listener
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		host, port, _ := strings.Cut(fields[1], ":")
		raw, err := hex.DecodeString(host)
		if err != nil {
			continue
		}
		// The address is written in words of four bytes, each in the order of
		// the machine, which is little-endian wherever this runs.
		for word := range slices.Chunk(raw, 4) {
			slices.Reverse(word)
		}
		ip, ok := netip.AddrFromSlice(raw)
		n, err := strconv.ParseUint(port, 16, 16)
		if ok && err == nil {
			found = append(found, listener{netip.AddrPortFrom(ip.Unmap(), uint16(n)), fields[9]})
		}
	}
	return found
}
