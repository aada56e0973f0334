package upload

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/textproto"
	"slices"
	"strings"
)

// TypeError says that a file is not what it may be or claims to be.
type TypeError struct{ reason string }

func (e *TypeError) Error() string { return e.reason }

// FormError says that a body is not multipart in the one way in which all
// servers read it alike.
type FormError struct{ reason string }

func (e *FormError) Error() string { return e.reason }

const (
	maxHeader   = 8 << 10 // of one part; browsers send a few hundred bytes
	firstBytes  = 512     // of a file, by which its format is told
	maxBoundary = 70      // RFC 2046, section 5.1.1
)

// Form checks one multipart/form-data body (RFC 7578). Make it with NewForm.
//
// It is stricter than the RFCs wherever parsers differ: no text before the
// first part or behind the last, no padding behind a boundary, no folded
// headers, no bare line feeds in them, no encoded content, no parameters in
// RFC 2231's form but a file's name in UTF-8.
type Form struct {
	types     Types
	delimiter string // CRLF, two hyphens and the boundary
	state     formState
	matched   int    // bytes of the delimiter that were seen
	lead      byte   // the first of the two bytes behind a delimiter
	header    []byte // of the part that begins
	file      *file  // the file that streams by; nil for other parts
	first     []byte // its first bytes
	empty     bool   // nothing stands between the part's header and what was matched
	judged    bool   // the file has been checked
}

type formState uint8

const (
	beforeFirst formState = iota
	behindDelimiter
	inHeader
	inContent
	behindLast
)

// NewForm returns a checker for a body with this Content-Type.
func NewForm(contentType string, types Types) (*Form, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return nil, &FormError{"the Content-Type cannot be read as multipart/form-data"}
	}
	boundary := params["boundary"]
	if strings.Contains(contentType, "*") || strings.Count(strings.ToLower(contentType), "boundary=") != 1 {
		// RFC 2231's form (boundary*=...) wins here, and is nothing to others.
		boundary = ""
	}
	if boundary == "" || len(boundary) > maxBoundary || strings.HasSuffix(boundary, " ") || strings.ContainsFunc(boundary, func(r rune) bool { return !isBoundaryRune(r) }) {
		return nil, &FormError{"the Content-Type has no boundary that all servers read alike"}
	}
	// The first delimiter has no line break before it.
	return &Form{types: types, delimiter: "\r\n--" + boundary, matched: len("\r\n")}, nil
}

// isBoundaryRune reports whether a boundary may hold r (RFC 2046, section 5.1.1).
func isBoundaryRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("'()+_,-./:=? ", r)
}

// Write takes the next bytes of the body. After an error it is not to be
// called again.
func (f *Form) Write(p []byte) error {
	for len(p) > 0 {
		var err error
		switch f.state {
		case beforeFirst:
			p, err = f.preamble(p)
		case behindDelimiter:
			p, err = f.behind(p)
		case inHeader:
			p, err = f.headers(p)
		case inContent:
			p, err = f.content(p)
		case behindLast:
			if len(bytes.Trim(p, "\r\n ")) > 0 {
				err = &FormError{"something follows the last part"}
			}
			p = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// End says whether the body is complete.
func (f *Form) End() error {
	if f.state != behindLast {
		return &FormError{"the body ends before its last boundary"}
	}
	return nil
}

func (f *Form) preamble(p []byte) ([]byte, error) {
	for i, b := range p {
		if b != f.delimiter[f.matched] {
			if b != '\r' || f.matched != len("\r\n") {
				return nil, &FormError{"the body does not begin with its boundary"}
			}
			f.matched = 0 // one empty line may come first
		}
		if f.matched++; f.matched == len(f.delimiter) {
			f.state, f.lead = behindDelimiter, 0
			return p[i+1:], nil
		}
	}
	return nil, nil
}

// behind takes the two bytes behind a delimiter, which say whether a part follows.
func (f *Form) behind(p []byte) ([]byte, error) {
	b := p[0]
	switch {
	case f.lead == 0 && (b == '\r' || b == '-'):
		f.lead = b
	case f.lead == '\r' && b == '\n':
		f.state, f.header = inHeader, f.header[:0]
	case f.lead == '-' && b == '-':
		f.state = behindLast
	default:
		return nil, &FormError{"a boundary is followed by something else than a line break"}
	}
	return p[1:], nil
}

func (f *Form) headers(p []byte) ([]byte, error) {
	for i, b := range p {
		if len(f.header) == maxHeader {
			return nil, &FormError{fmt.Sprintf("the header of a part is longer than %d bytes", maxHeader)}
		}
		f.header = append(f.header, b)
		if b == '\n' && (len(f.header) == 2 || bytes.HasSuffix(f.header, []byte("\r\n\r\n"))) {
			f.state, f.matched, f.empty, f.judged = inContent, len("\r\n"), true, false
			f.first = f.first[:0]
			return p[i+1:], f.begin()
		}
	}
	return nil, nil
}

// plainEncodings are those that leave the content as it is. RFC 7578, section
// 4.7, has done with all of them.
var plainEncodings = []string{"7bit", "8bit", "binary"}

var errDisposition = &FormError{"a part has no Content-Disposition that all servers read alike"}

// begin reads the header of a part.
func (f *Form) begin() error {
	f.file = nil
	var disposition, contentType []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(f.header), "\r\n\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") || strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
			return &FormError{"a part has a malformed header"}
		}
		if strings.HasPrefix(line, f.delimiter[len("\r\n"):]) {
			return &FormError{"a boundary stands in the header of a part"}
		}
		switch value := strings.Trim(value, " \t"); textproto.CanonicalMIMEHeaderKey(name) {
		case "Content-Disposition":
			disposition = append(disposition, value)
		case "Content-Type":
			contentType = append(contentType, value)
		case "Content-Transfer-Encoding":
			if !slices.ContainsFunc(plainEncodings, func(plain string) bool { return strings.EqualFold(value, plain) }) {
				return &FormError{"the content of a part is encoded, which some servers decode and others do not"}
			}
		}
	}
	if len(disposition) != 1 || len(contentType) > 1 {
		return errDisposition
	}
	name, isFile, err := filename(disposition[0])
	if err != nil {
		return err
	}
	media := "text/plain" // RFC 7578, section 4.4
	if len(contentType) == 1 {
		media, _, _ = strings.Cut(contentType[0], ";")
		media = strings.ToLower(strings.TrimRight(media, " \t"))
	}
	// Without a file's name a part is a field, unless its type says otherwise.
	if isFile || media != "text/plain" {
		f.file = &file{name, media}
	}
	return nil
}

