package detect

import "bytes"

// The traversal rules read a text as segments between separators. A separator is a slash, a backslash, or an escape that a lenient
// decoder may turn into one. Dots count only when they make up a whole segment: "v1.0...v1.1", "range=1..9" and "wait..." do not.
//
//	traversal-dotdot    a segment of exactly two dots beside a separator
//	traversal-dots      longer runs of dots as segments: ".../.../", "..../", "..././"
//	traversal-overlong  dots or separators written as UTF-8 sequences longer than they need
//	traversal-broken    dot-dot segments between escapes that mean nothing, or with the separators' code left over: "..2f..2f"
//	traversal-hops      five or more "./" in a row, which some systems truncate
func (s *scan) traversal(t *text) {
	if t.known.Has(Traversal) {
		return
	}
	if t.overlong >= 2 && t.marks&(markDot|markSlash|markBackslash) != 0 {
		s.report(t.place, Traversal, "traversal-overlong")
		return
	}
	literal := t.signs.has(signLiteralHex)
	if t.marks&(markSlash|markBackslash|markWild|markPercent) == 0 && !literal && !t.signs.has(signLeftover) {
		if hasPrefixAt(t.b, 0, "........") && configFile(t.b) { // the slashes were lost on the way
			s.report(t.place, Traversal, "traversal-dots")
		}
		return
	}
	if t.marks&(markDot|markWild|markPercent|markQuestion) == 0 && !literal {
		return
	}
	b := t.b
	if literal {
		s.squeezed = literalHex(s.squeezed[:0], b)
		b = s.squeezed
		step(len(b))
	}
	rule := dotSegments(b, t.where == InPath)
	if (rule == "traversal-dotdot" || rule == "traversal-dots") && t.where != InPath && relativeInTalk(b, t.prose) {
		rule = ""
	}
	if rule != "" {
		s.report(t.place, Traversal, rule)
	}
	step(len(b))
}

