package window

import (
	"math"
	"sync"
	"time"
)

// clock tells nanoseconds since 1970 and never goes backwards.
type clock func() int64

// A process that starts with its clock in the far future begins at lastTime, the
// year 2116, and one that takes up where another ended goes on from there, up to
// lastSaved, 2189. Both keep the arithmetic of slices far from overflow.
const (
	lastTime  = math.MaxInt64 / 2
	lastSaved = math.MaxInt64 / 4 * 3
)

// monotonic is the system's monotonic clock, from the given start on. Beyond the
// year 2157 [time.Now] knows nothing of that clock, so a process that starts then
// makes do with a steady one.
func monotonic(start int64) clock {
	began := time.Now()
	if began == began.Round(0) {
		return steady(time.Now, start)
	}
	return func() int64 { return start + int64(time.Since(began)) }
}

// steady makes a clock of one that may go backwards: then no time passes.
func steady(now func() time.Time, start int64) clock {
	var mu sync.Mutex
	at, last := start, now()
	return func() int64 {
		mu.Lock()
		defer mu.Unlock()
		// A difference of times saturates, where one of UnixNanos would wrap.
		next := now()
		if step := int64(next.Sub(last)); step > 0 {
			at = min(at, lastSaved-step) + step
		}
		last = next
		return at
	}
}

// newClock goes on from a time not before the given one: history must not lie in
// the future because the clock was set back while nobody looked.
func newClock(now func() time.Time, notBefore int64) clock {
	read := now
	if read == nil {
		read = time.Now
	}
	start := max(min(unixNano(read()), lastTime), notBefore)
	if now == nil {
		return monotonic(start)
	}
	return steady(now, start)
}

// unixNano is t.UnixNano without its undefined results.
func unixNano(t time.Time) int64 {
	return int64(max(t.Sub(time.Unix(0, 0)), 0))
}
