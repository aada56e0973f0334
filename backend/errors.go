package backend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// maxError is how much of an error is read. Errors are short; of a longer one
// the status alone goes on.
const maxError = 64 << 10

// tidyError gives an error of the backend's the one shape, with the status that
// it deserves. What is no error in one of the backend's shapes is left alone.
func (t *Transport) tidyError(res *http.Response) error {
	if t.Errors == "" || res.StatusCode < http.StatusBadRequest || res.StatusCode == http.StatusPaymentRequired {
		return nil
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	page := media == "text/html" // Express' own, with a stack trace
	if media != "application/json" && !page || gate.Encoded(res.Header) {
		return nil
	}
	if res.Request != nil && res.Request.Method == http.MethodHead {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxError+1))
	if err != nil {
		return err
	}
	var code, message string
	if len(body) <= maxError && !page {
		told, known := readError(body)
		if !known {
			res.Body = &putBack{io.MultiReader(bytes.NewReader(body), res.Body), res.Body}
			return nil
		}
		code, message = told.code, told.message
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode == http.StatusInternalServerError {
		lower := strings.ToLower(message)
		for _, wrong := range t.misjudged {
			if strings.Contains(lower, wrong.Message) {
				res.StatusCode, code = wrong.Status, wrong.Code
				break
			}
		}
	}
	if res.StatusCode == http.StatusUnauthorized && strings.Contains(message, "X-API-KEY") && len(t.key) > 0 {
		t.logger.Error("the backend refuses the gate's own key: its ELIZA_SERVER_AUTH_TOKEN is another than the one that `key` of the transport stands for")
	}
	replaceBody(res, gate.ErrorBody(res.StatusCode, code, message))
	return nil
}

// putBack is a body whose beginning has been read.
type putBack struct {
	io.Reader
	io.Closer
}

func replaceBody(res *http.Response, body []byte) {
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	res.TransferEncoding = nil
	for _, name := range []string{"Etag", "Last-Modified", "Content-Encoding", "Transfer-Encoding", "Trailer"} {
		delete(res.Header, name)
	}
	res.Header.Set("Content-Type", "application/json; charset=utf-8")
	res.Header.Set("Content-Length", strconv.Itoa(len(body)))
	res.Status = fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

// told is what an error says, whatever its shape.
type told struct{ code, message string }

// readError reads an error in one of ElizaOS' five shapes:
//
//	{"success":false,"error":{"code":"X","message":"..."}}
//	{"success":false,"error":"..."}
//	{"error":{"code":"X","message":"...","timestamp":...,"details":...,"stack":"..."}}
//	{"error":"...","message":"..."}
//	{"success":false,"error":{"message":"...","code":500}}
//
// Objects with other members are something else, such as a request for payment.
func readError(body []byte) (t told, known bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members["error"] == nil {
		return t, false
	}
	for name := range members {
		switch name {
		case "success", "error", "message", "details", "stack":
		default:
			return t, false
		}
	}
	var detailed struct {
		Code    any    `json:"code"`
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(members["error"], &t.message) == nil:
		var more string
		if json.Unmarshal(members["message"], &more) == nil && more != "" {
			t.message = more
		}
	case json.Unmarshal(members["error"], &detailed) == nil:
		t.message = detailed.Message
		t.code, _ = detailed.Code.(string)
	default:
		return t, false
	}
	t.message = firstLine(t.message)
	return t, true
}

// firstLine is the sentence of a message, without the stack that may follow it.
func firstLine(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message = strings.ToValidUTF8(strings.TrimSpace(message), "")
	const longest = 500
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "")
	}
	return message
}
