package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// named is what a request, or an event on a socket, names of the things that
// the gate keeps apart: agents, those who take part, and what was made by
// earlier requests. Ids are in lower case, but for those of speakers.
type named struct {
	agents, parties []string
	// speakers are parties as they are written: backends that know an agent's
	// own words by its id compare letter by letter.
	speakers []string
	things   []thing
	// chosen are those whom the fields name that the backend goes by, where it
	// makes something.
	chosen []string
	// many says that there were more than maxNames.
	many bool
}

// maxNames is how many are kept apart of one request, since each is compared
// with all of them. No conversation has so many.
const maxNames = 256

// thing is something that a request has made, such as a session.
type thing struct {
	Kind gate.Kind `json:"kind"`
	ID   string    `json:"id"`
}

func (n *named) add(kind gate.Kind, id string) {
	if n.many {
		return
	}
	n.many = len(n.agents)+len(n.parties)+len(n.speakers)+len(n.things) > maxNames
	if kind == gate.KindSpeaker {
		n.speakers = appendNew(n.speakers, id)
		kind = gate.KindParty
	}
	id = strings.ToLower(id)
	switch kind {
	case "":
	case gate.KindAgent:
		n.agents = appendNew(n.agents, id)
	case gate.KindParty:
		n.parties = appendNew(n.parties, id)
	default:
		n.things = appendNew(n.things, thing{kind, id})
	}
}

func appendNew[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// inPath adds what the route says the path names.
func (n *named) inPath(path string, segments []gate.Segment) {
	if len(segments) == 0 {
		return
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for _, segment := range segments {
		if segment.Place < len(parts) {
			n.add(segment.Kind, parts[segment.Place])
		}
	}
}

func (n *named) choose(ids ...string) {
	for _, id := range ids {
		n.chosen = append(n.chosen, strings.ToLower(id))
	}
}

// errUnreadable is a query or a body of which it cannot be told what it names.
var errUnreadable = errors.New("cannot be read")

// inQuery adds what the query names.
func (n *named) inQuery(table gate.RouteTable, query string, chosen []string) error {
	if query == "" {
		return nil
	}
	// What this reader does not understand, another may read in its own way.
	values, err := url.ParseQuery(query)
	if err != nil {
		return errUnreadable
	}
	for name, all := range values {
		if slices.Contains(chosen, name) {
			n.choose(all...)
		}
		// Some readers take a[b] for a field in a field, and a[] for a list.
		name, _, _ = strings.Cut(name, "[")
		for _, value := range all {
			n.add(table.Field(name), value)
		}
	}
	return n.unlessMany()
}

func (n *named) unlessMany() error {
	if n.many {
		return errUnreadable
	}
	return nil
}

// maxNaming bounds the body that is read for the names in it; the document of
// an event on a socket is bounded by the one that reads it.
const maxNaming = 1 << 20

// inBody adds what the body names, and puts back what it has read.
func (n *named) inBody(table gate.RouteTable, r *http.Request, req *gate.Request, chosen []string) error {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	body, err := req.ReadAll(r, maxNaming)
	if refusal, busy := errors.AsType[*gate.Refusal](err); busy {
		return refusal
	}
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return bodyTooLarge()
		}
		return gate.BadRequest("INVALID_BODY", "The body could not be read", "the client did not send the whole body")
	}
	if len(body) > maxNaming {
		return bodyTooLarge()
	}
	if len(body) == 0 {
		return nil
	}
	if r.Header.Get("Content-Encoding") != "" || !plainCharset(r.Header.Values("Content-Type")) || isForm(r.Header.Get("Content-Type")) {
		return errUnreadable
	}
	return n.inJSON(table, body, chosen)
}

func bodyTooLarge() *gate.Refusal {
	return gate.InvalidInput(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "Request entity too large", "the body is too long to be read for the agents that it names")
}

// plainCharset reports whether text of these Content-Types is UTF-8: in
// another charset the same bytes name something else.
func plainCharset(types []string) bool {
	for _, contentType := range types {
		_, params, err := mime.ParseMediaType(contentType)
		if err != nil {
			return false
		}
		if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			return false
		}
	}
	return len(types) <= 1
}

// isForm reports whether a Content-Type is that of a form, which may be JSON too:
// "&agentId=x" is a string in the one, and names an agent in the other.
func isForm(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == "application/x-www-form-urlencoded" || strings.HasPrefix(media, "multipart/")
}

// maxDepth is how deep a document may be nested.
const maxDepth = 64

// inJSON adds what a JSON document names, at any depth. A name that stands
// twice in one object makes it unreadable: readers differ in which they take.
func (n *named) inJSON(table gate.RouteTable, text []byte, chosen []string) error {
	if !json.Valid(text) {
		return errUnreadable
	}
	w := walk{named: n, table: table, d: json.NewDecoder(bytes.NewReader(text)), chosen: chosen}
	w.d.UseNumber()
	if err := w.value("", 0); err != nil {
		return err
	}
	return n.unlessMany()
}

// walk is one walk through a JSON document.
type walk struct {
	*named
	table  gate.RouteTable
	d      *json.Decoder
	chosen []string
	// choosing is true within the value of a chosen field.
	choosing bool
}

// value reads one value, whose field names things of a kind.
func (w *walk) value(kind gate.Kind, depth int) error {
	token, err := w.d.Token()
	if err != nil || depth > maxDepth {
		return errUnreadable
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return w.list(kind, depth+1)
		}
		if kind != "" {
			return errUnreadable // no id, and readers make of it what they like
		}
		return w.object(depth + 1)
	case string:
		w.add(kind, token)
		if w.choosing {
			w.choose(token)
		}
	case json.Number:
		w.add(kind, token.String())
	case bool:
		w.add(kind, strconv.FormatBool(token))
	}
	return nil
}

func (w *walk) list(kind gate.Kind, depth int) error {
	for w.d.More() {
		if err := w.value(kind, depth); err != nil {
			return err
		}
	}
	_, err := w.d.Token()
	return err
}

func (w *walk) object(depth int) error {
	var seen []string
	for w.d.More() {
		token, err := w.d.Token()
		if err != nil {
			return errUnreadable
		}
		name := token.(string)
		kind := w.table.Field(name)
		if kind != "" {
			if slices.Contains(seen, name) {
				return errUnreadable
			}
			seen = append(seen, name)
		}
		if depth == 1 {
			w.choosing = slices.Contains(w.chosen, name)
		}
		if err := w.value(kind, depth); err != nil {
			return err
		}
	}
	_, err := w.d.Token()
	return err
}
