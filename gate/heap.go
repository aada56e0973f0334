package gate

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// A gate keeps little and allocates for each request, so that Go's default, to
// collect whenever the heap has doubled, has it collect a hundred times a
// second under load: a fifth of its time. The heap may grow by headroom at
// least before the next collection, and by what it holds where that is more, as
// the default has it. So a gate with little to hold is fast, and one that holds
// a million clients is not five times its size.
const headroom = 64 << 20

// defaultPercent is what GOGC is where nobody sets it.
const defaultPercent = 100

// makeRoom sees to the headroom from now on, for as long as the process lives.
// Whoever has set GOGC has decided otherwise. GOMEMLIMIT, which Caddy sets to
// nine tenths of the memory that there is, holds in any case.
var makeRoom = sync.OnceFunc(func() {
	if _, set := os.LookupEnv("GOGC"); !set {
		adjustCollector()
	}
})

// adjustCollector sets the pace of the collector by what the last collection
// has left, and does so again after the next one.
func adjustCollector() {
	debug.SetGCPercent(percentFor(liveHeap()))
	type tripwire struct{ _ *byte } // unreachable from the beginning, and so gone after one collection
	runtime.AddCleanup(new(tripwire), func(struct{}) { adjustCollector() }, struct{}{})
}

// percentFor is the percentage of a live heap that comes to the headroom.
func percentFor(live uint64) int {
	return max(defaultPercent, int(headroom*100/max(live, 1<<20)))
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
