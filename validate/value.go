package validate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// units are the units of sizes, by 1024 as in Express, whose EXPRESS_MAX_PAYLOAD
// is one of them.
var units = map[string]float64{
	"": 1, "b": 1,
	"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// size is a configured size as a number of bytes; -1 for off.
func size(n gate.Number, resolve gate.Resolver) (int64, error) {
	text, err := resolve(string(n))
	if err != nil {
		return 0, err
	}
	if text == off {
		return -1, nil
	}
	text = strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "kmgib")
	unit, known := units[text[len(digits):]]
	count, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	bytes := count * unit
	if err != nil || !known || math.IsNaN(bytes) || bytes < 1 || bytes > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size: write bytes, or a number with kb, mb or gb, such as 2mb", text)
	}
	return int64(bytes), nil
}

// maxDepth is the deepest nesting that can be asked for, so that what is kept
// of a body stays small.
const maxDepth = 10_000

// depth is a configured depth as a number of brackets; 0 for off.
func depth(n gate.Number, resolve gate.Resolver) (int, error) {
	text, err := resolve(string(n))
	if err != nil || text == off {
		return 0, err
	}
	depth, err := strconv.Atoi(text)
	if err != nil || depth < 1 || depth > maxDepth {
		return 0, fmt.Errorf("%q is no depth: write a number from 1 to %d", text, maxDepth)
	}
	return depth, nil
}
