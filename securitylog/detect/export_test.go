package detect

// Steps returns how many bytes the rules visited for a target, the first gate left out.
func (d *Detector) Steps(target string) int {
	var steps int
	work = &steps
	defer func() { work = nil }()
	d.run(func(s *scan) { s.target(target) })
	return steps
}

// Normalise returns the normalised form of a text.
func Normalise(raw string, plus bool) string {
	b, _ := new(scan).normalise(raw, plus)
	return string(b)
}

// Quiet reports whether the first gate lets a target through.
func Quiet(target string) bool { return quietTarget(target) }

// Unescape returns a text with references and escapes decoded.
func Unescape(text string) string {
	b, _ := unescapeMarkup(nil, []byte(text))
	return string(b)
}

// WordRun is wordRun.
func WordRun(text string, from int) int { return wordRun(text, from) }
