package headers

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// literally judges values while a Caddyfile is adapted, so that the mistake
// comes with its line. Values with a placeholder among them are judged when
// they are resolved.
func literally(d *caddyfile.Dispenser, values []string, check func() error) error {
	for _, value := range values {
		if err := gate.CheckPlaceholder(value); err != nil {
			return d.WrapErr(err)
		}
	}
	if slices.ContainsFunc(values, gate.IsPlaceholder) {
		return nil
	}
	if err := check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
