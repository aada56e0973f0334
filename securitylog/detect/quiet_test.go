package detect_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// TestTablesHideNoWord puts listed words in any place and case to the first gate, with its tables and without: they are there to be quick
// and may not change an answer.
func TestTablesHideNoWord(t *testing.T) {
	target, agent := detect.ListedWords()
	check := func(fatalf func(string, ...any), text string) {
		quiet, quietAgent := detect.Quiet(text), detect.QuietAgent(text)
		detect.WithoutTables(func() {
			if detect.Quiet(text) != quiet {
				fatalf("quiet target %q: %t with the tables", text, quiet)
			}
			if detect.QuietAgent(text) != quietAgent {
				fatalf("quiet agent %q: %t with the tables", text, quietAgent)
			}
		})
	}
	for _, word := range append(target, agent...) {
		for _, form := range []string{"%s", "/%s", "/%s/x", "a %s", "/?q=%s", "/?q=a+%s+b", "/?q=%s:8", "/?q=%s+1", "%s/1", "(%s-1.0; x)"} {
			check(t.Fatalf, fmt.Sprintf(form, word))
			check(t.Fatalf, fmt.Sprintf(form, strings.ToUpper(word)))
		}
	}
	word := rapid.SampledFrom(append(append(target, agent...), "a", "7", "_", "0x2e", "information", "constructors", "\xa0", "é"))
	between := rapid.SampledFrom([]string{"", "/", "?", "=", "&", "+", " ", "%20", ".", ":", "-", "--", "@", "%2f", "%C3%A9", ";", "("})
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(1, 12).Draw(t, "words") {
			w := word.Draw(t, "word")
			if rapid.Bool().Draw(t, "upper") {
				w = strings.ToUpper(w)
			}
			text.WriteString(w + between.Draw(t, "between"))
		}
		check(t.Fatalf, text.String())
	})
}
