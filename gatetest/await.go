package gatetest

import (
	"testing"
	"time"
)

// Await waits for what happens elsewhere: a handler that ends after its client
// has its answer, a watcher that reads a file. It looks until done, and fails the
// test after a minute: a bound for machines that are busy with other things,
// which says nothing about how soon the gate promises it.
func Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: it does not happen", what)
		}
	}
}
