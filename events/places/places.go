// Package places knows where the lines of a Caddyfile stand, for errors that are
// found when nobody looks at the file any more: a configuration does not change
// with the line that it is written in, so its JSON does not say.
//
// A line is known by its words. Who reads a Caddyfile notes lines (Note); who
// finds a mistake says what is written there (At); and the last one who holds
// the error has each mistake begin with its place (Told). Where nobody has noted
// the line, since the configuration came as JSON, the line itself stands there,
// and whoever has noted it puts the place in (Fill).
package places

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A line is kept under each beginning of it, and under its first word with each
// of the others, since what is written in one line is often checked one by one.
// The keys are hashes: a line may hold a secret.
var noted struct {
	sync.Mutex
	at map[[sha256.Size]byte]*found
}

// found are the places of lines that begin alike.
type found struct {
	first []string // at most mostNamed
	more  bool
}

// mostNamed is how many places an error names.
const mostNamed = 3

// Note keeps where a line stands, by its words.
func Note(place string, words ...string) {
	noted.Lock()
	defer noted.Unlock()
	for i := range words {
		note(place, words[:i+1])
		if i > 1 {
			note(place, []string{words[0], words[i]})
		}
	}
}

func note(place string, words []string) {
	if noted.at == nil {
		noted.at = make(map[[sha256.Size]byte]*found)
	}
	key := keyOf(words)
	f := noted.at[key]
	if f == nil {
		f = new(found)
		noted.at[key] = f
	}
	switch {
	case slices.Contains(f.first, place):
	case len(f.first) < mostNamed:
		f.first = append(f.first, place)
	default:
		f.more = true
	}
}

func keyOf(words []string) [sha256.Size]byte { return sha256.Sum256([]byte(strings.Join(words, " "))) }

// Of says where the line stands that begins with these words, as Caddyfile:12;
// "" where nobody knows.
func Of(words ...string) string {
	text, _ := find(words)
	return text
}

// find is Of, with the number of places that it may be.
func find(words []string) (text string, places int) {
	noted.Lock()
	defer noted.Unlock()
	f := noted.at[keyOf(words)]
	if f == nil {
		return "", 0
	}
	text, places = strings.Join(f.first, " or "), len(f.first)
	if f.more {
		return text + " or more", places + 1
	}
	return text, places
}

// Forget ends what is known: a configuration that comes later may have its lines
// elsewhere.
func Forget() {
	noted.Lock()
	defer noted.Unlock()
	noted.at = nil
}

// Line names the line that begins with these words: by its place, or, where
// nobody knows that, by the words.
func Line(words ...string) string {
	if place := Of(words...); place != "" {
		return place
	}
	return "the line with `" + strings.Join(words, " ") + "`"
}

var byWords = regexp.MustCompile("the line with `([^`\n]+)`")

// Fill puts places into a text that names lines by their words.
func Fill(text string) string {
	return byWords.ReplaceAllStringFunc(text, func(line string) string {
		return Line(byWords.FindStringSubmatch(line)[1])
	})
}
