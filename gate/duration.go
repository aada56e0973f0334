package gate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Duration is a configured duration: as Caddy writes them (90s, 15m, 365d), or
// a placeholder for one ({env.NAME}, {env.NAME:default}, {file./path}). In JSON
// it may also be a number of nanoseconds.
type Duration string

// UnmarshalJSON reads a string or a number.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var nanoseconds int64
	if json.Unmarshal(data, &nanoseconds) == nil {
		*d = Duration(strconv.FormatInt(nanoseconds, 10) + "ns")
		return nil
	}
	return json.Unmarshal(data, (*string)(d))
}

// Value is the duration, with a placeholder resolved. A number without a unit
// counts units; where unit is zero, it is an error.
func (d Duration) Value(resolve Resolver, unit time.Duration) (time.Duration, error) {
	text, err := resolve(string(d))
	if err != nil {
		return 0, err
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil && (unit != 0 || number != 0) {
		if unit == 0 {
			return 0, fmt.Errorf("%s has no unit: write %ss, %sm or %sh", text, text, text, text)
		}
		return time.Duration(number) * unit, nil
	}
	value, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write 90s, 15m or 365d", text)
	}
	return value, nil
}
