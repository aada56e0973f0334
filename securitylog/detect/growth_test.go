package detect_test

import (
	"bytes"
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
	checkSteps(t, d.Steps(target), target)
}

func checkSteps(t *testing.T, steps int, text string) {
	t.Helper()
	if steps > stepsPerByte*len(text)+stepsFlat {
		t.Errorf("%d steps for %d bytes: %.80q", steps, len(text), text)
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
	for _, body := range heavyBodies() {
		checkSteps(t, d.StepsOfJSON(body), string(body))
		body = bytes.Repeat(body, 16)
		checkSteps(t, d.StepsOfJSON(body), string(body))
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

// TestPaddingIsReadOnce holds that the first gate does not look for the end of a value's padding again at each of its signs.
func TestPaddingIsReadOnce(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, sign := range []string{"=", "%3D"} {
		for _, head := range []string{"/s?q=", "/s/"} {
			if target := head + strings.Repeat(sign, 4000); d.Steps(target) > 10*len(target) {
				t.Errorf("%d steps for %d bytes of %q behind %q", d.Steps(target), len(target), sign, head)
			}
		}
	}
}

// TestLoneTokens holds that no rule takes a text of few tokens, or none, for one of more.
func TestLoneTokens(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, text := range []string{"::int", "::int::text", "/**/", "'", "()", "--", "##", "||", "{{", "<?", "}}", "/*m#", "/*!m#\n", "?'"} {
		for _, unit := range []string{text, text + text, text + "%00", "%00" + text} {
			d.Target("/p?q=" + unit + "&" + unit + "=" + unit)
			d.Target("/" + unit)
		}
	}
}
