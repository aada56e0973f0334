package ratelimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Number is a configured whole number, or a placeholder for one ({env.NAME},
// {env.NAME:default}, {file./path}). In JSON it is a number or a string.
type Number string

// UnmarshalJSON reads a number or a string.
func (n *Number) UnmarshalJSON(data []byte) error {
	var number int64
	if json.Unmarshal(data, &number) == nil {
		*n = Number(strconv.FormatInt(number, 10))
		return nil
	}
	return json.Unmarshal(data, (*string)(n))
}

// MarshalJSON writes a number where it is one.
func (n Number) MarshalJSON() ([]byte, error) {
	if number, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return strconv.AppendInt(nil, number, 10), nil
	}
	return json.Marshal(string(n))
}

// resolver gives what a configured value stands for.
type resolver func(string) (string, error)

func (n Number) value(resolve resolver) (int, error) {
	text, err := resolve(string(n))
	if err != nil {
		return 0, err
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return value, nil
}

// Duration is a configured duration as Caddy writes them (15m, 7d), or a
// placeholder for one. In JSON it may also be a number of nanoseconds.
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

// value is the duration. A number without a unit counts units, if there are any.
func (d Duration) value(resolve resolver, unit time.Duration) (time.Duration, error) {
	text, err := resolve(string(d))
	if err != nil {
		return 0, err
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		if unit == 0 {
			return 0, fmt.Errorf("%s has no unit: write %ss, %sm or %sh", text, text, text, text)
		}
		return time.Duration(number) * unit, nil
	}
	value, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write 90s, 15m or 7d", text)
	}
	return value, nil
}

var errNotPositive = errors.New("it must be more than zero")
