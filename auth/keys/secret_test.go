package keys

import (
	"crypto/rand"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNewSecret(t *testing.T) {
	layout := regexp.MustCompile(`^agk_[0-9A-Za-z]{36}$`)
	seen := map[string]bool{}
	for range 1000 {
		secret, err := NewSecret()
		require.NoError(t, err)
		require.Regexp(t, layout, secret)
		require.False(t, seen[secret], "minted twice")
		seen[secret] = true
		ours, ok := Shape(secret)
		require.True(t, ours && ok)
		require.NoError(t, Weak(secret))
	}
}

// The example token of GitHub's own announcement of this layout: same checksum, same digits.
func TestChecksumIsGitHubs(t *testing.T) {
	sum := checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ")
	require.Equal(t, "0mLq17", string(sum[:]))
}

func TestNewSecretIsUnbiased(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	count := map[byte]int{}
	for _, digit := range appendBase62(nil, every, 256) {
		count[digit]++
	}
	require.Len(t, count, 62)
	for digit, n := range count {
		require.Equal(t, 4, n, "digit %c", digit)
	}
}

func TestShapeFindsEveryTypo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret, err := NewSecret()
		require.NoError(t, err)
		i := rapid.IntRange(len(SecretPrefix), len(secret)-1).Draw(t, "place")
		c := rapid.SampledFrom([]byte(base62+"-_+/= ")).Filter(func(c byte) bool { return c != secret[i] }).Draw(t, "typo")
		for _, typo := range []string{
			secret[:i] + string(c) + secret[i+1:],
			secret[:i] + secret[i+1:],
			secret[:i] + string(c) + secret[i:],
			secret[:i],
		} {
			ours, ok := Shape(typo)
			require.True(t, ours)
			require.False(t, ok, typo)
		}
	})
	for _, other := range []string{"", "agk", "AGK_x", "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", " agk_x"} {
		ours, ok := Shape(other)
		require.False(t, ours || ok, other)
	}
}

func TestShapeNeedsBase62(t *testing.T) {
	random := strings.Repeat("+", randomLength)
	sum := checksum(random)
	ours, ok := Shape(SecretPrefix + random + string(sum[:]))
	require.True(t, ours)
	require.False(t, ok)
}

func TestWeak(t *testing.T) {
	for name, secret := range map[string]string{
		"empty":                "",
		"short":                "fifteen-letters",
		"sample":               "your-secret-api-key",
		"sample, upper case":   "YOUR_SECRET_API_KEY",
		"sample of the docs":   "your-secure-token-here",
		"sample of curl":       "YOUR_API_KEY",
		"sample, export":       "your-api-key",
		"changeme":             "changeme-changeme-changeme",
		"change this":          "change_this_to_something_long",
		"salt":                 "secretsalt",
		"inner blank":          "sixteen letters and more",
		"newline at the end":   "sixteen-letters-and-more\n",
		"not ASCII":            "sixteen-letters-and-möre",
		"endless":              strings.Repeat("x7", 600),
		"mistyped":             "agk_0000000000000000000000000000000000000",
		"sample with a blank":  " your-secure-token-here",
		"sample of the README": "put-the-random-text-here",
		"to be filled in":      "<your-api-key-goes-in>",
		"ends in here":         "paste_the_secret_HERE",
		"a shell's variable":   "${MOBILE_CLIENT_API_KEY}",
		"without braces":       "$MOBILE_CLIENT_API_KEY",
		"of Windows":           "%MOBILE_CLIENT_API_KEY%",
		"of Node":              "process.env.MOBILE_KEY",
		"without its braces":   "env.MOBILE_CLIENT_API_KEY",
		"a shell's command":    "$(openssl rand -base64 32)",
		"in backticks":         "`openssl rand -hex 32`",
	} {
		t.Run(name, func(t *testing.T) {
			err := Weak(secret)
			require.Error(t, err)
			require.ErrorContains(t, err, "`gatehouse key add <name>`")
			require.ErrorContains(t, err, "`openssl rand -base64 32`")
			if secret != "" {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
	require.NoError(t, Weak("sixteen-letters!"))
	require.NoError(t, Weak("$2y$sixteen-letters"))
	random := make([]byte, 32)
	for range 100 {
		_, err := rand.Read(random)
		require.NoError(t, err)
		require.NoError(t, Weak(base64.StdEncoding.EncodeToString(random)))
	}
}

func FuzzShape(f *testing.F) {
	secret, err := NewSecret()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(secret)
	f.Add("agk_")
	f.Add("")
	f.Add(secret + "\x00")
	layout := regexp.MustCompile(`^agk_[0-9A-Za-z]{36}$`)
	f.Fuzz(func(t *testing.T, s string) {
		ours, ok := Shape(s)
		if ours != strings.HasPrefix(s, "agk_") {
			t.Fatal("ours is the prefix, and nothing else")
		}
		if ok && !layout.MatchString(s) {
			t.Fatalf("accepted %q", s)
		}
		if err := Weak(s); err != nil && len(s) > 8 && strings.Contains(err.Error(), s) && !strings.Contains(weakness("x")+weakness("")+wayOut, s) {
			t.Fatal("the error repeats the secret")
		}
	})
}
