package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// ParseDocument reads the text of a key file. It is strict: unknown and repeated fields, wrong types, bad hashes, times
// and networks are refused, all in one error, each with its line and its place (keys[2].secrets[0].not_after). What
// stood there is not repeated, since it may be a secret in the wrong place.
func ParseDocument(text []byte) (*Document, error) {
	d := &decoder{text: text}
	if err := d.checkSyntax(); err != nil {
		return nil, err
	}
	d.tokens = json.NewDecoder(bytes.NewReader(text))
	d.tokens.UseNumber()
	doc := d.document()
	if err := d.err(); err != nil {
		return nil, err
	}
	if err := doc.check(); err != nil {
		return nil, err
	}
	return doc, nil
}

// maxComplaints keeps a report short enough to be read.
const maxComplaints = 20

// decoder walks the tokens of a text that is known to be JSON, so reading a token does not fail.
type decoder struct {
	text       []byte
	tokens     *json.Decoder
	path       []string
	complaints []error
	more       int
}

func (d *decoder) checkSyntax() error {
	if !utf8.Valid(d.text) {
		return errors.New("the text is not UTF-8")
	}
	if bytes.HasPrefix(d.text, []byte("\ufeff")) {
		return errors.New("the text starts with a byte order mark; save it as UTF-8 without one")
	}
	if len(bytes.TrimSpace(d.text)) == 0 {
		return errors.New(`the file is empty; an empty list of keys is {"version": 1, "keys": []}`)
	}
	err := json.Unmarshal(d.text, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := d.text[:min(max(syntax.Offset-1, 0), int64(len(d.text)))]
		line := 1 + bytes.Count(at, []byte("\n"))
		column := 1 + utf8.RuneCount(at[bytes.LastIndexByte(at, '\n')+1:])
		return fmt.Errorf("line %d, column %d: this is not JSON; a comma, quote or bracket is missing or too much", line, column)
	}
	if err != nil {
		return errors.New("this is not JSON")
	}
	return nil
}

func (d *decoder) err() error {
	if d.more > 0 {
		return errors.Join(append(d.complaints, fmt.Errorf("and %d more mistakes", d.more))...)
	}
	return errors.Join(d.complaints...)
}

// complain notes a mistake at the value that was just read.
func (d *decoder) complain(format string, args ...any) {
	if len(d.complaints) == maxComplaints {
		d.more++
		return
	}
	line := 1 + bytes.Count(d.text[:d.tokens.InputOffset()], []byte("\n"))
	place := strings.TrimPrefix(strings.Join(d.path, ""), ".")
	if place == "" {
		place = "the file"
	}
	d.complaints = append(d.complaints, fmt.Errorf("line %d: %s: %s", line, place, fmt.Sprintf(format, args...)))
}

func (d *decoder) next() json.Token {
	token, err := d.tokens.Token()
	if err != nil {
		return nil
	}
	return token
}

// skip leaves the value out whose first token was read.
func (d *decoder) skip(first json.Token) {
	for depth := nesting(first); depth > 0; {
		depth += nesting(d.next())
	}
}

func nesting(token json.Token) int {
	switch token {
	case json.Delim('{'), json.Delim('['):
		return 1
	case json.Delim('}'), json.Delim(']'):
		return -1
	}
	return 0
}

// within runs read with one more step in the path of complaints.
func (d *decoder) within(step string, read func()) {
	d.path = append(d.path, step)
	read()
	d.path = d.path[:len(d.path)-1]
}

// object reads an object. field is called for every field with the decoder before its value, and reads that value; it
// returns false, without reading, for a field it does not know.
func (d *decoder) object(allowed string, field func(name string) bool) {
	if token := d.next(); token != json.Delim('{') {
		d.complain("this must be an object, { ... }")
		d.skip(token)
		return
	}
	var seen []string
	for d.tokens.More() {
		name, _ := d.next().(string)
		d.within("."+shown(name), func() {
			for _, earlier := range seen {
				if earlier == name {
					d.complain("this field stands here twice")
					d.skip(d.next())
					return
				}
			}
			seen = append(seen, name)
			if !field(name) {
				d.complain("no such field; known are %s", allowed)
				d.skip(d.next())
			}
		})
		if len(seen) > maxFields {
			for d.tokens.More() {
				d.skip(d.next())
			}
		}
	}
	d.next()
}

// maxFields is more than any object has: past it a hostile file would cost the square of its length.
const maxFields = 64

// shown returns a field's name when it cannot be a secret.
func shown(name string) string {
	if name == "" || len(name) > 24 || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && r != '$' && (r < 'a' || r > 'z') }) {
		return "?"
	}
	return name
}

// list reads an array, of which item reads one value, and returns its length, or -1 when it is none.
func (d *decoder) list(item func()) int {
	if token := d.next(); token != json.Delim('[') {
		d.complain("this must be a list, [ ... ]")
		d.skip(token)
		return -1
	}
	length := 0
	for ; d.tokens.More(); length++ {
		d.within("["+strconv.Itoa(length)+"]", item)
	}
	d.next()
	return length
}

func (d *decoder) string(into *string) bool {
	token := d.next()
	s, ok := token.(string)
	if !ok {
		d.complain(`this must be a text, "..."`)
		d.skip(token)
		return false
	}
	*into = s
	return true
}

// nonEmpty reads a string that may not be empty: an option that is there must say something.
func (d *decoder) nonEmpty(into *string) {
	if d.string(into) && *into == "" {
		d.complain("this is empty; leave it out instead")
	}
}

// restriction reads a list that says something: an empty one would restrict nothing, where whoever took its last item
// away meant the opposite.
func (d *decoder) restriction(item func()) {
	if d.list(item) == 0 {
		d.complain("this list is empty and would restrict nothing; leave it out, or name what is allowed")
	}
}

func (d *decoder) strings(into *[]string) {
	d.restriction(func() {
		var s string
		if d.string(&s) {
			*into = append(*into, s)
		}
	})
}

// rfc3339 is the letter of the standard, of which time.Parse takes more: one digit for an hour, a comma in a fraction, an
// offset of 99 hours.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func (d *decoder) time(into *time.Time) {
	var s string
	if !d.string(&s) {
		return
	}
	written, err := time.Parse(time.RFC3339, s)
	t := inFile(written)
	if err != nil || !rfc3339.MatchString(s) || min(written.Year(), t.Year()) < 1970 || t.Year() > 9999 {
		d.complain("this is no time; write it like 2027-01-31T12:00:00Z (RFC 3339)")
		return
	}
	*into = t
}

func (d *decoder) networks(into *[]netip.Prefix) {
	d.restriction(func() {
		var s string
		if !d.string(&s) {
			return
		}
		network, err := ipaddr.ParseNetwork(s)
		if err != nil {
			d.complain("%s", err)
			return
		}
		*into = append(*into, network)
	})
}

func (d *decoder) hash(into *Hash, peppered *bool) {
	var s string
	if !d.string(&s) {
		return
	}
	var err error
	if digits, ok := strings.CutPrefix(s, PepperedPrefix); ok && peppered != nil {
		*peppered = true
		*into, err = parseDigits(digits)
	} else {
		*into, err = ParseHash(s)
	}
	if err != nil {
		d.complain("%s", err)
	}
}

func (d *decoder) pepperCheck(into *string) {
	if !d.string(into) {
		return
	}
	if sum, err := hex.DecodeString(*into); err != nil || len(sum) != pepperCheckLength || strings.ToLower(*into) != *into {
		d.complain("this must be %d hex digits, as the gate wrote them", hex.EncodedLen(pepperCheckLength))
	}
}
