package detect

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that Stream reads as one.
const maxLine = 4 << 20

// request is one line of Stream's input.
type request struct {
	ID          json.RawMessage `json:"id"`
	Target      *string         `json:"target"`
	UserAgent   *string         `json:"user_agent"`
	Referer     *string         `json:"referer"`
	ContentType string          `json:"content_type"`
	Body        *string         `json:"body"`
}

type answer struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Hit    bool            `json:"hit"`
	Events []string        `json:"events"`
}

type failure struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Line  int             `json:"line"`
	Error string          `json:"error"`
}

// Stream reads one JSON object a line from r and writes one a line to w, in order:
//
//	{"id":1,"target":"/raw?uri"}            ->  {"id":1,"hit":true,"events":["sqli"]}
//	{"id":2,"user_agent":"Mozilla/5.0"}     ->  {"id":2,"hit":false,"events":[]}
//
// "target", "user_agent", "referer" and "body" (with "content_type") may stand together in one object; "id" is any JSON value and is
// repeated. A line that cannot be read is answered by {"line":n,"error":"..."}, with its id where it has one, and the next line is read.
// Blank lines are skipped. The error is that of reading r or writing w; output is flushed before every read that may block.
func (d *Detector) Stream(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("writing the answers: %w", err)
			}
		}
		line, tooLong, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(fmt.Errorf("reading line %d: %w", n, err), out.Flush())
		}
		if reply := d.reply(line, n, tooLong); reply != nil {
			if err := enc.Encode(reply); err != nil {
				return fmt.Errorf("writing the answer to line %d: %w", n, err)
			}
		}
		if err != nil {
			return out.Flush()
		}
	}
}

// Stream runs a detector of all classes over r: see [Detector.Stream].
func Stream(r io.Reader, w io.Writer) error { return New(Options{}).Stream(r, w) }

// readLine reads up to the next line feed. Of a line longer than maxLine the rest is read and dropped.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			tooLong = true
			line = line[:0]
		} else if !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// reply judges one line; it returns nil for a blank one.
func (d *Detector) reply(line []byte, n int, tooLong bool) any {
	if tooLong {
		return failure{Line: n, Error: fmt.Sprintf("line is longer than %d bytes", maxLine)}
	}
	if skipBlank(line, 0) == len(line) {
		return nil
	}
	var req request
	if err := json.Unmarshal(line, &req); err != nil {
		var id struct {
			ID json.RawMessage `json:"id"`
		}
		_ = json.Unmarshal(line, &id) // the id may be readable although another field is not
		return failure{ID: id.ID, Line: n, Error: "not a JSON object with the fields id, target, user_agent, referer, content_type and body: " + err.Error()}
	}
	if req.Target == nil && req.UserAgent == nil && req.Referer == nil && req.Body == nil {
		return failure{ID: req.ID, Line: n, Error: `nothing to inspect: give "target", "user_agent", "referer" or "body"`}
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	found := d.Request(text(req.Target), text(req.UserAgent), text(req.Referer))
	if req.Body != nil {
		found = append(found, d.Body(req.ContentType, []byte(*req.Body))...)
	}
	return answer{ID: req.ID, Hit: len(found) > 0, Events: found.Names()}
}