// filename reads the name of a part's file.
func filename(disposition string) (name string, has bool, err error) {
	if strings.ContainsRune(disposition, '\\') {
		return "", false, errDisposition // an escape to some, a folder to others
	}
	kind, params, err := mime.ParseMediaType(disposition)
	if err != nil || kind != "form-data" {
		return "", false, errDisposition
	}
	// Where there is one name in RFC 2231's form and one without, servers choose
	// differently, and not all join a name that comes in pieces.
	lower := strings.ToLower(disposition)
	if n := strings.Count(lower, "filename*"); n > 1 || n == 1 && (!strings.Contains(lower, "filename*=") || strings.Contains(lower, "filename=")) {
		return "", false, errDisposition
	}
	name, has = params["filename"]
	if !has && strings.Contains(lower, "filename*") {
		return "", false, errDisposition // in a charset, or a form, that not all know
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }) {
		return "", false, errDisposition
	}
	return name, has, nil
}

// content takes the content of a part, up to the next delimiter.
func (f *Form) content(p []byte) ([]byte, error) {
	for i := 0; i < len(p); {
		if f.matched == 0 {
			next := bytes.IndexByte(p[i:], '\r')
			if next < 0 {
				return nil, f.take(p[i:])
			}
			if err := f.take(p[i : i+next]); err != nil {
				return nil, err
			}
			i += next
		}
		if p[i] != f.delimiter[f.matched] {
			// The delimiter's only carriage return is its first byte, so
			// nothing within what was matched can begin another.
			had := f.delimiter[:f.matched]
			if f.empty {
				had = had[len("\r\n"):] // those ended the header
			}
			f.matched, f.empty = 0, false
			if err := f.take([]byte(had)); err != nil {
				return nil, err
			}
			if p[i] != '\r' {
				if err := f.take(p[i : i+1]); err != nil {
					return nil, err
				}
				i++
			}
			continue
		}
		i++
		if f.matched++; f.matched == len(f.delimiter) {
			if f.empty {
				return nil, &FormError{"a part has no line break between its header and the next boundary"}
			}
			return p[i:], f.end()
		}
	}
	return nil, nil
}

// take takes content that is no delimiter.
func (f *Form) take(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if f.file == nil || f.judged {
		return nil
	}
	f.first = append(f.first, p[:min(len(p), firstBytes-len(f.first))]...)
	if len(f.first) < firstBytes {
		return nil
	}
	return f.judge()
}

// end ends a part.
func (f *Form) end() error {
	f.state, f.lead = behindDelimiter, 0
	if f.file != nil && !f.judged {
		return f.judge()
	}
	return nil
}

func (f *Form) judge() error {
	f.judged = true
	return f.types.check(*f.file, f.first)
}

// Malformed reports whether err is about a body's form, and not about a file's type.
func Malformed(err error) bool {
	form := (*FormError)(nil)
	return errors.As(err, &form)
}
