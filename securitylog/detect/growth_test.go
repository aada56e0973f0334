package detect_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// The work on a text may be stepsPerByte for each byte of it, and stepsFlat beside that, whatever the text.
const (
	stepsPerByte = 200
	stepsFlat    = 40_000
)

func checkGrowth(t *testing.T, d *detect.Detector, target string) {
	t.Helper()
	if steps := d.Steps(target); steps > stepsPerByte*len(target)+stepsFlat {
		t.Errorf("%d steps for %d bytes: %.80q", steps, len(target), target)
	}
}

// TestStepsAreCounted holds that the count sees the rules at work: without it the growth tests would pass on anything.
func TestStepsAreCounted(t *testing.T) {
	d := detect.New(detect.Options{})
	if short, long := d.Steps("/s?q='or("), d.Steps("/s?q="+strings.Repeat("'or(", 100)); short < 20 || long < 40*short {
		t.Errorf("%d steps for one unit, %d for a hundred", short, long)
	}
}

func TestWorkIsLinear(t *testing.T) {
	d := detect.New(detect.Options{MaxBytes: 1 << 20})
	for _, target := range heavy() {
		checkGrowth(t, d, target)
		checkGrowth(t, d, strings.Repeat(target, 16))
	}
}

// FuzzWorkIsLinear repeats any unit, so that a rule which looks back or ahead without a bound shows. It counts visits and asks no clock: a
// run that fails without a file in testdata/fuzz has found nothing: most likely the end of -fuzztime met a busy worker (see golang/go#75804).
func FuzzWorkIsLinear(f *testing.F) {
	for _, unit := range []string{"a", "'", "(", "<a ", "${", "{{", "%25", "..", "/", "or 1", "on=", "|a ", "`", "&#", "\\u", "http://", "$((", "[", "[]("} {
		f.Add("/s?q=", unit, "")
	}
	d := detect.New(detect.Options{MaxBytes: 1 << 20})
	f.Fuzz(func(t *testing.T, head, unit, tail string) {
		if len(unit) == 0 || len(unit) > 256 || len(head) > 256 || len(tail) > 256 {
			return
		}
		checkGrowth(t, d, head+strings.Repeat(unit, 1024/len(unit))+tail)
		checkGrowth(t, d, head+strings.Repeat(unit, 8192/len(unit))+tail)
	})
}
