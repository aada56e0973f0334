package detect_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

const wordBytes = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// TestWordRun compares the eight bytes at a time with one after the other, for every byte in every place of the eight.
func TestWordRun(t *testing.T) {
	for c := range 256 {
		for place := range 20 {
			text := strings.Repeat("k", place) + string([]byte{byte(c)}) + "zz/"
			want := place
			if strings.IndexByte(wordBytes, byte(c)) >= 0 {
				want = place + 3
			}
			if got := detect.WordRun(text, 0); got != want {
				t.Fatalf("%q ends at %d, not %d", text, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		want := from
		for want < len(text) && strings.IndexByte(wordBytes, text[want]) >= 0 {
			want++
		}
		if got := detect.WordRun(text, from); got != want {
			t.Errorf("%q from %d ends at %d, not %d", text, from, got, want)
		}
	})
}
