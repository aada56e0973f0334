package keys

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rules by which scanners are told to find leaked keys find every key that
// is made, wherever it stands, and nothing that only looks a little like one.
func TestDocumentedLeakRules(t *testing.T) {
	text, err := os.ReadFile("../../docs/authentication.md")
	require.NoError(t, err)
	find := func(pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
		require.NotNil(t, match, pattern)
		return match[1]
	}
	cell := func(name string) string {
		return strings.ReplaceAll(find(`(?m)^\| `+name+` \| `+"`(.*)` \\|$"), `\|`, "|")
	}
	rules := map[string]*regexp.Regexp{
		"gitleaks": regexp.MustCompile(find(`(?m)^regex = '''(.*)'''$`)),
		"GitHub":   regexp.MustCompile("(?:" + cell("Before secret") + ")(?:" + cell("Secret format") + ")(?:" + cell("After secret") + ")"),
	}
	keyword := find(`(?m)^keywords = \["(.*)"\]$`)
	for name, rule := range rules {
		for range 1000 {
			secret, err := NewSecret()
			require.NoError(t, err)
			require.Contains(t, secret, keyword)
			for _, around := range []string{"%", "KEY=%", `"%"`, "'%',", "X-API-KEY: %\r\n", "?api_key=%&a=b", "Bearer %", "\t%\n", "(%)", "/%/"} {
				line := strings.ReplaceAll(around, "%", secret)
				require.True(t, rule.MatchString(line), "%s does not find %q", name, line)
			}
			for _, other := range []string{secret[1:], "x" + secret, secret + "x", secret[:len(secret)-1], strings.ToUpper(secret[:4]) + secret[4:],
				secret[:10] + "-" + secret[11:], HashSecret(secret).String(), SecretPrefix + "test"} {
				require.False(t, rule.MatchString(other), "%s takes %q for a key", name, other)
			}
		}
	}
}
