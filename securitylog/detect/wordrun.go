package detect

import "math/bits"

// wordRun returns the end of the run of word bytes (letters, digits, underscores) that starts at i. It looks at eight bytes at a time:
// words end anywhere, and a loop over bytes would guess their end wrongly each time.
func wordRun(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		t := s[i : i+8]
		x := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		if other := otherBytes(x); other != 0 {
			return i + bits.TrailingZeros64(other)>>3
		}
	}
	for i < len(s) && isWordByte(s[i]) {
		i++
	}
	return i
}

// otherBytes returns the upper bit of each of eight bytes that is no word byte. The sums do not carry from one byte to the next, since
// the upper bits are taken out first.
func otherBytes(x uint64) uint64 {
	const ones, upper = 0x0101010101010101, 0x8080808080808080
	low := x &^ upper
	digit := (low + (0x80-'0')*ones) &^ (low + (0x80-'9'-1)*ones)
	folded := low | 0x20*ones
	letter := (folded + (0x80-'a')*ones) &^ (folded + (0x80-'z'-1)*ones)
	underscore := ^((low ^ '_'*ones) + 0x7F*ones)
	return (^(digit | letter | underscore) | x) & upper
}
