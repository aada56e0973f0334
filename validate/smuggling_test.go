package validate_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestSmuggling sends the shapes by which two servers are made to read one
// stream of bytes as different requests. Whatever is accepted reaches the
// backend in one clear form.
func TestSmuggling(t *testing.T) {
	// Each request comes from an address of its own: the log sums up what one
	// source does again and again.
	g := gatetest.Start(t, "{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\nGATE {\nagent_validate {\nmax_body 1kb\n}\n"+transport+"\n}")
	type seen struct {
		length   int64
		encoding string
		body     string
		header   http.Header
	}
	var latest atomic.Pointer[seen]
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		// A body that breaks off is of a request that was refused in its middle.
		if body, err := io.ReadAll(r.Body); err == nil {
			latest.Store(&seen{r.ContentLength, strings.Join(r.TransferEncoding, ","), string(body), r.Header})
		}
	})
	for _, test := range []struct {
		name, head, body string
		status           int
		body2            string // what the backend gets as the body
	}{
		{"length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "1\r\nZ\r\n0\r\n\r\n", 200, "Z"},
		{"two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n", "12345", 400, ""},
		{"one length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", "12345", 200, "12345"},
		{"lengths in one line", "Content-Length: 5, 5\r\n", "12345", 400, ""},
		{"a signed length", "Content-Length: +5\r\n", "12345", 400, ""},
		{"a negative length", "Content-Length: -1\r\n", "", 400, ""},
		{"a hex length", "Content-Length: 0x5\r\n", "12345", 400, ""},
		{"an unknown encoding", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 501, ""},
		{"two encodings", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", 501, ""},
		{"two encoding lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n", 501, ""},
		{"a tab in the encoding", "Transfer-Encoding: \tchunked\r\n", "1\r\nZ\r\n0\r\n\r\n", 200, "Z"},
		{"a space before the colon", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n", 400, ""},
		{"a space before the name", " Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 400, ""},
		{"a line feed in the value", "X: a\nTransfer-Encoding: chunked\r\n", "1\r\nZ\r\n0\r\n\r\n", 200, "Z"},
		{"a NUL in the value", "X: a\x00b\r\n", "", 400, ""},
		{"a carriage return in the value", "X: a\rb\r\n", "", 400, ""},
		{"a malformed chunk", "Transfer-Encoding: chunked\r\n", "g\r\nZ\r\n0\r\n\r\n", 400, ""},
		{"a chunk with a sign", "Transfer-Encoding: chunked\r\n", "+1\r\nZ\r\n0\r\n\r\n", 400, ""},
		{"a chunk of too many digits", "Transfer-Encoding: chunked\r\n", "00000000000000001\r\nZ\r\n0\r\n\r\n", 400, ""},
		{"a chunk's extension", "Transfer-Encoding: chunked\r\n", "1;x=\"y\"\r\nZ\r\n0\r\n\r\n", 200, "Z"},
		{"a chunk without its end", "Transfer-Encoding: chunked\r\n", "1\r\nZZ0\r\n\r\n", 400, ""},
		{"a hop named as mine", "Connection: X-Secret\r\nX-Secret: a\r\n", "", 200, ""},
	} {
		latest.Store(nil)
		res := g.Raw("POST /x HTTP/1.1\r\nHost: " + g.Addr + "\r\n" + test.head + "\r\n" + test.body)
		if res.Status != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, res.Status, res.Body, test.status)
		}
		if test.status != 200 {
			continue
		}
		last := latest.Load()
		if last == nil || last.body != test.body2 {
			t.Errorf("%s: the backend got %+v", test.name, last)
		} else if last.length >= 0 && last.encoding != "" {
			t.Errorf("%s: the backend got a length and an encoding", test.name)
		}
	}
	if res := g.Get("/after"); res.Status != 200 {
		t.Errorf("the backend is held to be down: %d %s", res.Status, res.Body)
	}
}

// TestFolding holds what becomes of a header that goes on in a second line.
func TestFolding(t *testing.T) {
	// Each request comes from an address of its own: the log sums up what one
	// source does again and again.
	g := gatetest.Start(t, "{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\nGATE {\nagent_validate {\nmax_body 1kb\n}\n"+transport+"\n}")
	res := g.Raw("GET /x HTTP/1.1\r\nHost: " + g.Addr + "\r\nX-Folded: one\r\n two\r\nConnection: close\r\n\r\n")
	if res.Status != 200 {
		return // refused is as good
	}
	if got := g.Backend.Last().Header.Values("X-Folded"); len(got) != 1 || got[0] != "one two" {
		t.Errorf("the backend got %q", got)
	}
}
