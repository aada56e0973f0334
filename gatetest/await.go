package gatetest

import (
	"testing"
	"time"
)

// patience is how long a test waits for what happens elsewhere: a bound for
// machines that are busy with other things, which says nothing about how soon
// the gate promises it.
const patience = time.Minute

// Await waits for what happens elsewhere: a handler that ends after its client
// has its answer, a watcher that reads a file. It looks until done, and fails the
// test when its patience is at an end.
func Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: it does not happen", what)
		}
	}
}

// Receive is Await for what a channel brings; of one that is closed, the zero
// value.
func Receive[T any](t testing.TB, what string, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen", what)
	}
	return got
}
