package detect

import (
	"bytes"
	"sort"
	"strings"
)

// scan is the working memory of one inspection; detectors keep them in a pool.
type scan struct {
	d         *Detector
	buf       []byte // the normalised text
	markup    []byte // the text with entities and script escapes decoded
	lookups   []byte // the text with Log4j lookups resolved
	opens     []int
	squeezed  []byte
	unescaped []byte // a string of JSON
	toks      []token
	sql       sqlText
	matches   []match
	more      []match // matches of the markup view
	found     Findings
	budget    int // bytes that libinjection may still read
	values    int // how many values have been judged
}

const (
	maxFindings       = 16
	libinjectionBytes = 2048
	libinjectionCall  = 24 // what a call costs beside its bytes, in bytes
	maxKeptBuffer     = 64 << 10
)

func (s *scan) reset(d *Detector) {
	s.d = d
	s.found = nil
	s.budget = libinjectionBytes
	s.values = 0
	if cap(s.buf) > maxKeptBuffer {
		*s = scan{d: d, budget: libinjectionBytes}
	}
}

func (s *scan) findings() Findings {
	found := s.found
	s.found = nil
	if len(found) > 1 {
		sort.SliceStable(found, func(i, j int) bool { return found[i].Class < found[j].Class })
	}
	return found
}

// place says where a text came from.
type place struct {
	where Where
	name  string
	// script says that the request path ends in a script that includes what it is told to.
	script bool
}

// text is one normalised value under inspection.
type text struct {
	place
	b        []byte
	overlong int // UTF-8 sequences longer than they need
	marks    marks
	signs    signs
	at       []match // where placed signs end
	loose    bool    // a query parameter without '=': what follows a raw '&' of a payload
	prose    bool    // reads like sentences
	shell    bool    // && or || stand before a command and its argument
	lines    int     // how many lines hold something, once that was asked: one, two, or three for more
	known    Set     // classes that need not be looked for
}

func (s *scan) report(p place, c Class, rule string) {
	if !s.d.classes.Has(c) || len(s.found) >= maxFindings {
		return
	}
	name := ""
	if plainName(p.name) {
		name = strings.Clone(p.name)
	}
	for i := range s.found {
		if f := &s.found[i]; f.Class == c && f.Where == p.where && f.Name == name {
			return
		}
	}
	s.found = append(s.found, Finding{Class: c, Rule: rule, Where: p.where, Name: name})
}

// bound cuts the input to the detector's bound.
func (s *scan) bound(in string) string {
	if limit := s.d.maxBytes; len(in) > limit {
		head := limit / 4 * 3
		return in[:head] + in[len(in)-(limit-head):]
	}
	return in
}

// target inspects a raw request target: its path, then each query parameter's name and value.
func (s *scan) target(uri string) {
	if uri == "" {
		return
	}
	raw := s.bound(uri)
	if raw[0] != '/' { // absolute form, as proxies are sent it
		if scheme, rest, ok := strings.Cut(raw, "://"); ok && len(scheme) < 8 {
			raw = rest[max(0, strings.IndexByte(rest, '/')):]
		}
	}
	path, query, _ := strings.Cut(raw, "?")
	if !quietText(path, 0, false) {
		s.value(place{where: InPath}, path, false, false)
	}
	s.query(place{where: InQuery, script: scriptPath(path)}, query)
}

var schemeSep = []byte("://")

// scriptPath reports whether a path ends in a script's extension.
func scriptPath(path string) bool {
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return false
	}
	switch path[dot:] {
	case ".php", ".asp", ".aspx", ".jsp", ".cgi", ".cfm", ".pl", ".php3", ".php4", ".php5", ".phtml", ".inc":
		return true
	}
	return false
}

// maxValues is how many suspicious values of one request are judged one by one. What follows them in a query or a form is judged as one
// text, and the strings of JSON that follow are not judged once more when decoded: a thousand values of a few bytes would cost as much as
// a text of many times their length.
const maxValues = 48

// query inspects the pairs of a query string or a form.
func (s *scan) query(p place, query string) {
	for len(query) > 0 {
		if s.values >= maxValues {
			s.value(p, query, true, true)
			return
		}
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		step(len(pair))
		pair = strings.TrimPrefix(pair, "amp;") // an address that was copied from the source of a page
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			s.value(p, pair, true, true)
			continue
		}
		at := p
		at.name = name
		s.prototype(at, name)
		switch { // an attack can stand in the name, and in PHP and Node "a[$ne]" is an operator
		case plainName(name), filters(name, value):
		case strings.ContainsAny(name, "<>'\"`(;|{\\%"):
			s.value(at, pair, true, false) // the equals sign may be the attack's own
		default:
			s.value(at, name, true, false)
		}
		switch document, is := jsonDocument(value); {
		case is && s.values < maxValues:
			s.strings(at, document, true)
		case !quietText(value, 0, true):
			s.value(at, value, true, false)
		}
	}
}

// minValue is the length of the shortest value that can be an attack.
const minValue = 3

// value normalises one value and puts the rules to it.
func (s *scan) value(p place, raw string, plus, loose bool) {
	if len(raw) < minValue && !(len(raw) == 2 && commandParameter(p.name)) {
		return
	}
	s.values++
	known := s.known(p)
	if known == All {
		return
	}
	b, overlong := s.normalise(raw, plus)
	s.inspect(&text{place: p, b: b, overlong: overlong, loose: loose, known: known})
}

