package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Misjudged is an error for which a backend gives the wrong status.
type Misjudged struct {
	// Message is a part of the backend's message, in small letters.
	Message string
	// Status is the right one.
	Status int
	// Code is the code that goes with it.
	Code string
}

var misjudged = make(map[string][]Misjudged)

// RegisterErrors registers what a backend answers with status 500 though it is
// the client's fault. It is called while the program starts and panics if the
// name is taken.
func RegisterErrors(name string, errors []Misjudged) {
	if misjudged[name] != nil {
		panic("errors of " + name + " are registered already")
	}
	misjudged[name] = errors
}

// ErrorsOf returns what is registered under a backend's name.
func ErrorsOf(name string) ([]Misjudged, error) {
	if found := misjudged[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("the errors of %q are not known: known are those of %s", name, strings.Join(slices.Sorted(maps.Keys(misjudged)), ", "))
}

// ErrorBody is the one shape in which errors of a backend leave. Where the
// backend gives no code or no message, those of the status serve.
func ErrorBody(status int, code, message string) []byte {
	f := foreignRefusal(status)
	if code != "" {
		f.Code = code
	}
	if message != "" {
		f.Message = message
	}
	_, body := f.body(FormatCode, "")
	return body
}
