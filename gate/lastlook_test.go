package gate

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

type calls struct{ seen []int }

func (c *calls) Finish(status int, _ http.Header) { c.seen = append(c.seen, status) }

// Whichever way a response begins, its headers are looked at once before they
// are sent, and once for each informational response before it.
func TestLastLook(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(w *LastLook)
		want []int
	}{
		"write":    {func(w *LastLook) { io.WriteString(w, "x"); io.WriteString(w, "y") }, []int{200}},
		"read":     {func(w *LastLook) { w.ReadFrom(strings.NewReader("x")) }, []int{200}},
		"flush":    {func(w *LastLook) { http.NewResponseController(w).Flush(); io.WriteString(w, "x") }, []int{200}},
		"status":   {func(w *LastLook) { w.WriteHeader(404); io.WriteString(w, "x") }, []int{404}},
		"hints":    {func(w *LastLook) { w.WriteHeader(103); w.WriteHeader(103); w.WriteHeader(200) }, []int{103, 103, 200}},
		"upgraded": {func(w *LastLook) { w.WriteHeader(101); w.WriteHeader(200) }, []int{101}},
	} {
		seen := new(calls)
		w := NewLastLook(httptest.NewRecorder(), seen)
		if test.do(&w); !slices.Equal(seen.seen, test.want) {
			t.Errorf("%s: looked at %v, not %v", name, seen.seen, test.want)
		}
	}
}
