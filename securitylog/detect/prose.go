package detect

import (
	"bytes"
	"encoding/binary"
)

// blankless reports whether the text holds eight characters in a row of Chinese, Japanese or Korean, which is a sentence where no blanks are
// written.
func blankless(b []byte) bool {
	const least, upper = 8, 0x8080808080808080
	if len(b) < 3*least {
		return false
	}
	step(len(b))
	i, run := 0, 0
	for i+8 <= len(b) && binary.LittleEndian.Uint64(b[i:])&upper == 0 { // as nearly all texts are
		i += 8
	}
	for i+2 < len(b) {
		if c := b[i]; c < 0xE3 || c > 0xED {
			run = 0
			i++
			continue
		}
		if run++; run == least {
			return true
		}
		i += 3
	}
	return false
}

// readsLikeProse reports whether the text holds four words in a row, of letters alone and with single spaces between. SQL's own
// words and shell names do not count as words of a sentence.
func readsLikeProse(b []byte) bool {
	const least = 7 // four letters and the blanks between them
	if blankless(b) {
		return true
	}
	if len(b) < least || bytes.Count(b, []byte{' '})+bytes.Count(b, []byte{'+'}) < 3 {
		return false
	}
	run := 0
	for i := 0; i < len(b); {
		start := i
		for i < len(b) && (isLetter(b[i]) || b[i] >= 0x80) {
			i++
		}
		if n := i - start; n > 0 && (i == len(b) || b[i] == ' ' || b[i] == '+' || b[i] == ',' || b[i] == '.' || b[i] == '?' || b[i] == '!' || (b[i] == ';' || b[i] == ':') && at(b, i+1) == ' ') {
			if !sqlProseStops.has(b[start:i]) {
				run++
			}
			if run >= 4 {
				return true
			}
			if i < len(b) && b[i] != ' ' {
				blank := b[i] == '+' // a blank encoded twice
				i++
				if blank {
					continue
				}
			}
			if i < len(b) && b[i] == ' ' {
				i++
				continue
			}
		}
		run = 0
		if i == start {
			i++
		}
	}
	return false
}
