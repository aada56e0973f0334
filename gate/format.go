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

// coded is the body of the formats elizaos and code.
type coded struct {
	Success bool `json:"success"`
	Error   any  `json:"error"`
}

type codeAndMessage struct {
	Code    string `json:"code"`
	Message string `json:"message"`
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
	var content any
	mediaType = "application/json; charset=utf-8"
	switch {
	case format == FormatProblem:
		mediaType = "application/problem+json"
		p := problem{Type: "about:blank", Title: http.StatusText(f.Status), Status: f.Status, Detail: f.Message,
			Instance: "urn:uuid:" + requestID, Code: f.Code}
		if f.Status == http.StatusTooManyRequests {
			p.Type = quotaExceeded
		}
		content = p
	case f.Plain && format == FormatElizaOS:
		content = coded{Error: f.Message}
	default:
		content = coded{Error: codeAndMessage{f.Code, f.Message}}
	}
	body, err := json.Marshal(content)
	if err != nil {
		// Strings and numbers always marshal.
		panic(err)
	}
	return mediaType, body
}

// setHeader sets the headers that belong to a refusal in every format.
func (d *Door) setHeader(h http.Header, f *Refusal) {
	// Whatever an inner handler announced of a body of its own is void.
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Range", "Etag", "Last-Modified", "Trailer"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	ownChallenge := f.foreign && h.Get("WWW-Authenticate") != "" // basic_auth's, say
	if (f.Status == http.StatusUnauthorized || f.Challenge != "") && !ownChallenge {
		challenge := "Bearer realm=" + strconv.Quote(d.Realm)
		if f.Challenge != "" {
			challenge += ", " + f.Challenge
		}
		h.Set("WWW-Authenticate", challenge)
	}
	for name, values := range f.Header {
		h[name] = append([]string(nil), values...)
	}
}

func (d *Door) write(w http.ResponseWriter, req *Request, f *Refusal) {
	mediaType, body := f.body(d.Format, req.ID)
	h := w.Header()
	d.setHeader(h, f)
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(body)
}
