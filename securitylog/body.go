package securitylog

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// maxInspected bounds what is looked at of a target, a header and a body, and
// so what is held of a body in memory.
const maxInspected = 64 << 10

// inspectBody looks at the beginning of the body where it is told to, and puts
// it back.
func (s *SecurityLog) inspectBody(r *http.Request) (detect.Findings, error) {
	contentType := r.Header.Get("Content-Type")
	if !s.inBodies || r.Body == nil || r.Body == http.NoBody || !detect.ReadsBody(contentType) || compressed(r) {
		return nil, nil
	}
	if matched, err := s.bodies.Match(r); err != nil || !matched {
		return nil, err
	}
	begin, err := io.ReadAll(io.LimitReader(r.Body, maxInspected))
	rest := io.Reader(r.Body)
	if err != nil {
		// Whoever reads the body gets the error at the same place.
		rest = failed{err}
	}
	r.Body = &replayed{io.MultiReader(bytes.NewReader(begin), rest), r.Body}
	return s.detector.Body(contentType, begin), nil
}

func compressed(r *http.Request) bool {
	encoding := r.Header.Get("Content-Encoding")
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// replayed is a body whose beginning has been read.
type replayed struct {
	io.Reader
	io.Closer
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
