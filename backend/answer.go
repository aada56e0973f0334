package backend

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
)

// provisionAnswers prepares what is done with the backend's answers.
func (t *Transport) provisionAnswers() error {
	var mistakes []error
	if t.Errors != "" {
		var err error
		t.misjudged, err = gate.ErrorsOf(t.Errors)
		mistakes = append(mistakes, err)
	}
	for _, c := range t.Conceal {
		mistakes = append(mistakes, c.provision())
	}
	if t.Salt != "" {
		salt, err := t.app.ResolveOptional(t.Salt)
		mistakes = append(mistakes, err)
		t.weakSalt = salt == "" || salt == defaultSalt
		events.Conceal(salt)
	}
	return errors.Join(mistakes...)
}

// headersForLogs are those of a request that the proxy goes by when the answer
// comes, and the request's id, by which its other lines in the logs are found.
func headersForLogs(r *http.Request, req *gate.Request) http.Header {
	kept := make(http.Header, 3)
	if req != nil {
		kept["X-Request-Id"] = []string{req.ID}
	}
	if upgrade := r.Header["Upgrade"]; len(upgrade) > 0 {
		kept["Upgrade"], kept["Connection"] = upgrade, r.Header["Connection"]
		return events.RedactHeader(kept)
	}
	return kept
}

// reportLimit tells of a request that the backend refused by a limit of its
// own. It names no key: what the backend counts is not the client's doing.
func (t *Transport) reportLimit(r *http.Request, req *gate.Request) {
	e := events.Event{
		Name:    events.BackendLimited,
		Message: "[SECURITY] The backend refused a request by a rate limit of its own",
		Level:   zap.WarnLevel,
		Method:  r.Method,
		URI:     events.RedactFor(r, gate.OriginalURI(r)),
		Reason:  "the backend counts requests by address, the gate's included: write `spread` in the transport, or a lower number in it",
	}
	if req != nil {
		e.RequestID = req.ID
	}
	t.app.Events().Report(e)
}

// dropped are response headers that speak for the gate's part.
var dropped = []string{"X-Request-Id", "X-Powered-By", "Server", "Ratelimit", "Ratelimit-Policy", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"}

// clean takes out of a response what the gate says itself, what tells of the
// product behind it, and headers in which the backend tells its own key. What
// stands behind the body is cleaned when that has been read.
func (t *Transport) clean(res *http.Response) {
	t.cleanFields(res.Header)
	if res.StatusCode == http.StatusTooManyRequests {
		delete(res.Header, "Retry-After")
	}
	if res.ContentLength < 0 && res.StatusCode != http.StatusSwitchingProtocols { // others have no trailers
		res.Body = &trailed{res.Body, t, res}
	}
}

func (t *Transport) cleanFields(fields http.Header) {
	for _, name := range dropped {
		delete(fields, name)
	}
	for name, values := range fields {
		if strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "X-Ratelimit-") || t.told(values) {
			delete(fields, name)
		}
	}
}

// trailed is the body of a response that may have fields behind it.
type trailed struct {
	io.ReadCloser
	t   *Transport
	res *http.Response
}

func (b *trailed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.t.cleanFields(b.res.Trailer)
	}
	return n, err
}

// cleanEarly has the responses cleaned that come before the response (1xx),
// which the proxy passes on while it waits. The trace is the proxy's own of this
// one attempt.
func (t *Transport) cleanEarly(r *http.Request) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace == nil || trace.Got1xxResponse == nil {
		return
	}
	pass := trace.Got1xxResponse
	trace.Got1xxResponse = func(status int, fields textproto.MIMEHeader) error {
		t.cleanFields(http.Header(fields))
		return pass(status, fields)
	}
}

// told reports whether the backend's key stands in one of the values.
func (t *Transport) told(values []string) bool {
	for _, key := range [...][]string{t.key, t.socketKey} {
		if len(key) > 0 && slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, key[0]) }) {
			return true
		}
	}
	return false
}
