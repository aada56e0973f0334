package ratelimit

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

func (l *RateLimit) provisionExempt() error {
	var mistakes []error
	for _, entry := range l.Exempt {
		text, err := l.resolve(entry)
		if err != nil {
			mistakes = append(mistakes, places.At(err, "exempt", entry))
			continue
		}
		network, err := parseNetwork(text)
		mistakes = append(mistakes, places.At(err, "exempt", entry))
		l.exempt = append(l.exempt, network)
	}
	return errors.Join(mistakes...)
}

// parseNetwork reads who is exempt.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := ipaddr.ParseNetwork(text)
	if err == nil && network.Bits() == 0 {
		err = errors.New("this is everybody: take the limits out instead")
	}
	if err != nil {
		return network, fmt.Errorf("exempt %s: %w", text, err)
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
