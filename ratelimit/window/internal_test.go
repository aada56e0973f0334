package window

import (
	"testing"
	"unsafe"
)

// TestCellSizes holds the sizes that the package comment states and that promise
// 3 rests on.
func TestCellSizes(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"sparse", unsafe.Sizeof(sparseCell{}), 64},
		{"dense", unsafe.Sizeof(denseCell{}), 176},
		{"wide", unsafe.Sizeof(wideCell{}), 304},
	} {
		if c.got != c.want {
			t.Errorf("%s cell: %d bytes, want %d", c.name, c.got, c.want)
		}
		if chunkBytes/c.want > 256 {
			t.Errorf("%s cell: more in a chunk than a ref can name", c.name)
		}
	}
}

// TestSipHash compares with the reference implementation's vectors for the key
// 00 01 ... 0f and the inputs (empty) and 00 01 ... 07.
func TestSipHash(t *testing.T) {
	k := sipKey{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	h := k.begin()
	if got := h.sum(); got != 0x726fdb47dd0e0e31 {
		t.Errorf("empty input: %#x", got)
	}
	h = k.begin()
	h.word(0x0706050403020100)
	if got := h.sum(); got != 0x93f5f5799a932462 {
		t.Errorf("eight bytes: %#x", got)
	}
}
