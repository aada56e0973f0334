package securitylog

import (
	"net/http"
	"unicode/utf8"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// maxInspected bounds what is looked at of a target, a header and a body.
const maxInspected = 64 << 10

// inspectBody looks at the beginning of the body where it is told to, and puts
// it back.
func (s *SecurityLog) inspectBody(r *http.Request, req *gate.Request) (detect.Findings, error) {
	contentType := readableType(r)
	if !s.inBodies || r.Body == nil || r.Body == http.NoBody || contentType == "" {
		return nil, nil
	}
	if matched, err := s.bodies.Match(r); err != nil || !matched {
		return nil, err
	}
	begin, refusal := req.Peek(r, maxInspected)
	if refusal != nil {
		return nil, refusal
	}
	if compressed(r, begin) {
		return nil, nil
	}
	return s.detector.Body(contentType, begin), nil
}

// readableType is the Content-Type by which the body is looked at, "" if it is
// not. Of several, servers take one or another: the first that can be read.
func readableType(r *http.Request) string {
	for _, contentType := range r.Header["Content-Type"] {
		if detect.ReadsBody(contentType) {
			return contentType
		}
	}
	return ""
}

// compressed reports whether the body is. Many servers read it as it is,
// whatever is said, so it has to look so too: what is compressed is no text.
func compressed(r *http.Request, begin []byte) bool {
	// The text may end within a character.
	return gate.Encoded(r.Header) && !utf8.Valid(begin[:max(0, len(begin)-utf8.UTFMax)])
}
