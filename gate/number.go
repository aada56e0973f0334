package gate

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Number is a configured whole number, or a placeholder for one ({env.NAME},
// {env.NAME:default}, {file./path}); where an option says so, it may have a unit
// or be a word. In JSON it is a number or a string.
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

// Int is the number, with a placeholder resolved.
func (n Number) Int(resolve Resolver) (int, error) {
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
