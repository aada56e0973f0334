package events_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// manyCookies are as many as Caddy lets through, each of which could be a key.
func manyCookies() string {
	var b strings.Builder
	for i := 0; b.Len() < 15<<10; i++ {
		fmt.Fprintf(&b, "a=%016da; ", i)
	}
	return b.String() + "x=%2525252541"
}

// TestManyCookies holds that a request with more cookies than are looked for
// elsewhere hides neither its key nor the cookies themselves.
func TestManyCookies(t *testing.T) {
	const key = "the-clients-own-key-0"
	r := &http.Request{
		RequestURI: "/media/" + key + "?q=1",
		Header:     http.Header{"Cookie": {manyCookies()}, "X-Api-Key": {key}, "X-Copy": {"my key is " + key}},
	}
	safe := events.RedactRequest(r)
	for _, text := range append(safe.Header["Cookie"], safe.RequestURI, safe.Header.Get("X-Copy"), safe.Header.Get("X-Api-Key")) {
		if strings.Contains(text, key) || strings.Contains(text, "0000a") {
			t.Errorf("%q", text)
		}
	}
}

func BenchmarkManyCookies(b *testing.B) {
	r := &http.Request{RequestURI: "/", Header: http.Header{"Cookie": {manyCookies()}}}
	for b.Loop() {
		events.RedactFor(r, r.Header.Get("Cookie"))
	}
}

// TestNobodyHidesByPresenting holds that what is asked for stays in the log
// though it is presented as a key, and that what can be a key does not.
func TestNobodyHidesByPresenting(t *testing.T) {
	for _, test := range []struct {
		uri, presented string
		hidden         bool
	}{
		{"/cgi-bin/test-cgi/.env.bak1", "/cgi-bin/test-cgi/.env.bak1", false},
		{"/cgi-bin/test%2dcgi/.env.bak1", "cgi-bin/test-cgi/.env.bak1", false},
		{"/?f=/var/log/syslog.1234", "/var/log/syslog.1234", false},
		{"/v1/admin/users/1234567890", "/v1/admin/users/1234567890", false},
		{"/x/../../../etc/passwd1", "x/../../../etc/passwd1", false},
		{"/?q=http://169.254.169.254/a", "http://169.254.169.254/a", false},
		{"/?q=Ym9iJ3Mga2V5/with+base64==", "Ym9iJ3Mga2V5/with+base64==", true},
		{"/?q=/Ym9iJ3Mga2V5with+base64==", "/Ym9iJ3Mga2V5with+base64==", true},
		{"/media/0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e", true},
	} {
		for _, header := range []string{"X-Api-Key", "Authorization", "Cookie"} {
			value := map[string]string{"X-Api-Key": "", "Authorization": "Bearer ", "Cookie": "a="}[header] + test.presented
			r := &http.Request{RequestURI: test.uri, Header: http.Header{header: {value}}}
			if got := events.RedactFor(r, test.uri); strings.Contains(got, events.Redacted) != test.hidden {
				t.Errorf("%s presented as %s: %s", test.uri, header, got)
			}
		}
	}
}
