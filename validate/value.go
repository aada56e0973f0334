package validate

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Value is a configured number, a size, "off", or a placeholder for one of them
// ({env.NAME}, {env.NAME:default}, {file./path}). In JSON it is a number or a
// string.
type Value string

// UnmarshalJSON reads a number or a string.
func (v *Value) UnmarshalJSON(data []byte) error {
	var number int64
	if json.Unmarshal(data, &number) == nil {
		*v = Value(strconv.FormatInt(number, 10))
		return nil
	}
	return json.Unmarshal(data, (*string)(v))
}

// MarshalJSON writes a number where it is one.
func (v Value) MarshalJSON() ([]byte, error) {
	if number, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return strconv.AppendInt(nil, number, 10), nil
	}
	return json.Marshal(string(v))
}

// units are the units of sizes, by 1024 as in Express, whose EXPRESS_MAX_PAYLOAD
// is one of them.
var units = map[string]float64{
	"": 1, "b": 1,
	"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// size is the value as a number of bytes; -1 for off.
func (v Value) size(resolve resolver) (int64, error) {
	text, err := resolve(string(v))
	if err != nil {
		return 0, err
	}
	if text == off {
		return -1, nil
	}
	text = strings.ToLower(strings.TrimSpace(text))
	number := strings.TrimRight(text, "kmgib")
	unit, known := units[text[len(number):]]
	count, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	bytes := count * unit
	if err != nil || !known || math.IsNaN(bytes) || bytes < 1 || bytes > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size: write bytes, or a number with kb, mb or gb, such as 2mb", text)
	}
	return int64(bytes), nil
}

// maxDepth is the deepest nesting that can be asked for, so that what is kept
// of a body stays small.
const maxDepth = 10_000

// depth is the value as a number of brackets; 0 for off.
func (v Value) depth(resolve resolver) (int, error) {
	text, err := resolve(string(v))
	if err != nil || text == off {
		return 0, err
	}
	depth, err := strconv.Atoi(text)
	if err != nil || depth < 1 || depth > maxDepth {
		return 0, fmt.Errorf("%q is no depth: write a number from 1 to %d", text, maxDepth)
	}
	return depth, nil
}
