package events

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Two keys in the forms in which keys come: one of ours, and one that an
// operator has made with `openssl rand -base64 32`.
const (
	ownKey      = "agk_2vXg8Zk1Qw3ErTyUiOpAsDfGhJkLzX0aBcDe"
	operatorKey = "Zm9v+YmFyYmF6cXV4/MTIzNDU2Nzg5MGFiY2RlZg=="
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/api/agents", "/api/agents"},
		{"/api/agents?limit=10&sort=name", "/api/agents?limit=10&sort=name"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"},
		{"no such key: certificates/acme/x.crt", "no such key: certificates/acme/x.crt"},
		{"the bearer token is not a key of this site", "the bearer token is not a key of this site"},
		{`Bearer realm="agents", error="invalid_token"`, `Bearer realm="agents", error="invalid_token"`},
		{"dial tcp 127.0.0.1:3000: connect: connection refused", "dial tcp 127.0.0.1:3000: connect: connection refused"},

		{"/a?api_key=" + operatorKey, "/a?api_key=REDACTED"},
		{"/a?api_key=" + operatorKey + "&x=1", "/a?api_key=REDACTED&x=1"},
		{"/a?api_key=one&api_key=two", "/a?api_key=REDACTED&api_key=REDACTED"},
		{"/a?API-KEY=one", "/a?API-KEY=REDACTED"},
		{"/a?api%5Fkey=one&x=1", "/a?api%5Fkey=REDACTED&x=1"},
		{"/a?%2561pi_key=one", "/a?%2561pi_key=REDACTED"},
		{"/a?filter[apiKey]=one", "/a?filter[apiKey]=REDACTED"},
		{"/a?api_key=", "/a?api_key="},
		{"/a?x=%zz&token=one", "/a?x=%zz&token=REDACTED"},
		{"/a?next=%2Fb%3Fapi_key%3Done%26x%3D1", "/a?next=%2Fb%3Fapi_key%3DREDACTED%26x%3D1"},

		{"/agents/" + ownKey + "/x", "/agents/REDACTED/x"},
		{"/agents/" + strings.ToLower(ownKey), "/agents/REDACTED"},
		{"/agents/%61%67%6b_abc", "/agents/REDACTED"},
		{"/agents/%2561gk_abc", "/agents/REDACTED"},
		{"it starts with agk_ but", "it starts with agk_ but"},

		{"X-API-KEY: " + operatorKey, "X-API-KEY: REDACTED"},
		{"map[Accept:[*/*] X-Api-Key:[one two]]", "map[Accept:[*/*] X-Api-Key:[REDACTED]]"},
		{`{"api_key":"one","x":"y"}`, `{"api_key":"REDACTED","x":"y"}`},
		{`"{\"apiKey\": \"one\"}"`, `"{\"apiKey\": \"REDACTED"}"`},
		{"Authorization: Bearer " + operatorKey + " was sent", "Authorization: REDACTED was sent"},
		{"sent: bearer " + operatorKey, "sent: bearer REDACTED"},
		{"sent: Basic dXNlcjpwYXNzd29yZA==", "sent: Basic REDACTED"},
		{"dial redis://user:pass@10.0.0.9:6379/0 failed", "dial redis://REDACTED@10.0.0.9:6379/0 failed"},
	} {
		// What follows a redacted value up to its closing quote may go with it.
		if got := strings.ReplaceAll(Redact(c.text), `\"}`, `"}`); got != strings.ReplaceAll(c.want, `\"}`, `"}`) {
			t.Errorf("Redact(%q)\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

func TestConceal(t *testing.T) {
	Conceal("a backend's very own", "short")
	for text, want := range map[string]string{
		"it said a backend's very own twice: a backend's very own": "it said REDACTED twice: REDACTED",
		"%61%20backend's%20very%20own":                             "REDACTED",
		"a short word":                                             "a short word",
	} {
		if got := Redact(text); got != want {
			t.Errorf("Redact(%q) is %q, not %q", text, got, want)
		}
	}
	ConcealName("X-Agent-Badge")
	if got := Redact("/?x_agent_badge=one"); got != "/?x_agent_badge=REDACTED" {
		t.Error(got)
	}
}

// encode percent-encodes what of text the bits say, as a client could.
func encode(text string, bits uint64) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if bits>>(i%64)&1 == 1 {
			fmt.Fprintf(&b, "%%%02x", text[i])
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// revealed reports whether the key stands in text, under any encoding that a
// reader would think of.
func revealed(text, key string) bool {
	for range maxEncodings + 1 {
		if strings.Contains(text, key) || strings.Contains(text, strings.ReplaceAll(key, "+", " ")) {
			return true
		}
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			return false
		}
		text = plain
	}
	return false
}

func TestRedactProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.String().Draw(t, "before")
		after := rapid.String().Draw(t, "after")
		key := ownKey
		text := key
		for range rapid.IntRange(0, maxEncodings).Draw(t, "layers") {
			text = encode(text, rapid.Uint64().Draw(t, "bits"))
		}
		if rapid.Bool().Draw(t, "operator's") {
			key = operatorKey
			text = rapid.SampledFrom([]string{"?api_key=", "&token=", "X-API-KEY: ", "Authorization: Bearer ", `{"apiKey":"`}).Draw(t, "name") + key
		}
		line := before + text + " " + after
		if got := Redact(line); revealed(got, key) {
			t.Fatalf("Redact(%q) is %q", line, got)
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("/x/", "?y=1", uint64(0), uint8(0))
	f.Add("/x?api%5fkey=", "&%", uint64(0xffff), uint8(2))
	f.Add("%2", "%%41%", uint64(1), uint8(3))
	f.Fuzz(func(t *testing.T, before, after string, bits uint64, layers uint8) {
		text := ownKey
		for range layers % (maxEncodings + 1) {
			text = encode(text, bits)
		}
		// A digit behind a trailing "%" of before would be eaten by it.
		line := before + "/" + text + "/" + after
		got := Redact(line)
		if revealed(got, ownKey) {
			t.Fatalf("Redact(%q) is %q", line, got)
		}
		// An operator's key is known by its name or because it was presented.
		line = before + operatorKey + after
		if got := redact(line, []string{operatorKey}); revealed(got, operatorKey) {
			t.Fatalf("redact(%q) is %q", line, got)
		}
		if got := Redact(before); len(got) > 9*len(before)+len(Redacted) {
			t.Fatalf("Redact(%q) grows to %q", before, got)
		}
	})
}

// BenchmarkRedactHostile redacts what costs the most, in the two lengths that
// tell whether the cost grows faster than the text. Headers may have 16 KiB.
func BenchmarkRedactHostile(b *testing.B) {
	for _, part := range []string{"key=", "b:", "://a:b", "%6b=", "agk_a"} {
		for _, size := range []int{4 << 10, 16 << 10} {
			text := strings.Repeat(part, size/len(part))
			b.Run(fmt.Sprintf("%s/%d", part, size), func(b *testing.B) {
				for b.Loop() {
					Redact(text)
				}
			})
		}
	}
}
