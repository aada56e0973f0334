package events

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// recognizeHere makes secrets known by their hash for one test.
func recognizeHere(t testing.TB, secrets ...string) {
	sums := make(map[[sha256.Size]byte]bool)
	for _, secret := range secrets {
		sums[sha256.Sum256([]byte(secret))] = true
	}
	t.Cleanup(Recognize(func(sum [sha256.Size]byte) bool { return sums[sum] }))
}

// Secrets that are known by their hash alone are taken out wherever they stand,
// in whatever form operators make them.
func TestRecognized(t *testing.T) {
	secrets := []string{
		"correct-horse-battery-staple-9",
		"0123456789abcdef0123456789abcdef",
		"5f0f6a2e-7d1c-4c43-9b0e-1f1a5c0d2b7e",
		"/slash1first+and=inside/the.middle==",
		"ends.with.a.dot.1.",
		"PpqZhitgqbENOhVCwjZzVgPHIkIxqNzVhlIrTPZdlos=", // as one in some 1,500 is
	}
	for range 200 {
		random := make([]byte, 32)
		_, _ = rand.Read(random)
		secrets = append(secrets, base64.StdEncoding.EncodeToString(random), base64.RawURLEncoding.EncodeToString(random))
	}
	recognizeHere(t, secrets...)
	for _, secret := range secrets {
		for _, text := range []string{
			secret,
			"/read/" + secret,
			"/read/" + secret + "/more",
			"/read/" + url.PathEscape(secret) + "?x=1",
			"me/" + secret,
			"curl/8.5.0 (" + secret + ")",
			"https://" + secret + ".x.test",
			"x=1&q=" + url.QueryEscape(secret) + "&y=2",
			`{"a":"` + secret + `"}`,
			"dial " + secret + ": refused",
			strings.Repeat("0123456789 ", 300) + secret,
		} {
			got := Redact(text)
			if strings.Contains(got, secret) || strings.Contains(got, url.PathEscape(secret)) || strings.Contains(got, url.QueryEscape(secret)) {
				t.Errorf("%q is still in %q", secret, got)
			}
			if !strings.Contains(got, Redacted) {
				t.Errorf("%q: nothing tells that something was taken out", got)
			}
		}
	}
	for _, text := range []string{"/api/agents/a9e7c0de-0000-4000-8000-000000000001/rooms", "0b6f0c1e-1111-4222-8333-444455556666", "GET /assets/index-4DMBBIKO-WBI514jR.js"} {
		if got := Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestForgotten(t *testing.T) {
	const secret = "a-secret-that-is-forgotten-1"
	forget := Recognize(func(sum [sha256.Size]byte) bool { return sum == sha256.Sum256([]byte(secret)) })
	if Redact("/"+secret) != "/"+Redacted {
		t.Error("it is not recognized")
	}
	if forget(); Redact("/"+secret) != "/"+secret {
		t.Error("it is not forgotten")
	}
}

// However a client joins its text, the work grows with the text and no faster.
func TestRecognizingIsBounded(t *testing.T) {
	tried := 0
	t.Cleanup(Recognize(func([sha256.Size]byte) bool { tried++; return false }))
	text := strings.Repeat("a1-", 5000)
	Redact(text)
	if tried > 24+len(text)/8 {
		t.Errorf("%d texts were hashed of %d bytes", tried, len(text))
	}
}

func BenchmarkRecognize(b *testing.B) {
	recognizeHere(b, "a-secret-of-the-benchmark-1")
	for name, text := range map[string]string{
		"path":    "/api/messaging/sessions/a9e7c0de-0000-4000-8000-000000000001/messages",
		"agent":   "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
		"hostile": strings.Repeat("a1-", 5000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Redact(text)
			}
		})
	}
}
