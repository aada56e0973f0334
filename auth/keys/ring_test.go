package keys

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pepper = []byte("a pepper of thirty-two characters")
)

func mint(t testing.TB) string {
	t.Helper()
	secret, err := NewSecret()
	require.NoError(t, err)
	return secret
}

func simpleKey(id, secret string) Key {
	return Key{ID: id, Scopes: []string{"read"}, Secrets: []Secret{{Hash: HashSecret(secret)}}}
}

func ring(t testing.TB, keys ...Key) *Ring {
	t.Helper()
	r, err := NewRing(keys, nil)
	require.NoError(t, err)
	return r
}

func TestFind(t *testing.T) {
	operator := "q6BdRzpMqkPCtl5KsQbzZp4H+f/l0S3KXvGHJHDKk0E="
	first, second := mint(t), mint(t)
	rotated := Key{ID: "ci", Scopes: []string{"chat"}, Secrets: []Secret{
		{Hash: HashSecret(first), NotAfter: noon.Add(time.Hour)},
		{Hash: HashSecret(second)},
	}}
	gone := mint(t)
	revoked := Key{ID: "gone", Scopes: []string{"chat"}, Revoked: noon.Add(-time.Hour), Secrets: []Secret{{Hash: HashSecret(gone)}}}
	old, kept := mint(t), mint(t)
	half := Key{ID: "half", Scopes: []string{"chat"}, Expires: noon.Add(2 * time.Hour), Secrets: []Secret{
		{Hash: HashSecret(old), Revoked: noon.Add(-time.Hour)},
		{Hash: HashSecret(kept)},
	}}
	typo := first[:10] + "-" + first[11:]
	odd := "agk_imported-by-hand"
	for _, under := range []struct {
		name   string
		pepper []byte
	}{{"plain", nil}, {"peppered", pepper}} {
		r, err := NewRing([]Key{simpleKey("env", operator), rotated, revoked, half, simpleKey("odd", odd)}, under.pepper)
		require.NoError(t, err)
		for _, c := range []struct {
			name, secret string
			after        time.Duration
			id           string
			outcome      Outcome
		}{
			{"an operator's token", operator, 0, "env", Found},
			{"the token cut short", operator[:43], 0, "", Unknown},
			{"the token with a blank", operator + " ", 0, "", Unknown},
			{"nothing", "", 0, "", Unknown},
			{"the old secret during the overlap", first, time.Hour - 1, "ci", Found},
			{"the old secret at its end", first, time.Hour, "ci", Expired},
			{"the new secret", second, time.Hour, "ci", Found},
			{"a typo", typo, 0, "", Malformed},
			{"a guess with a good checksum", mint(t), 0, "", Unknown},
			{"a revoked key", gone, 0, "gone", Revoked},
			{"a revoked secret", old, 0, "half", Revoked},
			{"its other secret", kept, 0, "half", Found},
			{"its other secret when the key has ended", kept, 2 * time.Hour, "half", Expired},
			{"revoked says more than expired", old, 2 * time.Hour, "half", Revoked},
			{"an imported secret with our prefix", odd, 0, "odd", Found},
			{"a megabyte", strings.Repeat("a", 1<<20), 0, "", Unknown},
			{"a megabyte of ours", "agk_" + strings.Repeat("a", 1<<20), 0, "", Malformed},
		} {
			t.Run(under.name+"/"+c.name, func(t *testing.T) {
				now := noon.Add(c.after)
				use := r.Look(c.secret, now)
				require.Equal(t, c.outcome, use.Outcome, "%v", use.Outcome)
				k, outcome := r.Find(c.secret, now)
				require.Equal(t, c.outcome, outcome)
				if outcome != Found {
					require.Nil(t, k, "a key leaves Find only when it was found")
				} else {
					require.Equal(t, c.id, k.ID)
				}
				if c.id == "" {
					require.Nil(t, use.Key)
				} else {
					require.Equal(t, c.id, use.Key.ID)
					require.Equal(t, c.outcome, r.Again(use, now))
				}
			})
		}
	}
}

