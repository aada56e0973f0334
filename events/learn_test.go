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
