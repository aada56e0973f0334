package gate

import (
	"encoding/json"
	"net/http"
	"testing"

	"pgregory.net/rapid"
)

// TestBodies compares what a refusal writes by itself with what encoding/json
// makes of the same content, for any text.
func TestBodies(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`), rapid.Just("Too many requests. Please try again later."), rapid.Just("<a href=\"x\">&\u2028\xff\\"))
	rapid.Check(t, func(t *rapid.T) {
		f := &Refusal{
			Status:  rapid.SampledFrom([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}).Draw(t, "status"),
			Code:    text.Draw(t, "code"),
			Message: text.Draw(t, "message"),
			Plain:   rapid.Bool().Draw(t, "plain"),
		}
		format := rapid.SampledFrom([]Format{FormatElizaOS, FormatCode}).Draw(t, "format")
		var content any = struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}{f.Code, f.Message}
		if f.Plain && format == FormatElizaOS {
			content = f.Message
		}
		want, err := json.Marshal(struct {
			Success bool `json:"success"`
			Error   any  `json:"error"`
		}{Error: content})
		if err != nil {
			t.Fatal(err)
		}
		if _, body := f.body(format, "id"); string(body) != string(want) {
			t.Errorf("%s, not %s", body, want)
		}
	})
}

// TestRefusalHeaders holds that the values of a refusal's headers are its own:
// whoever changes one in place changes no other.
func TestRefusalHeaders(t *testing.T) {
	d := &Door{Realm: "a realm"}
	f := &Refusal{Status: http.StatusUnauthorized, Challenge: `error="invalid_token"`, RetryAfter: 7, Allow: "GET"}
	h := http.Header{"Content-Length": {"3"}, "Etag": {"x"}}
	d.setHeader(h, f)
	h.Add("Cache-Control", "private")
	h["Retry-After"][0] = "8"
	other := http.Header{}
	d.setHeader(other, f)
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Www-Authenticate": `Bearer realm="a realm", error="invalid_token"`, "Retry-After": "7", "Allow": "GET",
	} {
		if got := other[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	if len(other) != 4 || len(h) != 4 || h.Get("Www-Authenticate") != other.Get("Www-Authenticate") {
		t.Errorf("%v and %v", h, other)
	}
}