func TestFindLongSecretIsNotItsPrefix(t *testing.T) {
	longest := strings.Repeat("k", MaxSecretLength)
	r := ring(t, simpleKey("long", longest))
	require.Equal(t, Found, r.Look(longest, noon).Outcome)
	require.Equal(t, Unknown, r.Look(longest+"k", noon).Outcome)
}

func TestEmptyRing(t *testing.T) {
	k, outcome := ring(t).Find("", noon)
	require.Nil(t, k)
	require.Equal(t, Unknown, outcome)
}

func TestZeroOutcomeLetsNobodyIn(t *testing.T) {
	var use Use
	require.NotEqual(t, Found, use.Outcome)
	require.Equal(t, Unknown, ring(t).Again(use, noon))
}

func TestFindAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "keys")
		var keys []Key
		owner := map[string]string{}
		for i := range n {
			k := Key{ID: fmt.Sprintf("k%d", i), Scopes: []string{"read"}}
			for range rapid.IntRange(1, 3).Draw(t, "secrets") {
				s := rapid.StringN(1, 30, 60).Filter(func(s string) bool { return owner[s] == "" }).Draw(t, "secret")
				owner[s] = k.ID
				k.Secrets = append(k.Secrets, Secret{Hash: HashSecret(s)})
			}
			keys = append(keys, k)
		}
		under := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "pepper")
		r, err := NewRing(keys, under)
		require.NoError(t, err)
		probe := rapid.String().Draw(t, "probe")
		for s, id := range owner {
			k, outcome := r.Find(s, noon)
			require.Equal(t, Found, outcome)
			require.Equal(t, id, k.ID)
		}
		_, outcome := r.Find(probe, noon)
		require.Equal(t, owner[probe] != "", outcome == Found)
	})
}

func TestNewRingReportsEveryMistake(t *testing.T) {
	secret := mint(t)
	_, err := NewRing([]Key{
		simpleKey("ci", secret),
		simpleKey("ci", mint(t)),
		simpleKey("thief", secret),
		simpleKey("-x", mint(t)),
		{ID: "empty", Scopes: []string{"read"}},
		{ID: "rights", Scopes: []string{`"quoted"`}, Plan: "no plan", Agents: []string{""}, Sites: []string{"a b"},
			From: []netip.Prefix{{}}, Entity: "me", Secrets: []Secret{{Hash: HashSecret("1")}}},
		{ID: "zero", Scopes: []string{"read"}, Secrets: []Secret{{}}},
		{ID: "scopeless", Secrets: []Secret{{Hash: HashSecret("2")}}},
		{ID: "pepper", Scopes: []string{"read"}, Secrets: []Secret{{Hash: HashSecret("3"), Peppered: true}}},
		{ID: "twins", Scopes: []string{"read"}, Secrets: []Secret{{ID: "a", Hash: HashSecret("4")}, {ID: "a", Hash: HashSecret("5")}}},
	}, nil)
	for _, want := range []string{
		"two keys have the id ci",
		"key thief: secret 1 is also secret 1 of key ci",
		"character 1 is '-'",
		"key empty: it has no secret",
		"key rights: scope 1:",
		"key rights: plan:",
		"key rights: agent 1:",
		"key rights: site 1:",
		"key rights: from 1:",
		"key rights: entity",
		"key zero: secret 1 has no hash",
		"key scopeless: it has no scope",
		"key pepper: secret 1 was stored under a pepper",
		"key twins: two secrets have the id a",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), secret)
}

func TestPepperedHashesStayAsTheyAre(t *testing.T) {
	secret := mint(t)
	k := simpleKey("ci", secret)
	k.Secrets[0].Hash = k.Secrets[0].Hash.Peppered(pepper)
	k.Secrets[0].Peppered = true
	r, err := NewRing([]Key{k}, pepper)
	require.NoError(t, err)
	require.Equal(t, Found, r.Look(secret, noon).Outcome)

	r, err = NewRing([]Key{k}, []byte("another pepper, as good as any"))
	require.NoError(t, err)
	require.Equal(t, Unknown, r.Look(secret, noon).Outcome)
}