// known returns the classes that a further finding at a place would say nothing new of: those that were found there, and those that nobody
// looks for. Their rules leave a text at once.
func (s *scan) known(p place) Set {
	if len(s.found) >= maxFindings {
		return All
	}
	known := All &^ s.d.classes
	for i := range s.found {
		if f := &s.found[i]; f.Where == p.where && (f.Name == p.name || f.Name == "" && !plainName(p.name)) {
			known |= Of(f.Class)
		}
	}
	return known
}

// inspect puts every rule to a normalised text. The order matters: a rule may ask whether an earlier class has explained the text.
func (s *scan) inspect(t *text) {
	s.survey(t)
	before := len(s.found)
	explained := func(c ...Class) bool {
		for i := before; i < len(s.found); i++ {
			if Of(c...).Has(s.found[i].Class) {
				return true
			}
		}
		return false
	}
	s.log4shell(t)
	s.xxe(t)
	s.crlf(t)
	s.xss(t)
	if t.marks&markBreak != 0 && explained(XSS) && splitsBody(t.b) {
		s.report(t.place, CRLF, "crlf-response")
	}
	s.scripts(t)
	view, decoded := s.markupView(t)
	s.traversal(t)
	s.sqli(t, explained(XSS))
	s.nosqli(t, explained(SQLi))
	if !explained(Log4Shell) {
		s.ssti(t)
	}
	if t.shell || t.signs.has(signShell) || !explained(Log4Shell) && (t.startsProgram() || !explained(XSS, SQLi)) {
		s.cmdi(t)
	}
	if decoded && len(s.found) == before && s.values <= maxValues {
		view.b = cutMiddle(view.b, maxView)
		s.sqli(&view, false)
		s.cmdi(&view)
	}
	if !explained(Traversal, CmdI, SQLi, SSTI, XXE, XSS, Log4Shell) {
		s.lfi(t)
		s.rfi(t)
	}
}

// maxView bounds how much of a decoded text is judged once more as what a database or a shell is handed; as what a browser reads, twice as
// much.
const maxView = 2048

// cutMiddle cuts a text to limit bytes, in place: the first half of those and the last.
func cutMiddle(b []byte, limit int) []byte {
	if len(b) <= limit {
		return b
	}
	return append(b[:limit/2], b[len(b)-limit/2:]...)
}

// survey notes what a text holds, for the rules to ask.
func (s *scan) survey(t *text) {
	t.prose = readsLikeProse(t.b)
	t.signs, t.marks, s.matches = signsOf(t.b, s.matches[:0])
	t.at = s.matches
	step(3 * len(t.b))
}

// markupView repeats the rules for what browsers and loggers read on the text as those would decode it. It returns that text, when there
// was something to decode, for a database or a shell may be handed it too.
func (s *scan) markupView(t *text) (view text, decoded bool) {
	if t.marks&(markAmp|markBackslash) == 0 {
		return view, false
	}
	b, changed := unescapeMarkup(s.markup[:0], t.b)
	s.markup = b
	step(len(t.b))
	if !changed {
		return view, false
	}
	if bracketAlone(t.b, b) {
		s.report(t.place, XSS, "xss-probe")
	}
	if bytes.Contains(b, []byte("&#")) { // escaped twice; in place, since references only shrink
		b, _ = unescapeMarkup(b[:0], b)
		step(len(b))
	}
	b = cutMiddle(b, 2*maxView)
	view = *t
	view.b = b
	view.prose = readsLikeProse(b)
	view.signs, view.marks, s.more = signsOf(b, s.more[:0])
	view.at = s.more
	step(3 * len(b))
	s.log4shell(&view)
	s.xxe(&view)
	s.xss(&view)
	s.scripts(&view)
	if view.marks&markDot != 0 && view.marks&(markSlash|markBackslash) != 0 {
		s.traversal(&view)
	}
	return view, true
}

// marks say which punctuation a text holds, so that a rule can be skipped at once.
type marks uint32

const (
	markQuote     marks = 1 << iota // ' " `
	markAngle                       // <
	markParen                       // (
	markSemi                        // ;
	markPipe                        // |
	markAmp                         // &
	markDollar                      // $
	markBrace                       // {
	markBackslash                   // \
	markSlash                       // /
	markColon                       // :
	markPercent                     // %
	markHash                        // #
	markEquals                      // = < >
	markDash                        // -
	markStar                        // *
	markAt                          // @
	markBreak                       // line breaks and other controls
	markDot                         // .
	markTick                        // `
	markBracket                     // [
	markWild                        // an undecidable escape
	markQuestion                    // ?
	markCaret                       // ^
)

var markOf = [256]marks{
	'\'': markQuote, '"': markQuote, '`': markQuote | markTick, '<': markAngle | markEquals, '>': markEquals, '(': markParen,
	';': markSemi, '|': markPipe, '&': markAmp, '$': markDollar, '{': markBrace, '\\': markBackslash, '/': markSlash,
	':': markColon, '%': markPercent, '#': markHash, '=': markEquals, '-': markDash, '*': markStar, '@': markAt,
	'\r': markBreak, '\n': markBreak, 0: markBreak, '.': markDot, '[': markBracket, wild: markWild, '?': markQuestion, '^': markCaret,
}
