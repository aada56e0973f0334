package gate

import "time"

var began = time.Now()

// Steady is the time by a clock that began with the process and only goes on,
// whatever becomes of the system's: for spans that begin and end within the
// process. The difference of two results of [time.Now] is such a span as well,
// but not beyond the year 2157, where those know nothing of the monotonic clock.
func Steady() time.Time { return began.Add(time.Since(began)) }
