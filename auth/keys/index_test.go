package keys

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Hashes that share what the index looks at first are told apart, and absent ones are not found, however full it is.
func TestIndexTellsSimilarHashesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		similar := rapid.Custom(func(t *rapid.T) (h Hash) {
			h[0] = rapid.Byte().Draw(t, "place") & 3
			h[8] = rapid.Byte().Draw(t, "tag") & 1
			h[31] = rapid.ByteMin(1).Draw(t, "rest")
			return h
		})
		hashes := rapid.SliceOfNDistinct(similar, 0, 100, rapid.ID).Draw(t, "hashes")
		absent := similar.Draw(t, "absent")
		x := newIndex(len(hashes))
		present := map[Hash]bool{}
		for _, h := range hashes {
			x.add(slot{hash: h})
			present[h] = true
		}
		for _, h := range hashes {
			require.Equal(t, h, x.find(&h).hash)
		}
		require.Equal(t, present[absent], x.find(&absent) != nil)
		require.Nil(t, x.find(&Hash{}), "zeros are nobody's hash")
	})
}
