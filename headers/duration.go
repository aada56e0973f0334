package headers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Duration is a configured duration: as Caddy writes them (2h, 365d), or a
// placeholder for one ({env.NAME}, {env.NAME:default}, {file./path}). In JSON
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

// value is the duration, with a placeholder resolved.
func (d Duration) value(resolve func(string) (string, error)) (time.Duration, error) {
	text, err := resolve(string(d))
	if err != nil {
		return 0, err
	}
	value, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write 2h or 365d", text)
	}
	return value, nil
}
