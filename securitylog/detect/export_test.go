package detect

import (
	"slices"
)

// Steps returns how many bytes the rules visited for a target, the first gate left out.
func (d *Detector) Steps(target string) int {
	return d.steps(func(s *scan) { s.target(target) })
}

// StepsOfJSON is Steps for a body.
func (d *Detector) StepsOfJSON(body []byte) int {
	return d.steps(func(s *scan) { s.json(body) })
}

func (d *Detector) steps(inspect func(*scan)) int {
	var steps int
	work = &steps
	defer func() { work = nil }()
	d.run(inspect)
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

// QuietAgent reports whether the first gate lets a User-Agent through.
func QuietAgent(agent string) bool { return quietAgent(agent) }

// WithoutTables runs f while the tables of the first gate answer for no word, so that each is looked up in its list.
func WithoutTables(f func()) {
	target, agent, stem := targetTable, agentTable, stemTable
	defer func() { targetTable, agentTable, stemTable = target, agent, stem }()
	targetTable, stemTable = new(wordTable), new([1 << 13]bool)
	for i := range targetTable {
		targetTable[i] = ^uint64(0)
	}
	for i := range stemTable {
		stemTable[i] = true
	}
	agentTable = targetTable
	f()
}

// ListedWords are the words that the first gate looks for: in targets, and in User-Agents.
func ListedWords() (target, agent []string) {
	target = wordRoles.words
	agent = slices.Concat(agentWords.words, scannerStems.words, scannerPhrases)
	return target, agent
}
