package gate

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	literal := func(text string) (string, error) { return text, nil }
	for _, test := range []struct {
		json string
		unit time.Duration
		want time.Duration
		ok   bool
	}{
		{`"15m"`, 0, 15 * time.Minute, true},
		{`"7d"`, 0, 7 * 24 * time.Hour, true},
		{`1500000000`, 0, 1500 * time.Millisecond, true},
		{`"15"`, 0, 0, false},
		{`"0"`, 0, 0, true},
		{`"15"`, time.Minute, 15 * time.Minute, true},
		{`"90s"`, time.Minute, 90 * time.Second, true},
		{`"soon"`, time.Minute, 0, false},
		{`""`, 0, 0, false},
	} {
		var d Duration
		if err := json.Unmarshal([]byte(test.json), &d); err != nil {
			t.Fatal(err)
		}
		got, err := d.Value(literal, test.unit)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%s with the unit %s: %s, %v", test.json, test.unit, got, err)
		}
	}
	if err := json.Unmarshal([]byte(`true`), new(Duration)); err == nil {
		t.Error("true is a duration")
	}
}
