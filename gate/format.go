package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Format is how refusals are written.
type Format string

// The formats of refusals.
const (
	// FormatElizaOS writes what ElizaOS' documents show: a bare string on 401
	// and 403, an object with code and message on everything else.
	FormatElizaOS Format = "elizaos"
	// FormatCode writes an object with code and message on every status,
	// the only form that ElizaOS' official client reads.
	FormatCode Format = "code"
	// FormatProblem writes RFC 9457 problem details.
	FormatProblem Format = "problem"
	// FormatCaddy leaves the response to the site's handle_errors.
	FormatCaddy Format = "caddy"
)

// Formats are all formats, in the order in which messages name them.
var Formats = []Format{FormatElizaOS, FormatCode, FormatProblem, FormatCaddy}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown error format %q: it is one of %v", name, Formats)
}

// foreignRefusal is the refusal for an error that came from outside the gate:
// from the proxy, another module or the server.
func foreignRefusal(status int) *Refusal {
	f := &Refusal{Status: status, Code: "INTERNAL_ERROR", Message: http.StatusText(status), foreign: true}
	if status < 500 {
		f.Code = "REQUEST_REFUSED"
	}
	if known, ok := foreign[status]; ok {
		f.Code, f.Message, f.Plain = known.code, known.message, known.plain
	}
	if f.Message == "" {
		f.Message = "Request failed"
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.Event.Step = "reverse_proxy"
	}
	return f
}

var foreign = map[int]struct {
	code, message string
	plain         bool
}{
	http.StatusBadRequest:            {code: "INVALID_REQUEST", message: "Bad request"},
	http.StatusUnauthorized:          {code: "UNAUTHORIZED", message: "Authentication required", plain: true},
	http.StatusForbidden:             {code: "FORBIDDEN", message: "Insufficient permissions", plain: true},
	http.StatusNotFound:              {code: "NOT_FOUND", message: "Not found"},
	http.StatusMethodNotAllowed:      {code: "METHOD_NOT_ALLOWED", message: "Method not allowed"},
	http.StatusRequestEntityTooLarge: {code: "PAYLOAD_TOO_LARGE", message: "Request body too large"},
	http.StatusTooManyRequests:       {code: "RATE_LIMIT_EXCEEDED", message: "Too many requests. Please try again later."},
	http.StatusInternalServerError:   {code: "INTERNAL_ERROR", message: "Internal error"},
	http.StatusBadGateway:            {code: "BACKEND_UNAVAILABLE", message: "The backend is unavailable"},
	http.StatusServiceUnavailable:    {code: "BACKEND_UNAVAILABLE", message: "The backend is unavailable"},
	http.StatusGatewayTimeout:        {code: "BACKEND_TIMEOUT", message: "The backend did not answer in time"},
}

// problem is a problem details object (RFC 9457, section 3.1).
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	Code     string `json:"code"`
}

// quotaExceeded is the problem type of 429 (draft-ietf-httpapi-ratelimit-headers-11).
const quotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded"

// body writes the refusal's body in a format, with its media type.
func (f *Refusal) body(format Format, requestID string) (mediaType string, body []byte) {
	if format == FormatProblem {
		p := problem{Type: "about:blank", Title: http.StatusText(f.Status), Status: f.Status, Detail: f.Message,
			Instance: "urn:uuid:" + requestID, Code: f.Code}
		if f.Status == http.StatusTooManyRequests {
			p.Type = quotaExceeded
		}
		return "application/problem+json", marshal(p)
	}
	body = append(make([]byte, 0, 160), `{"success":false,"error":`...)
	if f.Plain && format == FormatElizaOS {
		body = appendJSON(body, f.Message)
	} else {
		body = append(body, `{"code":`...)
		body = appendJSON(body, f.Code)
		body = append(body, `,"message":`...)
		body = appendJSON(body, f.Message)
		body = append(body, '}')
	}
	return "application/json; charset=utf-8", append(body, '}')
}

// appendJSON appends a string as JSON. Nearly all are as they stand, and are
// written without reflection.
func appendJSON(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return append(dst, marshal(s)...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// marshal is json.Marshal of strings and numbers, which always succeeds.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// voided are the headers by which an inner handler may have announced a body of
// its own.
var voided = []string{"Content-Length", "Content-Encoding", "Content-Range", "Etag", "Last-Modified", "Trailer"}

// setHeader sets the headers that belong to a refusal in every format.
func (d *Door) setHeader(h http.Header, f *Refusal) fieldSetter {
	for _, name := range voided {
		delete(h, name)
	}
	set := fieldSetter{header: h, values: make([]string, 0, 6)}
	set.field("Cache-Control", "no-store")
	ownChallenge := f.foreign && h.Get("WWW-Authenticate") != "" // basic_auth's, say
	if (f.Status == http.StatusUnauthorized || f.Challenge != "") && !ownChallenge {
		challenge := `Bearer realm="` + d.Realm + `"`
		if f.Challenge != "" {
			challenge += ", " + f.Challenge
		}
		set.field("Www-Authenticate", challenge)
	}
	if f.RetryAfter > 0 {
		set.field("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.Allow != "" {
		set.field("Allow", f.Allow)
	}
	return set
}

// fieldSetter sets header fields of one value each, by their canonical names.
// Their values lie side by side.
type fieldSetter struct {
	header http.Header
	values []string
}

func (s *fieldSetter) field(name, value string) {
	s.values = append(s.values, value)
	n := len(s.values)
	s.header[name] = s.values[n-1 : n : n]
}

func (d *Door) write(w http.ResponseWriter, req *Request, f *Refusal) {
	mediaType, body := f.body(d.Format, req.ID)
	set := d.setHeader(w.Header(), f)
	set.field("Content-Type", mediaType)
	set.field("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
