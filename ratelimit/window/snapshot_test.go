package window_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// lived is a table in which a little of everything has happened.
func lived(t fataler, clock *hand) *window.Table {
	table := newTable(t, window.Options{Now: clock.now, MaxClients: 10, KeyPlaces: 2})
	api := define(t, table, "api", window.Spec{Limits: []window.Limit{{N: 1000, Window: time.Minute}, {N: 200_000, Window: time.Hour}}})
	upload := define(t, table, "upload", limits(3, 15*time.Minute))
	for round := range 20 {
		for i := range 12 {
			take(table, api, address(table, fmt.Sprintf("10.0.%d.1", i)))
		}
		take(table, upload, named(table, fmt.Sprint("k", round%3)))
		clock.step(2 * time.Second)
	}
	for range 70_000 {
		take(table, upload, named(table, "k0"))
		table.Take([]window.Charge{{Tier: api, Client: named(table, "k0")}})
	}
	return table
}

func redefine(t fataler, table *window.Table) (api, upload *window.Tier) {
	api = define(t, table, "api", window.Spec{Limits: []window.Limit{{N: 1000, Window: time.Minute}, {N: 200_000, Window: time.Hour}}})
	return api, define(t, table, "upload", limits(3, 15*time.Minute))
}

func TestSnapshotBringsEverythingBack(t *testing.T) {
	clock := newHand()
	table := lived(t, clock)
	saved := table.Save()
	back, err := window.Restore(window.Options{Now: clock.now, MaxClients: 10, KeyPlaces: 2}, saved)
	if err != nil {
		t.Fatal(err)
	}
	redefine(t, back)
	var clients []window.Client
	for i := range 12 {
		clients = append(clients, address(table, fmt.Sprintf("10.0.%d.1", i)))
	}
	for i := range 3 {
		clients = append(clients, named(table, fmt.Sprint("k", i)))
	}
	shared := 0
	for _, c := range clients {
		whereA, a := table.Inspect(c, "")
		whereB, b := back.Inspect(c, "")
		if whereA != whereB || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%v:\n%v %v\n%v %v", c.ID, whereA, a, whereB, b)
		}
		if whereA == window.Shared {
			shared++
		}
	}
	if shared == 0 {
		t.Error("the test has no shared cell")
	}
	if a, b := table.Stats(), back.Stats(); a.Clients != b.Clients || a.Keys != b.Keys || a.Cells != b.Cells {
		t.Errorf("stats: %+v, %+v", a, b)
	}
	if !bytes.Equal(back.Save()[:25], saved[:25]) {
		t.Error("another seed")
	}
}

func TestSnapshotWhileTheClockWasSetBack(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "api", limits(1, time.Minute))
	c := named(table, "k")
	mustTake(t, table, tier, c, 1)
	saved := table.Save()
	clock.step(-24 * time.Hour)
	back, err := window.Restore(window.Options{Now: clock.now}, saved)
	if err != nil {
		t.Fatal(err)
	}
	tier = define(t, back, "api", limits(1, time.Minute))
	st := mustRefuse(t, back, tier, c)
	if st.RetryAfter > 61*time.Second {
		t.Errorf("retry after %v", st.RetryAfter)
	}
	clock.step(st.RetryAfter)
	mustTake(t, back, tier, c, 1)
}

// A process that was started under a clock that is centuries ahead saves what
// the next one takes, under the right clock and again: what is counted is counted
// for as long as it would have been, and no longer.
func TestSnapshotOfACenturyToCome(t *testing.T) {
	right := newHand()
	for _, ahead := range []time.Duration{24 * time.Hour, 100 * 365 * 24 * time.Hour, 250 * 365 * 24 * time.Hour} {
		wrong := &hand{at: right.at.Add(ahead)}
		table := newTable(t, window.Options{Now: wrong.now})
		c := address(table, "10.0.0.1")
		mustTake(t, table, define(t, table, "api", limits(1, time.Minute)), c, 1)
		for range 3 {
			wrong.step(10 * time.Second)
			back, err := window.Restore(window.Options{Now: right.now}, table.Save())
			if err != nil {
				t.Fatalf("%v ahead: %v", ahead, err)
			}
			table, wrong = back, right
			mustRefuse(t, table, define(t, table, "api", limits(1, time.Minute)), c)
		}
		right.step(62 * time.Second)
		mustTake(t, table, define(t, table, "api", limits(1, time.Minute)), c, 1)
	}
}

