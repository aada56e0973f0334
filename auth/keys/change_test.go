package keys

import (
	"slices"
	"testing"
	"time"
)

func TestChanges(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := Edit{Now: now}
	base := new(Document)
	for _, id := range []string{"a", "b"} {
		if _, err := base.Add(Key{ID: id, Scopes: []string{"read"}}, e); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rotated := base.Clone()
	_, err := rotated.Rotate("a", time.Hour, "", e)
	must(err)
	revoked := base.Clone()
	_, err = revoked.Revoke("a", "", 0, e)
	must(err)
	for _, c := range []struct {
		name   string
		before *Document
		change func(*Document)
		want   []Change
	}{
		{"nothing", base, func(*Document) {}, nil},
		{"used", base, func(d *Document) { d.Keys[0].Secrets[0].LastUsed = now }, nil},
		{"added", base, func(d *Document) { _, err := d.Add(Key{ID: "c", Scopes: []string{"read"}}, e); must(err) }, []Change{{KeyAdded, "c", ""}}},
		{"rotated", base, func(d *Document) { _, err := d.Rotate("b", time.Hour, "", e); must(err) }, []Change{{SecretAdded, "b", "2"}}},
		{"revoked", base, func(d *Document) { _, err := d.Revoke("b", "", 0, e); must(err) }, []Change{{KeyRevoked, "b", ""}}},
		{"secret revoked", rotated, func(d *Document) { _, err := d.Revoke("a", "1", 0, e); must(err) }, []Change{{SecretRevoked, "a", "1"}}},
		{"removed", base, func(d *Document) { d.Keys = d.Keys[1:] }, []Change{{KeyRemoved, "a", ""}}},
		{"rights", base, func(d *Document) { d.Keys[0].Scopes = []string{"*"} }, []Change{{RightsChanged, "a", ""}}},
		{"plan", base, func(d *Document) { d.Keys[0].Plan = "pro" }, []Change{{RightsChanged, "a", ""}}},
		{"expiry", base, func(d *Document) { d.Keys[0].Expires = now.Add(time.Hour) }, []Change{{RightsChanged, "a", ""}}},
		{"revocation taken out", revoked, func(d *Document) { d.Keys[0].Revoked = time.Time{} }, []Change{{RightsChanged, "a", ""}}},
		{"end of an old secret put off", rotated, func(d *Document) { d.Keys[0].Secrets[0].NotAfter = now.Add(48 * time.Hour) }, []Change{{EndChanged, "a", "1"}}},
		{"secret removed", rotated, func(d *Document) { d.Keys[0].Secrets = d.Keys[0].Secrets[1:] }, []Change{{SecretRevoked, "a", "1"}}},
		{"hash replaced", base, func(d *Document) { d.Keys[0].Secrets[0].Hash = HashSecret("another") }, []Change{{SecretAdded, "a", "1"}, {SecretRevoked, "a", "1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := c.before.Clone()
			c.change(after)
			if got := Changes(c.before.Keys, after.Keys, now); !slices.Equal(got, c.want) {
				t.Errorf("%v, wanted %v", got, c.want)
			}
		})
	}
}
