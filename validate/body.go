package validate

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/validate/jsonsyntax"
	"github.com/gatehouse-dev/caddy-gatehouse/validate/upload"
)

// formOverhead is how much longer a multipart body may be than the file in it.
const formOverhead = 64 << 10

// shortLength is how long a body may be that is judged whole before the backend
// hears of its request. It is that of most JSON; a refused one costs the backend
// nothing then, and not the connection that would have to be cut off.
const shortLength = 16 << 10

// body is a request's body under watch. A long one is read by the proxy's
// goroutine while the handlers wait, so what it finds is left with the request
// for the door to answer.
type body struct {
	io.ReadCloser
	req     *gate.Request
	max     int64 // -1: any
	length  int64 // what was announced; -1: nothing
	read    int64
	checks  []check
	refused *gate.Refusal
}

// check is what is asked of a body's content.
type check interface {
	Write(p []byte) error
	End() error
}

// watchBody puts the request's body under watch, unless it can be refused
// already.
func (v *Validate) watchBody(r *http.Request, req *gate.Request) error {
	b := &body{ReadCloser: r.Body, req: req, max: -1, length: r.ContentLength}
	size, err := choose(v.MaxBody, r)
	if err != nil {
		return err
	}
	media := mediaType(r.Header.Get("Content-Type"))
	if err := v.checkDeclared(r); err != nil {
		return err
	}
	if size != nil && size.max >= 0 {
		b.max = size.max
		if media == "multipart/form-data" {
			b.max += formOverhead
		}
		if b.length > b.max {
			return tooLarge()
		}
	}
	if err := v.checkJSON(r, media, b); err != nil {
		return err
	}
	if err := v.checkFiles(r, media, b); err != nil {
		return err
	}
	r.Body = b
	if len(b.checks) > 0 && b.length >= 0 && b.length <= shortLength {
		return b.judgeNow(r)
	}
	return nil
}

// judgeNow reads a short body to its end, and gives the request what was read.
func (b *body) judgeNow(r *http.Request) error {
	text := make([]byte, b.length)
	if _, err := io.ReadFull(b, text); err != nil {
		return b.refused
	}
	whole := &readBody{Closer: b.ReadCloser}
	whole.Reset(text)
	r.Body = whole
	return nil
}

// readBody is a body that has been read.
type readBody struct {
	bytes.Reader
	io.Closer
}

// checkDeclared refuses a body that is declared as two types, where what it is
// decides what is asked of it: servers choose differently between them.
func (v *Validate) checkDeclared(r *http.Request) error {
	values := r.Header["Content-Type"]
	if len(values) == 0 || len(values) == 1 && !strings.Contains(mediaType(values[0]), ",") {
		return nil
	}
	depth, err := choose(v.JSON, r)
	if err != nil {
		return err
	}
	files, err := choose(v.Files, r)
	if err != nil {
		return err
	}
	if (depth == nil || depth.max == 0) && (files == nil || files.types == nil) {
		return nil
	}
	return invalidContentType("the body is declared as two types, of which servers take one or the other")
}

func (v *Validate) checkJSON(r *http.Request, media string, b *body) error {
	if media != "application/json" {
		return nil
	}
	rule, err := choose(v.JSON, r)
	if err != nil || rule == nil || rule.max == 0 {
		return err
	}
	if !isUTF8(r.Header.Get("Content-Type")) {
		return gate.InvalidInput(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "JSON is accepted in UTF-8 alone",
			"the body is declared to be in another charset than UTF-8, in which the same bytes are another text: where that is meant, write `json off` with a matcher")
	}
	b.checks = append(b.checks, jsonsyntax.New(rule.max))
	return plainly(r)
}

// isUTF8 reports whether a Content-Type says UTF-8 or, as JSON needs none (RFC
// 8259, section 8.1), no charset. Servers decode what it says: in UTF-7 a string
// that looks harmless ends at a quotation mark that nobody sees.
func isUTF8(contentType string) bool {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || strings.Contains(contentType, "*") { // charset*=...
		return false
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

func (v *Validate) checkFiles(r *http.Request, media string, b *body) error {
	if media != "multipart/form-data" {
		return nil
	}
	rule, err := choose(v.Files, r)
	if err != nil || rule == nil || rule.types == nil {
		return err
	}
	form, err := upload.NewForm(r.Header.Get("Content-Type"), rule.types)
	if err != nil {
		return refusal(err)
	}
	b.checks = append(b.checks, form)
	return plainly(r)
}

// plainly refuses a body that is compressed, and so cannot be checked.
func plainly(r *http.Request) error {
	if !gate.Encoded(r.Header) {
		return nil
	}
	return gate.InvalidInput(http.StatusUnsupportedMediaType, "UNSUPPORTED_CONTENT_ENCODING", "Compressed request bodies are not accepted",
		"the body is compressed, so agent_validate cannot look into it: where that is meant, write `json off` or `files off` with a matcher")
}

// Read passes the body on as long as nothing is wrong with it. The bytes that
// complete a body are passed on only after the whole of it has been found good.
func (b *body) Read(p []byte) (int, error) {
	if b.refused != nil {
		return 0, gate.ErrCutOff
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.max >= 0 && b.read > b.max {
		return 0, b.cutOff(tooLarge())
	}
	for _, c := range b.checks {
		if wrong := c.Write(p[:n]); wrong != nil {
			return 0, b.cutOff(refusal(wrong))
		}
	}
	if err == io.EOF || b.read == b.length {
		for _, c := range b.checks {
			if wrong := c.End(); wrong != nil {
				return 0, b.cutOff(refusal(wrong))
			}
		}
		b.checks = nil // the end may come twice
	}
	if err != nil && err != io.EOF {
		return 0, b.cutOff(broken(err))
	}
	return n, err
}

// cutOff ends the body with an error that counts against no backend.
func (b *body) cutOff(f *gate.Refusal) error {
	b.refused = f
	b.req.Refuse(f)
	return gate.ErrCutOff
}

func tooLarge() *gate.Refusal {
	return gate.InvalidInput(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "Request body too large",
		"the body is longer than max_body of agent_validate allows")
}

// refusal is the answer to a body whose content is wrong.
func refusal(err error) *gate.Refusal {
	fileType := (*upload.TypeError)(nil)
	switch {
	case errors.As(err, &fileType):
		return gate.BadRequest("INVALID_FILE_TYPE", "Invalid file type", err.Error())
	case upload.Malformed(err):
		return gate.BadRequest("INVALID_MULTIPART", "Invalid multipart body", err.Error())
	}
	return gate.BadRequest("INVALID_JSON", "Invalid JSON body", err.Error())
}

// broken is the answer to a body that cannot be read to its end: the client is
// gone or too slow, which tells nobody anything, or its framing is wrong.
func broken(err error) *gate.Refusal {
	timeout := net.Error(nil)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &gate.Refusal{Status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT", Message: "The request body did not arrive in time"}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &timeout):
		return &gate.Refusal{Status: http.StatusBadRequest, Code: "INVALID_REQUEST", Message: "The request body is incomplete"}
	}
	return gate.BadRequest("INVALID_REQUEST", "Bad request", "the body's framing is malformed")
}
