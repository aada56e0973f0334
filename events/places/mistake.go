package places

import (
	"errors"
	"strings"
)

// placed is an error with the line that it is about, which it says when it is told.
type placed struct {
	error
	line line
}

// line is a line as it can be named: by its place, or by its words.
type line struct {
	text   string
	places int // that it may be; 0 if none is known
}

func lineOf(words []string) line {
	_, places := find(words)
	return line{Line(words...), places}
}

// tellsMore reports whether naming it tells more of a mistake than the other does.
func (l line) tellsMore(than line) bool {
	return than.text == "" || l.places > 0 && (than.places == 0 || l.places < than.places)
}

func (p *placed) Unwrap() error { return p.error }

// At says of which line an error is, by the words that the line begins with. An
// error that is said to be of a line already stays so, unless that is told better
// by this one. Of nil it makes nil.
func At(err error, words ...string) error {
	if err == nil {
		return nil
	}
	return &placed{err, lineOf(words)}
}

// mistake is one of those that an error holds.
type mistake struct {
	line line
	text string
}

// mistakesIn takes apart what errors.Join has put together, however deep. What
// is said of several by one prefix is said of each.
func mistakesIn(err error) []mistake {
	switch e := err.(type) {
	case *placed:
		list := mistakesIn(e.error)
		for i := range list {
			if e.line.tellsMore(list[i].line) {
				list[i].line = e.line
			}
		}
		return list
	case interface{ Unwrap() []error }:
		var list []mistake
		var texts []string
		for _, inner := range e.Unwrap() {
			list = append(list, mistakesIn(inner)...)
			texts = append(texts, inner.Error())
		}
		if strings.Join(texts, "\n") == err.Error() {
			return list
		}
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		if inner == nil {
			break
		}
		list := mistakesIn(inner)
		if prefix, found := strings.CutSuffix(err.Error(), inner.Error()); found {
			for i := range list {
				list[i].text = prefix + list[i].text
			}
			return list
		}
	}
	m := mistake{text: err.Error()}
	if of := (*placed)(nil); errors.As(err, &of) {
		m.line = of.line
	}
	return []mistake{m}
}

// told is an error that says where each of its mistakes is.
type told struct {
	error
	text string
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.error }

// Told has each mistake in an error stand in a line of its own, which begins
// with its place: the one that it was given by At, or else that of the line
// which is given here by its place or, unknown, by its words. What has been told
// already stays as it is, and nil is nil.
func Told(err error, place string, words ...string) error {
	if err == nil {
		return nil
	}
	if before := (*told)(nil); errors.As(err, &before) {
		return err
	}
	at := line{place, 1}
	if place == "" && len(words) > 0 {
		at = lineOf(words)
	}
	var lines []string
	for _, m := range mistakesIn(err) {
		if m.line.text == "" || m.line.places == 0 && at.places > 0 {
			m.line = at
		}
		if m.line.text != "" {
			m.text = m.line.text + ": " + m.text
		}
		lines = append(lines, m.text)
	}
	return &told{err, strings.Join(lines, "\n")}
}