// relativeInTalk reports whether words stand before a relative path that goes up once or twice and to nothing of the system's, or whether a
// sentence quotes one, wherever it goes: no program is handed a file so.
func relativeInTalk(b []byte, prose bool) bool {
	words, _, _ := bytes.Cut(b, []byte(".."))
	if prose && bytes.Count(words, []byte("`"))%2 == 1 && bytes.Contains(words, []byte(" `")) && isLetter(words[0]) {
		return true
	}
	link := bytes.HasSuffix(words, []byte("](")) || bytes.HasSuffix(words, []byte("[`")) || string(words) == "`" && bytes.Contains(b, []byte("` ")) // in markdown
	if !prose && !link {
		if i := bytes.IndexByte(words, ' '); i < 1 || !isLetter(words[0]) && !isLetter(words[i-1]) && words[i-1] != ':' {
			return false
		}
	}
	return (link || bytes.Count(b, []byte("../"))+bytes.Count(b, []byte(`..\`)) < 3) && !hasAnyIn(b, "/etc", "passwd", "shadow", "windows/", `windows\`, "boot.ini", "win.ini", "/proc", ".env", ".ht")
}

// literalHex turns 0x2e, 0x2f and 0x5c, written out as such, into the characters they name.
func literalHex(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		if src[i] == '0' {
			switch {
			case hasPrefixAt(src, i, "0x2e"):
				dst = append(dst, '.')
				i += 3
				continue
			case hasPrefixAt(src, i, "0x2f"), hasPrefixAt(src, i, "0x5c"):
				dst = append(dst, '/')
				i += 3
				continue
			}
		}
		dst = append(dst, src[i])
	}
	return dst
}

// segment is what was read since the last separator, in units: a dot, an undecidable escape, or another character.
type segment struct {
	dots, wilds, marks, spaces int
	others                     bool
	slash                      bool // a separator stands before it
	start                      bool // a path can start here
}

// pure reports whether nothing but dots and escapes was read.
func (g *segment) pure() bool { return !g.others && g.dots+g.wilds+g.marks > 0 }

// placed reports whether the segment began where one can.
func (g *segment) placed() bool { return (g.start || g.slash) && g.spaces == 0 }

// lostSlashes reports whether so many dots stand behind a separator that others were lost between them.
func (g *segment) lostSlashes() bool {
	return g.slash && !g.others && g.dots >= 8 && g.spaces == 0
}

// dotWalk counts, over the segments of a text, the signs that need to be seen twice.
type dotWalk struct {
	seg      segment
	triple   int  // segments of three dots
	tripled  bool // the last segment was one
	obscure  int  // segments of two units that may be dots
	broken   int  // dot-dots before an undecidable separator
	hops     int  // "./" in a row
	wildRun  int  // undecidable characters in a row
	leftover int  // "..2f"
	awaited  bool // a system directory, following now, would settle it
	slash    int  // the first separator at or behind the last path parameter
}

// dotByte is what a byte means to the walk.
type dotByte uint8

const (
	dotOther   dotByte = iota // part of a name
	dotSlash                  // a separator
	dotDot                    //
	dotWild                   // an undecidable escape
	dotSpace                  //
	dotNothing                // a control character that path functions drop
	dotBounds                 // a path can begin after it
	dotSemi                   // so too, and path parameters begin with it
	dotMark                   // a question mark
	dotPercent                // an escape that means nothing
)

var dotBytes = func() (bytes [256]dotByte) {
	for c := range bytes[:' '] {
		bytes[c] = dotNothing
	}
	for _, c := range []byte("\"'`()[{=:,|&<>@!+") {
		bytes[c] = dotBounds
	}
	bytes['/'], bytes['\\'], bytes['.'], bytes[wild], bytes[' '], bytes[';'], bytes['?'], bytes['%'] = dotSlash, dotSlash, dotDot, dotWild, dotSpace, dotSemi, dotMark, dotPercent
	return bytes
}()

// dotSegments walks over the text once and returns the rule that matched.
func dotSegments(b []byte, inPath bool) string {
	w := dotWalk{seg: segment{start: true}}
	for i := 0; i < len(b); i++ {
		c := b[i]
		kind := dotBytes[c]
		escape := 0
		switch kind { // by what stands beside it
		case dotPercent:
			switch escape = brokenEscape(b, i); {
			case escape == 1 && formats(b, i):
				kind = dotOther
			case escape > 0:
				kind = dotWild
			case startsUnit(b, i+1): // the rest of an escape
				kind = dotNothing
			default:
				kind = dotOther
			}
		case dotMark:
			if w.seg.others {
				kind = dotOther
			}
		case dotSemi:
			if !w.seg.pure() || w.seg.dots != 2 || !w.seg.start && !w.seg.slash {
				kind = dotBounds
			}
		}
		switch kind {
		case dotSlash:
			if w.seg.dots == 3 && c == '\\' && inPath && w.seg.placed() && w.seg.pure() {
				return "traversal-dots"
			}
			if rule := w.close(true); rule != "" {
				return rule
			}
		case dotDot:
			if at(b, i+1) == '.' {
				if n := leftoverSeparator(b, i); n > 0 {
					if w.leftover++; w.leftover >= 2 {
						return "traversal-broken"
					}
					i += n
					w.seg = segment{slash: true}
					w.awaited = true
					continue
				}
			}
			w.seg.dots++
		case dotWild:
			if escape != 1 {
				if w.wildRun++; w.wildRun >= 4 {
					return "traversal-broken"
				}
			}
			i += escape
			if units := w.seg.dots + w.seg.marks; w.seg.pure() && w.seg.wilds == 0 && (units == 2 || units == 3) && (w.seg.start || w.seg.slash) {
				if w.seg.marks == 0 {
					w.broken++
				}
				if w.broken >= 2 {
					return "traversal-broken"
				}
				w.seg = segment{slash: true}
				w.awaited = true
				continue
			}
			w.seg.wilds++
			continue
		case dotMark:
			w.seg.marks++
		case dotSemi:
			// "..;/": servlet containers drop path parameters after the front end has looked.
			if w.slash < i {
				w.slash = nextSlash(b, i)
			}
			if w.slash < min(len(b), i+64) && (w.seg.slash || inPath || i == 2) {
				return "traversal-dotdot"
			}
			w.seg = segment{start: true}
		case dotSpace:
			if w.seg.others {
				w.seg = segment{} // a word before the space says nothing of the segment after it
			}
			w.seg.spaces++
		case dotNothing:
		case dotBounds:
			if w.seg.pure() && w.seg.dots == 2 && w.seg.wilds == 0 && w.seg.slash {
				return "traversal-dotdot" // the path ends here
			}
			if w.seg.lostSlashes() {
				return "traversal-dots"
			}
			w.seg = segment{start: true}
			w.hops = 0
		case dotOther:
			if (w.awaited || w.seg.pure() && w.seg.wilds >= 2) && !w.seg.others && hasAnyAt(b, i, systemNames...) {
				return "traversal-broken"
			}
			if w.seg.lostSlashes() {
				return "traversal-dots"
			}
			w.awaited = false
			w.seg.others = true
			for i+1 < len(b) && isWordByte(b[i+1]) { // the rest of the word says nothing else
				i++
			}
		}
		w.wildRun = 0
	}
	return w.close(false)
}

// nextSlash returns the position of the first separator from i on, or the length of b.
func nextSlash(b []byte, i int) int {
	if n := indexSlash(b[i:]); n >= 0 {
		return i + n
	}
	return len(b)
}

// close judges the segment that a separator, or the end of the text, closes.
func (w *dotWalk) close(slash bool) string {
	g := w.seg
	w.seg = segment{slash: true}
	placed, tripled := g.placed(), w.tripled
	w.tripled = false
	switch {
	case !g.pure():
		if g.others || g.spaces > 0 {
			w.hops = 0
		}
		return ""
	case g.dots == 2 && g.wilds == 0 && g.marks == 0:
		if (slash || g.slash) && (g.spaces == 0 || g.slash && slash) {
			return "traversal-dotdot"
		}
	case g.dots == 2 && g.marks == 0:
		if slash || g.slash {
			return "traversal-broken"
		}
	case g.dots >= 4 && g.wilds+g.marks == 0:
		if placed && slash {
			return "traversal-dots"
		}
	case g.dots == 3 && g.wilds+g.marks == 0:
		if placed {
			w.awaited, w.tripled = slash, true
			if w.triple++; w.triple >= 2 {
				return "traversal-dots"
			}
		}
	case g.dots == 1 && g.wilds+g.marks == 0:
		if slash && tripled {
			return "traversal-dots" // "..././" is "../" once a filter has taken "../" out of it
		}
		if slash {
			if w.hops++; w.hops >= 5 {
				return "traversal-hops"
			}
		}
	case g.dots+g.wilds+g.marks <= 3 && placed:
		w.awaited = slash
		if w.obscure++; w.obscure >= 2 && g.marks < 2 {
			return "traversal-broken"
		}
	}
	return ""
}

// systemNames are what a path out of the web root is after.
var systemNames = []string{"etc", "windows", "winnt", "boot.ini", "win.ini", "proc/", "var", "usr", "root", "home", "apache", "inetpub", "web-inf", "system32", "opt"}

// startsUnit reports whether a dot, a separator or an escape stands at i.
func startsUnit(b []byte, i int) bool {
	switch at(b, i) {
	case '.', '/', '\\', '%', wild:
		return i < len(b)
	}
	return false
}

// leftoverSeparator returns how many bytes after the dot at i belong to a dot-dot with the code of a separator that lost its percent
// sign, "..2f", "..5c" or "..u2215"; 0 when there is none.
func leftoverSeparator(b []byte, i int) int {
	step(6)
	if at(b, i+1) != '.' || at(b, i-1) == '.' {
		return 0
	}
	switch at(b, i+2) {
	case '2', '5', 'u', 'c':
	default:
		return 0
	}
	for _, code := range []string{"2f", "5c", "u2215", "u2216", "c0af", "c19c"} {
		if hasPrefixAt(b, i+2, code) {
			return 1 + len(code)
		}
	}
	return 0
}

// formats reports whether the percent sign at i, and the letter behind it, are a directive of a format, of dates mostly: %Y/%m/%d.
func formats(b []byte, i int) bool {
	if !isLetter(at(b, i+1)) {
		return false
	}
	switch at(b, i+2) {
	case '/', ' ', '-', ':', '.', ',':
		return at(b, i+3) != '.'
	}
	return i+2 == len(b)
}

// brokenEscape returns how many bytes after the percent sign at i belong to an escape that means nothing: "%bg", "%2" before another
// percent sign.
func brokenEscape(b []byte, i int) int {
	step(3)
	n := 0
	for n < 2 && i+1+n < len(b) && (isLetter(b[i+1+n]) || isDigit(b[i+1+n])) {
		n++
	}
	return n
}
