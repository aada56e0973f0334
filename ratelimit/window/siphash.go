package window

import "math/bits"

// sipKey is the secret key of a SipHash-2-4. hash/maphash would be faster, but
// its seeds cannot be saved, and counters restored from a snapshot must be found
// under the identities that they were saved with.
type sipKey struct{ k0, k1 uint64 }

// sip is a SipHash-2-4 in progress (Aumasson and Bernstein, 2012) over whole
// words: whatever is shorter is padded, after its length.
type sip struct {
	v0, v1, v2, v3 uint64
	words          int
}

func (k sipKey) begin() sip {
	return sip{
		v0: k.k0 ^ 0x736f6d6570736575,
		v1: k.k1 ^ 0x646f72616e646f6d,
		v2: k.k0 ^ 0x6c7967656e657261,
		v3: k.k1 ^ 0x7465646279746573,
	}
}

func (s *sip) round() {
	s.v0 += s.v1
	s.v2 += s.v3
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v1
	s.v0 += s.v3
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 = bits.RotateLeft64(s.v2, 32)
}

func (s *sip) absorb(m uint64) {
	s.v3 ^= m
	s.round()
	s.round()
	s.v0 ^= m
}

func (s *sip) word(m uint64) {
	s.absorb(m)
	s.words++
}

// text writes the length before the bytes, so that ("ab", "c") and ("a", "bc")
// differ.
func (s *sip) text(t string) {
	s.word(uint64(len(t)))
	for len(t) > 0 {
		var w uint64
		for i := range min(8, len(t)) {
			w |= uint64(t[i]) << (8 * i)
		}
		s.word(w)
		t = t[min(8, len(t)):]
	}
}

func (s *sip) sum() uint64 {
	s.absorb(uint64(s.words*8) << 56)
	s.v2 ^= 0xff
	for range 4 {
		s.round()
	}
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}
