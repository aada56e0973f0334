package detect

var (
	agentWords = wordSet(scannerNames.words, callbackWords.words, firstNames.words,
		[]string{"union", "select", "waitfor", "order", "jndi", "script", "javascript", "insert", "delete", "drop", "exec", "sleep", "etc", "passwd", "or", "and", "having", "onerror", "onload", "onmouseover", "alert", "rlike", "vbscript", "procedure"})
	agentTable = tableOf(agentWords.words)
	// stemTable holds the first four letters of scannerStems and scannerPhrases, hashed.
	stemTable = func() *[1 << 13]bool {
		t := new([1 << 13]bool)
		for _, w := range scannerStems.words {
			t[stemHash(w)] = true
		}
		for _, w := range scannerPhrases {
			t[stemHash(w)] = true
		}
		return t
	}()
)

// quietAgent judges a User-Agent, or another header whose brackets and semicolons mean nothing.
func quietAgent(s string) bool {
	const browser = "Mozilla/"
	start := 0
	if len(s) > len(browser) && s[:len(browser)] == browser {
		if start = len(browser); !browserVersion(s[start:min(len(s), start+6)]) {
			return false
		}
	}
	for i := start; i <= len(s); i++ {
		i = wordRun(s, i)
		kind := byteBreak
		if i < len(s) {
			kind = agentBytes[s[i]]
		}
		switch kind {
		case byteBreak:
		case byteLoud, bytePercent, byteHigh:
			return false
		case byteDot:
			if nextByte(s, i+1) == '.' || nextByte(s, i+1) == '/' {
				return false
			}
		case byteAt:
			if nextByte(s, i+1) == '@' {
				return false
			}
		case byteDash:
			if nextByte(s, i+1) == '-' {
				return false
			}
		}
		if n := i - start; n > 0 && !isDigit(s[start]) { // no name begins with a digit
			if n > 1 && n <= maxWord && agentTable.may(s[start:i]) && agentLoud(s[start:i]) {
				return false
			}
			if start+4 <= len(s) && stemTable[stemHash(s[start:])] && stemLoud(s[start:i], s[start:]) {
				return false
			}
		}
		start = i + 1
	}
	return true
}

// stemHash hashes the first four bytes of s, letters of either case alike.
func stemHash(s string) uint32 {
	v := uint32(s[0]&31) | uint32(s[1]&31)<<5 | uint32(s[2]&31)<<10 | uint32(s[3]&31)<<15
	return v * 0x9E3779B1 >> 19
}

func agentLoud(word string) bool {
	var lower [maxWord]byte
	for i := range len(word) {
		c := word[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	return agentWords.has(lower[:len(word)])
}

// stemLoud reports whether a word begins with a scanner's name, or the text with a phrase.
func stemLoud(word, rest string) bool {
	var lower [32]byte
	n := min(len(rest), len(lower))
	for i := range n {
		c := rest[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	return scanner(lower[:min(n, len(word))]) || twoWordScanner(lower[:n])
}
