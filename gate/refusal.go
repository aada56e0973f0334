package gate

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap/zapcore"
)

// Refusal is a handler's decision not to let a request pass. A handler returns
// it as an error; the door turns it into the response, in the format of the
// site, and into one security event.
type Refusal struct {
	// Status is the HTTP status.
	Status int
	// Code is the machine-readable code, in capitals with underscores.
	Code string
	// Message is the sentence for the client. It never tells whether a key,
	// an agent or a route exists.
	Message string
	// Plain marks the answers that ElizaOS' documents write as a bare string
	// instead of an object with code and message: 401 and 403.
	Plain bool
	// Challenge is the content of WWW-Authenticate after the realm (RFC 6750,
	// section 3), such as `error="invalid_token"`. It is sent with 401, and
	// with 403 where it is not empty.
	Challenge string
	// RetryAfter is in how many seconds the client may come back (RFC 9110,
	// section 10.2.3); 0 if that is not told.
	RetryAfter int
	// Allow are the methods that are allowed, for a 405 (RFC 9110, section
	// 10.2.1).
	Allow string
	// Event is what the security log says. What the request itself tells is
	// filled in by the door. An Event without a name is not reported.
	Event events.Event

	foreign bool   // made of another module's error, whose headers are kept
	step    Step   // the handler that it is from, if that is known
	cause   string // why another module failed, without secrets
}

// Error says what was refused, for logs: never a secret.
func (f *Refusal) Error() string {
	return fmt.Sprintf("refused with %d %s: %s", f.Status, f.Code, f.Event.Reason)
}

// The refusals that several handlers share. Each returns a new value, which
// the caller may complete.

// Unauthorized is the one answer to no key, a wrong, an expired and a revoked
// one. The reason is for the operator's log only. presented says whether the
// client presented anything: only then does the challenge name an error
// (RFC 6750, section 3.1).
func Unauthorized(presented bool, reason string) *Refusal {
	f := &Refusal{
		Status:  http.StatusUnauthorized,
		Code:    "UNAUTHORIZED",
		Message: "Authentication required",
		Plain:   true,
		Event: events.Event{
			Name:    events.AuthnFail,
			Message: "[SECURITY] Unauthorized access attempt from",
			Level:   zapcore.WarnLevel,
			Reason:  reason,
		},
	}
	if presented {
		f.Challenge = `error="invalid_token"`
	}
	return f
}

// Forbidden is the answer to a caller who may not do this. rule names what
// decided, reason says what would have to change.
func Forbidden(rule, reason string) *Refusal {
	return &Refusal{
		Status:  http.StatusForbidden,
		Code:    "FORBIDDEN",
		Message: "Insufficient permissions",
		Plain:   true,
		Event: events.Event{
			Name:    events.AuthzFail,
			Message: "[SECURITY] Forbidden request from",
			Level:   zapcore.WarnLevel,
			Rule:    rule,
			Reason:  reason,
		},
	}
}

// TooMany is the answer to a client that has to wait (RFC 6585, section 4). It
// is told how long in whole seconds, rounded up: whoever comes back then is not
// refused for having come too early. The event's name and level are set here.
func TooMany(code, message string, wait time.Duration, e events.Event) *Refusal {
	e.Name, e.Level = events.RateLimited, zapcore.WarnLevel
	return &Refusal{
		Status:     http.StatusTooManyRequests,
		Code:       code,
		Message:    message,
		RetryAfter: max(1, int((wait+time.Second-1)/time.Second)),
		Event:      e,
	}
}

// BadRequest is the answer to a request whose form is wrong.
func BadRequest(code, message, reason string) *Refusal {
	return InvalidInput(http.StatusBadRequest, code, message, reason)
}

// InvalidInput is BadRequest, where a status says more exactly what is wrong with
// the form: 405, 413, 415.
func InvalidInput(status int, code, message, reason string) *Refusal {
	return &Refusal{
		Status:  status,
		Code:    code,
		Message: message,
		Event: events.Event{
			Name:    events.InputInvalid,
			Message: "[SECURITY] Invalid request from",
			Level:   zapcore.WarnLevel,
			Rule:    code,
			Reason:  reason,
		},
	}
}

// CheckPath refuses a request whose path could not be cleaned, or leads where
// nobody may come. Every handler
// that judges a request by its path calls it first; the handlers before them
// let such a request pass, so that the security log sees it as it came.
func (req *Request) CheckPath() error {
	if req.closed != nil {
		return req.closed
	}
	if req.unclean == nil {
		return nil
	}
	return BadRequest("INVALID_PATH", "Invalid request path", req.unclean.Error())
}

// ErrCutOff ends a request that is already on its way to the backend, together
// with a refusal that is kept by Refuse. It makes the proxy give up the request
// without trying it again and without holding it against the backend.
var ErrCutOff = fmt.Errorf("refused on the way to the backend: %w", context.Canceled)

// Refuse keeps a refusal for a request that is already on its way to the
// backend, where returning an error would be counted as the backend's failure.
// The first refusal wins. The door answers with it when the proxy gives up the
// request, provided that the response has not begun.
func (req *Request) Refuse(f *Refusal) {
	req.refusal.CompareAndSwap(nil, f)
}