func TestSameSecretPepperedAndPlainIsOneSecret(t *testing.T) {
	a, b := simpleKey("a", "x"), simpleKey("b", "x")
	b.Secrets[0] = Secret{Hash: HashSecret("x").Peppered(pepper), Peppered: true}
	_, err := NewRing([]Key{a, b}, pepper)
	require.ErrorContains(t, err, "also secret 1 of key a")
}

func TestRingKeepsItsOwnCopy(t *testing.T) {
	secret := mint(t)
	given := []Key{simpleKey("ci", secret)}
	r := ring(t, given...)
	given[0].Scopes[0] = "admin"
	given[0].Secrets[0].Hash = Hash{1}
	k, outcome := r.Find(secret, noon)
	require.Equal(t, Found, outcome)
	require.False(t, k.Has("admin"))
	r.Keys()[0].Scopes[0] = "admin"
	require.False(t, k.Has("admin"))
}

func TestAgainFollowsTheNewRing(t *testing.T) {
	secret := mint(t)
	use := ring(t, simpleKey("ci", secret)).Look(secret, noon)
	again := func(k Key, under []byte) Outcome {
		r, err := NewRing([]Key{k}, under)
		require.NoError(t, err)
		return r.Again(use, noon)
	}
	require.Equal(t, Found, again(simpleKey("ci", secret), nil))
	require.Equal(t, Found, again(simpleKey("ci", secret), pepper))
	require.Equal(t, Unknown, again(simpleKey("ci", mint(t)), nil))
	require.Equal(t, Unknown, again(simpleKey("other", secret), nil), "the same secret may now open another key")
	ended := simpleKey("ci", secret)
	ended.Expires = noon
	require.Equal(t, Expired, again(ended, nil))
	ended.Revoked = noon
	require.Equal(t, Revoked, again(ended, nil))
}

// TestAgainKeepsToTheRights holds that a use is good as long as the key may do all that it could, and more does no harm.
func TestAgainKeepsToTheRights(t *testing.T) {
	secret := mint(t)
	office, home := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")
	of := func(change func(*Key)) *Ring {
		k := simpleKey("ci", secret)
		k.Scopes, k.Agents, k.Sites, k.From, k.Entity = []string{"read", "chat"}, []string{"A", "B"}, []string{"x.example"}, []netip.Prefix{office}, "e0000000-0000-4000-8000-00000000000e"
		change(&k)
		return ring(t, k)
	}
	use := of(func(*Key) {}).Look(secret, noon)
	for name, test := range map[string]struct {
		change func(*Key)
		want   Outcome
	}{
		"as it was":         {func(*Key) {}, Found},
		"another plan":      {func(k *Key) { k.Plan = "pro" }, Found},
		"more scopes":       {func(k *Key) { k.Scopes = []string{"chat", "read", "admin"} }, Found},
		"all scopes":        {func(k *Key) { k.Scopes = []string{"*"} }, Found},
		"more agents":       {func(k *Key) { k.Agents = []string{"c", "b", "a"} }, Found},
		"all agents, sites": {func(k *Key) { k.Agents, k.Sites = nil, nil }, Found},
		"all networks":      {func(k *Key) { k.From = nil }, Found},
		"any entity":        {func(k *Key) { k.Entity = "" }, Found},
		"a scope less":      {func(k *Key) { k.Scopes = []string{"read"} }, Reduced},
		"an agent less":     {func(k *Key) { k.Agents = []string{"a", "c"} }, Reduced},
		"another site":      {func(k *Key) { k.Sites = []string{"y.example"} }, Reduced},
		"another network":   {func(k *Key) { k.From = []netip.Prefix{home} }, Reduced},
		"another entity":    {func(k *Key) { k.Entity = "f0000000-0000-4000-8000-00000000000f" }, Reduced},
		"revoked besides":   {func(k *Key) { k.Scopes, k.Revoked = []string{"read"}, noon }, Revoked},
	} {
		require.Equal(t, test.want, of(test.change).Again(use, noon), name)
	}
	unlimited := of(func(k *Key) { k.Agents, k.Sites, k.From, k.Entity = nil, nil, nil, "" })
	require.Equal(t, Reduced, of(func(*Key) {}).Again(unlimited.Look(secret, noon), noon), "limited now")
}

