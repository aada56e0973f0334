package gate

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestPercentFor(t *testing.T) {
	const mega = 1 << 20
	for _, test := range []struct {
		live uint64
		want int
	}{
		{0, 6400}, // before the first collection
		{8 * mega, 800},
		{16 * mega, 400},
		{64 * mega, 100},
		{1000 * mega, 100},
	} {
		if got := percentFor(test.live); got != test.want {
			t.Errorf("%d bytes: %d, want %d", test.live, got, test.want)
		}
	}
}

// TestCollectorHasRoom holds that a collection is followed by a new look at
// what is live: the heap that has grown gets the default again.
func TestCollectorHasRoom(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(defaultPercent))
	adjustCollector()
	held := make([]*[1 << 20]byte, 0, 100)
	percent := func() int {
		percent := debug.SetGCPercent(defaultPercent)
		debug.SetGCPercent(percent)
		return percent
	}
	if percent() <= 2*defaultPercent {
		t.Errorf("a small heap gets %d %%", percent())
	}
	for range cap(held) {
		held = append(held, new([1 << 20]byte))
	}
	for range 100 {
		if runtime.GC(); percent() == defaultPercent {
			break
		}
	}
	if percent() != defaultPercent {
		t.Errorf("a heap of 100 MiB gets %d %%", percent())
	}
	runtime.KeepAlive(held)
	held = nil
	for range 100 {
		if runtime.GC(); percent() > defaultPercent {
			return
		}
	}
	t.Errorf("a heap that has shrunk gets %d %%", percent())
}
