package keys

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// A memo that was written and read again tells the same changes as the keys themselves.
func TestMemo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ada := Key{ID: "ada", Scopes: []string{"read"}, Secrets: []Secret{{ID: "1", Hash: HashSecret("one"), Created: now}}}
	bob := Key{ID: "bob", Scopes: []string{"read"}, Agents: []string{"x"}, Secrets: []Secret{{ID: "1", Hash: HashSecret("two"), LastUsed: now}}}
	edit := func(k Key, change func(*Key)) Key {
		k = k.clone()
		change(&k)
		return k
	}
	before := []Key{ada, bob}
	for name, after := range map[string][]Key{
		"nothing":        before,
		"used":           {edit(ada, func(k *Key) { k.Secrets[0].LastUsed = now }), bob},
		"added":          {ada, bob, edit(ada, func(k *Key) { k.ID = "cy" })},
		"removed":        {bob},
		"revoked":        {edit(ada, func(k *Key) { k.Revoked = now }), bob},
		"rotated":        {edit(ada, func(k *Key) { k.Secrets = append(k.Secrets, Secret{ID: "2", Hash: HashSecret("three")}) }), bob},
		"another secret": {edit(ada, func(k *Key) { k.Secrets[0].Hash = HashSecret("four") }), bob},
		"secret revoked": {edit(ada, func(k *Key) { k.Secrets[0].Revoked = now }), bob},
		"rights":         {edit(ada, func(k *Key) { k.Scopes = []string{"admin"} }), edit(bob, func(k *Key) { k.Agents = nil })},
	} {
		text, err := json.Marshal(NewMemo(before))
		if err != nil {
			t.Fatal(err)
		}
		var memo Memo
		if err := json.Unmarshal(text, &memo); err != nil {
			t.Fatal(err)
		}
		got, want := memo.Changes(after, now), Changes(before, after, now)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if (len(got) == 0) != (name == "nothing" || name == "used") {
			t.Errorf("%s: %v", name, got)
		}
		for _, k := range before {
			if digits := k.Secrets[0].Hash.String()[len(HashPrefix):]; strings.Contains(string(text), digits[:8]) {
				t.Errorf("%s: the hash of %s is in %s", name, k.ID, text)
			}
		}
	}
}
