package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHashSecretIsSHA256(t *testing.T) {
	// FIPS 180-2, appendix B.1
	require.Equal(t, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", HashSecret("abc").String())
}

func TestPepperedIsHMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.String().Draw(t, "secret")
		length := rapid.SampledFrom([]int{1, 16, 63, 64, 65, 200}).Draw(t, "length")
		pepper := rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "pepper")
		mac := hmac.New(sha256.New, pepper)
		inner := sha256.Sum256([]byte(secret))
		mac.Write(inner[:])
		require.Equal(t, mac.Sum(nil), func() []byte { h := HashSecret(secret).Peppered(pepper); return h[:] }())
	})
}

func TestNoPepperChangesNothing(t *testing.T) {
	h := HashSecret("abc")
	require.Equal(t, h, h.Peppered(nil))
	require.Equal(t, h, h.Peppered([]byte{}))
}

func TestParseHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := HashSecret(rapid.String().Draw(t, "secret"))
		back, err := ParseHash(h.String())
		require.NoError(t, err)
		require.Equal(t, h, back)
	})
	good := HashSecret("abc").String()
	for name, text := range map[string]string{
		"empty":            "",
		"a secret":         "agk_0123456789",
		"no prefix":        strings.TrimPrefix(good, HashPrefix),
		"another kind":     "md5:" + strings.TrimPrefix(good, HashPrefix),
		"short":            good[:len(good)-1],
		"long":             good + "0",
		"not hex":          good[:len(good)-1] + "g",
		"zeros":            HashPrefix + strings.Repeat("0", 64),
		"upper-case start": strings.ToUpper(HashPrefix) + strings.TrimPrefix(good, HashPrefix),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseHash(text)
			require.Error(t, err)
			if text != "" {
				require.NotContains(t, err.Error(), text)
			}
		})
	}
}
