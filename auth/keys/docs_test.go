package keys

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of the documentation is a good file, and its tables name every field there is.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/key-file.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(page), "```json\n")
	require.True(t, ok)
	example, rest, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	doc, err := ParseDocument([]byte(example))
	require.NoError(t, err)
	require.Len(t, doc.Keys, 1)
	ofKey, ofSecret, ok := strings.Cut(rest, "## Fields of a secret")
	require.True(t, ok)
	for _, field := range strings.Split(keyFields, ", ") {
		require.Contains(t, ofKey, "| `"+field+"` |")
	}
	for _, field := range strings.Split(secretFields, ", ") {
		require.Contains(t, ofSecret, "| `"+field+"` |")
	}
}
