package urlpath

import (
	"bufio"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestCleanPath(t *testing.T) {
	for _, test := range []struct {
		target string
		want   string
		err    error
	}{
		{target: "/", want: "/"},
		{target: "/api/agents", want: "/api/agents"},
		{target: "/api/agents/", want: "/api/agents/"},
		{target: "//api/x", want: "/api/x"},
		{target: "/api//x///y", want: "/api/x/y"},
		{target: "/%61pi/x", want: "/api/x"},
		{target: "/./api/x", want: "/api/x"},
		{target: "/x/../api/x", want: "/api/x"},
		{target: "/x/%2e%2e/api/x", want: "/api/x"},
		{target: "/x/.%2E/api/x", want: "/api/x"},
		{target: "/../../api", want: "/api"},
		{target: "/api/x/.", want: "/api/x/"},
		{target: "/api/x/..", want: "/api/"},
		{target: "/API/x", want: "/API/x"},
		{target: "/api/.hidden", want: "/api/.hidden"},
		{target: "/api/...", want: "/api/..."},
		{target: "/caf%C3%A9", want: "/café"},
		{target: "/a%20b", want: "/a b"},
		{target: "/a%3Fb", want: "/a?b"},
		{target: "/api%2Fx", err: errSlash},
		{target: "/x%2f..%2fapi", err: errSlash},
		{target: `/x\..\api`, err: errBackslash},
		{target: "/x%5c..%5capi", err: errBackslash},
		{target: "/api;v=1/x", err: errParams},
		{target: "/api/x;", err: errParams},
		{target: "/api/x%3Bjsessionid=1", err: errParams},
		{target: "/x/..;/api", err: errDots},
		{target: "/x/.;a=b/api", err: errDots},
		{target: "/x/%2e%2e;/api", err: errDots},
		{target: "/%2561pi/x", err: errDouble},
		{target: "/x/%252e%252e/api", err: errDouble},
		{target: "/x%252fy", err: errDouble},
		{target: "/x%00", err: errControl},
		{target: "/x%0d%0aSet-Cookie", err: errControl},
		{target: "/x%7f", err: errControl},
		{target: "/%c0%ae%c0%ae/api", err: errUTF8},
		{target: "/%ff", err: errUTF8},
		{target: "/api/x?a=%23", want: "/api/x"},
		{target: "/api/x?a=#&b", err: errFragment},
		{target: "/api//x?#", err: errFragment},
		{target: "http://example.com", err: errRelative},
		{target: "*", err: errRelative},
	} {
		t.Run(test.target, func(t *testing.T) {
			u, err := url.ParseRequestURI(test.target)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Clean(u)
			if !errors.Is(err, test.err) || got != test.want {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestCleanWithParameters holds that a semicolon, and nothing else, passes there.
func TestCleanWithParameters(t *testing.T) {
	for path, want := range map[string]error{
		"/api;v=1/x": nil, "/x;": nil, "/api/x": nil,
		"/x/..;/api": errDots, `/a;b\c`: errBackslash, "api;v": errRelative,
	} {
		got, err := CleanWithParameters(&url.URL{Path: path})
		if !errors.Is(err, want) || err == nil && got != path {
			t.Errorf("%s: %q, %v; want %v", path, got, err, want)
		}
	}
}

// FuzzClean holds what every check relies on: a cleaned path is what the
// backend reads, and there is no other reading of it.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"/", "/api/x", "//api", "/%61pi", "/x/../api", "/a%2fb", `/a\b`, "/..;/x", "/%252e", "/a;b", "/./", "/a/..", "/%C3%A9", "/a?b=/../c", "/a%3fb", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server answers it with 400
		}
		cleaned, err := Clean(u)
		if err != nil {
			return
		}
		if plain := strings.TrimSuffix(cleaned, "/"); plain != "" && path.Clean(cleaned) != plain {
			t.Fatalf("%q gives %q, which still has segments to resolve", target, cleaned)
		}
		if strings.ContainsAny(cleaned, "\\;\x00\r\n") {
			t.Fatalf("%q gives %q, with a character that servers read differently", target, cleaned)
		}
		again, err := Clean(&url.URL{Path: cleaned})
		if err != nil || again != cleaned {
			t.Fatalf("%q gives %q, and that gives %q, %v", target, cleaned, again, err)
		}
		// What goes over the wire is read by the backend as the path that was checked.
		forwarded := (&url.URL{Path: cleaned}).RequestURI()
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + forwarded + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			t.Fatalf("%q is forwarded as %q, which is no request: %v", target, forwarded, err)
		}
		if r.URL.Path != cleaned {
			t.Fatalf("%q is checked as %q and read by the backend as %q", target, cleaned, r.URL.Path)
		}
	})
}