func TestSnapshotOfMoreClientsThanPlaces(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "api", limits(1, time.Minute))
	for i := range 50 {
		mustTake(t, table, tier, address(table, fmt.Sprintf("10.0.0.%d", i)), 1)
	}
	back, err := window.Restore(window.Options{Now: clock.now, MaxClients: 10}, table.Save())
	if err != nil {
		t.Fatal(err)
	}
	tier = define(t, back, "api", limits(1, time.Minute))
	for i := range 50 {
		mustRefuse(t, back, tier, address(back, fmt.Sprintf("10.0.0.%d", i)))
	}
	if _, st := take(back, tier, address(back, "10.1.0.0")); !st.Shared {
		t.Error("a newcomer got a place")
	}
}

func TestDamagedSnapshotIsRefusedWhole(t *testing.T) {
	clock := newHand()
	saved := lived(t, clock).Save()
	for i := range saved {
		for _, change := range []byte{1, 0x80} {
			bad := bytes.Clone(saved)
			bad[i] ^= change
			if _, err := window.Restore(window.Options{Now: clock.now}, bad); err == nil {
				t.Fatalf("byte %d changed: accepted", i)
			}
		}
		if _, err := window.Restore(window.Options{Now: clock.now}, saved[:i]); err == nil {
			t.Fatalf("cut at %d: accepted", i)
		}
	}
	_, err := window.Restore(window.Options{Now: clock.now}, append(bytes.Clone(saved), 0))
	if err == nil || !strings.HasPrefix(err.Error(), "snapshot of the rate limits: ") {
		t.Errorf("with one byte more: %v", err)
	}
	future := bytes.Clone(saved[:len(saved)-sha256.Size])
	future[8]++
	if _, err := window.Restore(window.Options{}, sign(future)); err == nil || !strings.Contains(err.Error(), "version 2, want 1") {
		t.Errorf("another version: %v", err)
	}
}

func sign(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// FuzzRestore reads snapshots whose checksum is right and whose content is
// anything. What is accepted works, and is saved as it was read.
func FuzzRestore(f *testing.F) {
	clock := newHand()
	saved := lived(f, clock).Save()
	f.Add(saved[:len(saved)-sha256.Size])
	f.Add(newTable(f, window.Options{Now: clock.now}).Save()[:8+1+16+8+1+1])
	f.Add([]byte("GHWINDOW\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		clock := newHand()
		o := window.Options{Now: clock.now, MaxClients: 10, KeyPlaces: 2}
		if _, err := window.Restore(o, body); err == nil {
			t.Fatal("accepted without a checksum")
		}
		table, err := window.Restore(o, sign(body))
		if err != nil {
			return
		}
		once := table.Save()
		again, err := window.Restore(o, once)
		if err != nil {
			t.Fatalf("refuses what it saved: %v", err)
		}
		if twice := again.Save(); len(twice) != len(once) {
			t.Fatalf("saved %d bytes, then %d", len(once), len(twice))
		}
		api, upload := redefine(t, table)
		for i := range 20 {
			c := address(table, fmt.Sprintf("10.0.0.%d", i))
			table.Take([]window.Charge{{Tier: api, Client: c}, {Tier: upload, Client: c}})
			clock.step(time.Minute)
		}
		table.Top(api, 10)
		clock.step(100 * 24 * time.Hour)
		table.Sweep()
		if st := table.Stats(); st.Clients < 0 || st.Cells < 0 {
			t.Fatalf("%+v", st)
		}
	})
}