func TestConcurrentFind(t *testing.T) {
	secret := mint(t)
	r := ring(t, simpleKey("ci", secret))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 1000 {
				if _, outcome := r.Find(secret, noon.Add(time.Duration(g*i)*time.Millisecond)); outcome != Found {
					t.Error(outcome)
				}
				r.Keys()
			}
		})
	}
	all.Wait()
	require.Equal(t, noon.Add(6*time.Second), r.Keys()[0].Secrets[0].LastUsed)
}

func TestFindAllocatesNothing(t *testing.T) {
	secret := mint(t)
	for _, under := range [][]byte{nil, pepper} {
		r, err := NewRing([]Key{simpleKey("ci", secret)}, under)
		require.NoError(t, err)
		for _, s := range []string{secret, secret[:20], "q6BdRzpMqkPCtl5KsQbzZp4H+f/l0S3KXvGHJHDKk0E=", strings.Repeat("x", ordinaryLength)} {
			require.Zero(t, testing.AllocsPerRun(100, func() { r.Find(s, noon) }))
		}
	}
}

func TestKeyAllows(t *testing.T) {
	k := Key{
		Scopes: []string{"read", "chat"},
		From: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:192.0.2.0/120"),
		},
		Sites:  []string{"Agents.example.com"},
		Agents: []string{"B850BC30-45F8-0041-A00A-83DF46D8555D"},
	}
	require.True(t, k.Has("chat"))
	require.False(t, k.Has("admin"))
	require.False(t, k.Has(""))
	require.True(t, (&Key{Scopes: []string{"*"}}).Has("admin"))
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.1.2.3": false, "2001:db8::1": true, "2001:db9::1": false,
		"192.0.2.7": true, "192.0.3.7": false, "::ffff:192.0.2.7": true, "2001:db8::1%eth0": true,
	} {
		require.Equal(t, want, k.AllowsAddr(netip.MustParseAddr(addr)), addr)
	}
	require.False(t, k.AllowsAddr(netip.Addr{}))
	require.True(t, k.AllowsSite("agents.EXAMPLE.com"))
	require.False(t, k.AllowsSite("example.com"))
	require.False(t, k.AllowsSite(""))
	require.True(t, k.AllowsAgent("b850bc30-45f8-0041-a00a-83df46d8555d"))
	require.False(t, k.AllowsAgent(""))
	free := Key{}
	require.True(t, free.AllowsAddr(netip.Addr{}) && free.AllowsSite("x") && free.AllowsAgent(""))
	require.False(t, free.Has("read"))
}

func TestPrintingShowsNoHash(t *testing.T) {
	k := simpleKey("ci", "x")
	hash := strings.TrimPrefix(HashSecret("x").String(), HashPrefix)
	raw := fmt.Sprint([32]byte(HashSecret("x")))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{k, &k, k.Secrets, k.Secrets[0], &k.Secrets[0], []Key{k}} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, hash, verb)
			require.NotContains(t, text, strings.Trim(raw, "[]"), verb)
		}
	}
	data, err := json.Marshal(k)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"ci","scopes":["read"],"secrets":[{"id":""}]}`, string(data))
}

func TestCheckID(t *testing.T) {
	for _, good := range []string{"a", "0", "ci", "CI-2.prod_eu", strings.Repeat("x", 64)} {
		require.NoError(t, CheckID(good))
	}
	for _, bad := range []string{"", ".", "-a", "_a", "a b", "a/b", "ä", "a\n", "a+b", strings.Repeat("x", 65), mint(t)} {
		err := CheckID(bad)
		require.Error(t, err, bad)
		if len(bad) > 3 {
			require.NotContains(t, err.Error(), bad)
		}
	}
}
