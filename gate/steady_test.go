package gate_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Steady has a monotonic reading, which no jump of the system's clock moves, and
// agrees with the system's clock while that does not jump.
func TestSteady(t *testing.T) {
	before := time.Now()
	steady := gate.Steady()
	if steady.Before(before) || time.Now().Before(steady) {
		t.Errorf("%v is not between two readings of the clock", steady)
	}
	if steady == steady.Round(0) {
		t.Errorf("%v has no monotonic reading", steady)
	}
}
