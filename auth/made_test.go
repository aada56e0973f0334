package auth

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// gates are processes that share a storage.
func gates(t *testing.T, n int) []*made {
	storage := &certmagic.FileStorage{Path: t.TempDir()}
	all := make([]*made, n)
	for i := range all {
		all[i] = &made{keys: make(map[string]*keyMade), storage: storage, logger: zap.NewNop()}
		t.Cleanup(all[i].save) // ends its timer
	}
	return all
}

func channel(id string) thing { return thing{Kind: "channel", ID: id} }

// TestMadeThroughSeveralGates holds that what a key has made through one gate is
// its own at every other, and that none takes another's record away.
func TestMadeThroughSeveralGates(t *testing.T) {
	all := gates(t, 3)
	const owner = "file ada"
	for _, m := range all {
		if _, ok := m.find(owner, channel("c0")); ok {
			t.Fatal("nothing is made, and it is found")
		}
	}
	for round := range 3 {
		for i, m := range all {
			m.add(owner, deed{thing: channel(fmt.Sprint("c", i, round)), Agents: []string{"a"}, User: "u"})
			m.save()
		}
	}
	for i, m := range all {
		m.keys[owner].read = time.Time{} // a second later
		for other := range all {
			for round := range 3 {
				if d, ok := m.find(owner, channel(fmt.Sprint("c", other, round))); !ok || d.User != "u" || d.Agents[0] != "a" {
					t.Errorf("gate %d knows of what was made through gate %d: %v, %+v", i, other, ok, d)
				}
			}
		}
		if _, ok := m.find("file bob", channel("c00")); ok {
			t.Error("another key has it too")
		}
		if got := len(m.keys[owner].Things); got != 9 {
			t.Errorf("gate %d holds %d things, want 9", i, got)
		}
	}
}

// TestMadeIsBounded holds that no more is remembered than may be, and that the
// oldest goes first, however many gates there are.
func TestMadeIsBounded(t *testing.T) {
	all := gates(t, 2)
	const owner = "file ada"
	for i, m := range all {
		for n := range maxMade - 1000 {
			m.add(owner, deed{thing: channel(fmt.Sprint(i, "-", n)), Agents: []string{"a"}})
		}
		m.save()
	}
	second := all[1]
	if got := len(second.keys[owner].Things); got != maxMade {
		t.Fatalf("%d things are remembered", got)
	}
	if _, ok := second.find(owner, channel("0-0")); ok {
		t.Error("the oldest is remembered")
	}
	if _, ok := second.find(owner, channel(fmt.Sprint("1-", maxMade-1001))); !ok {
		t.Error("the newest is forgotten")
	}
	if stored, err := load(t.Context(), second.storage, owner); err != nil || len(stored) != maxMade {
		t.Errorf("%d things are stored, %v", len(stored), err)
	}
}
