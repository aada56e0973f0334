package keys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"regexp"
	"slices"
	"strings"
)

// The layout of a secret made here is GitHub's: a prefix by which scanners find it, 30 random characters (178 bits) and
// the CRC32 of those 30 in six, by which a typo is told from a guess without a look-up.
const (
	SecretPrefix   = "agk_"
	randomLength   = 30
	checksumLength = 6
	secretLength   = len(SecretPrefix) + randomLength + checksumLength
)

// MinSecretLength is the least number of characters of a secret that an operator chooses.
const MinSecretLength = 16

// MaxSecretLength bounds what is looked up: longer values are never a key, so a header of a megabyte costs no more to
// refuse than a key of this length.
const MaxSecretLength = 1024

// The order of digits is GitHub's too; its checksums come out the same.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// samples are values that stand in public documentation, so everybody knows them. They are compared without regard to
// case and to the difference between - and _.
var samples = []string{
	"your-secret-api-key",
	"your-secure-token-here",
	"your-api-key",
	"your-api-key-here",
	"your-secret-key",
	"your-secret-token",
	"your-auth-token",
	"your-server-auth-token",
	"your-super-secret-key",
	"secretsalt",
	"replace-with-a-secret",
	"replace-me",
	"my-secret-api-key",
	"super-secret-token",
	"eliza-server-auth-token",
	"0123456789abcdef",
	"1234567890123456",
	"passwordpassword",
}

// samplePrefixes begin, and sampleSuffix ends, values which only ask to be replaced.
var samplePrefixes = []string{"changeme", "change-me", "change-this", "replace-me", "your-", "put-your-", "put-the-", "insert-", "<"}

const sampleSuffix = "-here"

// variable is the name of a variable as shells, Node and other programs write
// it, or a command for a shell: what was meant is its value.
var variable = regexp.MustCompile("^(\\$\\{.*\\}|\\$\\(.*\\)|`.*`|\\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|(process\\.)?env\\.[A-Z_][A-Z0-9_]*)$")

// NewSecret returns a new secret: "agk_", 30 random base62 characters and 6 of checksum. The randomness is
// crypto/rand's, without bias.
func NewSecret() (string, error) {
	secret := make([]byte, 0, secretLength)
	secret = append(secret, SecretPrefix...)
	var pool [2 * randomLength]byte
	for len(secret) < len(SecretPrefix)+randomLength {
		if _, err := rand.Read(pool[:]); err != nil {
			return "", fmt.Errorf("no random numbers for a new key: %w", err)
		}
		secret = appendBase62(secret, pool[:], len(SecretPrefix)+randomLength)
	}
	sum := checksum(string(secret[len(SecretPrefix):]))
	return string(append(secret, sum[:]...)), nil
}

// Bits estimates how much chance is in a secret, by what it looks like: the entropy of its characters (Shannon) times
// their number. Words score too well by it, so what it calls weak is weak. A secret made here has its 178 bits.
func Bits(secret string) int {
	if ours, whole := Shape(secret); ours && whole {
		return 178
	}
	var seen [256]int
	for i := range len(secret) {
		seen[secret[i]]++
	}
	bits, n := 0.0, float64(len(secret))
	for _, count := range seen {
		if count > 0 {
			bits -= float64(count) * math.Log2(float64(count)/n)
		}
	}
	return int(bits)
}

// appendBase62 turns random bytes into base62 digits until dst has the wanted length. Bytes from 248 (4 x 62) up are
// thrown away, since they would make the first digits likelier.
func appendBase62(dst, random []byte, length int) []byte {
	for _, b := range random {
		if len(dst) == length {
			break
		}
		if b < 4*62 {
			dst = append(dst, base62[b%62])
		}
	}
	return dst
}

// checksum takes the CRC32 by its table: crc32.ChecksumIEEE would copy the string to the heap on every look-up.
func checksum(random string) [checksumLength]byte {
	sum := ^uint32(0)
	for i := range len(random) {
		sum = crc32.IEEETable[byte(sum)^random[i]] ^ sum>>8
	}
	sum = ^sum
	var digits [checksumLength]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return digits
}

// Shape reports whether s looks like a secret made by [NewSecret] (it starts with "agk_"), and whether its length and
// checksum are right. Ours with a wrong checksum is a key mistyped or cut short, rather than a guess.
func Shape(s string) (ours, checksumOK bool) {
	body, ours := strings.CutPrefix(s, SecretPrefix)
	if !ours || len(s) != secretLength {
		return ours, false
	}
	want := checksum(body[:randomLength])
	if body[randomLength:] != string(want[:]) {
		return true, false
	}
	for i := range len(body) {
		if !isBase62(body[i]) {
			return true, false
		}
	}
	return true, true
}

func isBase62(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// wayOut ends every complaint about a secret.
const wayOut = "make a good one with `gatehouse key add <name>` or `openssl rand -base64 32`"

// Weak returns an error when a secret must not guard anything: it is shorter than 16 characters, longer than 1024, is a
// sample of public documentation or the name of a variable, holds characters that a header does not carry unchanged, or starts with "agk_" and has
// a wrong checksum (it was mistyped). The message says how to make a good one and never repeats the secret.
func Weak(secret string) error {
	reason := weakness(secret)
	if reason == "" {
		return nil
	}
	return errors.New(reason + "; " + wayOut)
}

func weakness(secret string) string {
	if secret == "" {
		return "the key is empty"
	}
	if isSample(secret) {
		return "the key is a sample that stands in public documentation, so everybody knows it"
	}
	if variable.MatchString(strings.TrimSpace(secret)) {
		return "the key is the name of a variable, or a command, and not what it stands for: " +
			"write {env.NAME} in a Caddyfile, and the value itself in an .env file"
	}
	if len(secret) < MinSecretLength {
		return fmt.Sprintf("the key is shorter than %d characters, so it can be guessed", MinSecretLength)
	}
	if len(secret) > MaxSecretLength {
		return fmt.Sprintf("the key is longer than %d characters", MaxSecretLength)
	}
	if strings.ContainsFunc(secret, notVisibleASCII) {
		return "the key has blanks, control characters or characters outside ASCII, which a header does not carry unchanged"
	}
	if ours, ok := Shape(secret); ours && !ok {
		return "the key starts with " + SecretPrefix + " but its checksum is wrong: it was mistyped or cut short"
	}
	return ""
}

func isSample(secret string) bool {
	plain := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(secret)), "_", "-")
	return slices.Contains(samples, plain) || strings.HasSuffix(plain, sampleSuffix) ||
		slices.ContainsFunc(samplePrefixes, func(p string) bool { return strings.HasPrefix(plain, p) })
}

func notVisibleASCII(r rune) bool {
	return r <= ' ' || r > '~'
}
