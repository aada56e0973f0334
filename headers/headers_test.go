package headers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// site is a site with lines before the chain, the directive, and lines behind it.
func site(before, headers, behind string) string {
	return `
GATE {
	agent_gate
	` + before + `
	` + headers + `
	agent_auth {
		key ada {env.ADA_KEY}
		public /media/* /public
	}
	` + behind + `
}
`
}

const (
	plainProxy = "reverse_proxy BACKEND"
	ourProxy   = "reverse_proxy BACKEND {\ntransport agent_backend\n}"
)

var fixed = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestHeadersOnEveryResponse(t *testing.T) {
	for _, proxy := range []string{plainProxy, ourProxy} {
		g := start(t, site("", "agent_headers api", proxy))
		check := func(what string, res gatetest.Response, status int) {
			t.Helper()
			if res.Status != status {
				t.Errorf("%s: %d %s", what, res.Status, res.Body)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
				"X-Frame-Options":         "DENY",
				"X-Content-Type-Options":  "nosniff",
				"X-Xss-Protection":        "0",
				"Referrer-Policy":         "no-referrer",
				"Cache-Control":           "no-store",
			} {
				if got := res.Header[name]; !slices.Equal(got, []string{want}) {
					t.Errorf("%s: %s is %q", what, name, got)
				}
			}
			for _, name := range []string{"Server", "Via", "X-Powered-By", "X-Generator"} {
				if res.Header[name] != nil {
					t.Errorf("%s: %s: %s", what, name, res.Header[name])
				}
			}
			// Plain http: the gate sends none, and the backend's has to go too.
			if res.Header["Strict-Transport-Security"] != nil {
				t.Errorf("%s: HSTS over plain http", what)
			}
		}
		check("200", g.Get("/x", "X-API-KEY", key), 200)
		check("HEAD", g.Send("HEAD", "/x", "", "X-API-KEY", key), 200)
		check("401", g.Get("/x"), 401)
		check("400", g.Get("/x%2f", "X-API-KEY", key), 400)
		g.Backend.Handle(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		check("502", g.Get("/x", "X-API-KEY", key), 502)
		g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
			reflecting(w, r)
			w.WriteHeader(418)
		})
	}
}

func TestHSTSBehindATrustedProxy(t *testing.T) {
	const want = "max-age=31536000; includeSubDomains"
	for _, trusted := range []bool{true, false} {
		options := ""
		if trusted {
			options = "{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\n"
		}
		g := start(t, options+site("", "agent_headers api", ourProxy))
		res := g.Get("/x", "X-API-KEY", key, "X-Forwarded-Proto", "https")
		if got := res.Header.Get("Strict-Transport-Security"); (got == want) != trusted || !trusted && got != "" {
			t.Errorf("trusted %t: %q", trusted, got)
		}
	}
}

// The last word is the operator's: before our handler, behind it, and deferred.
func TestTheOperatorWins(t *testing.T) {
	for _, test := range []struct{ name, before, behind, want string }{
		{"set before", "header X-Frame-Options SAMEORIGIN", plainProxy, "SAMEORIGIN"},
		{"set before, when the response starts", "header >X-Frame-Options SAMEORIGIN", plainProxy, "SAMEORIGIN"},
		{"set for another route", "header /other X-Frame-Options SAMEORIGIN", plainProxy, "DENY"},
		{"taken out", "header -X-Frame-Options", plainProxy, ""},
		{"set behind", "", "route {\nheader X-Frame-Options SAMEORIGIN\n" + plainProxy + "\n}", "SAMEORIGIN"},
		{"taken out behind", "", "route {\nheader -X-Frame-Options\n" + plainProxy + "\n}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := start(t, site(test.before, "agent_headers api", test.behind))
			g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Frame-Options", "ALLOWALL")
			})
			got := strings.Join(g.Get("/x", "X-API-KEY", key).Header["X-Frame-Options"], "|")
			if got != test.want {
				t.Errorf("X-Frame-Options is %q, not %q", got, test.want)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	t.Setenv("PORTAL", "https://portal.example.com")
	t.Setenv("AGE", "2d")
	g := start(t, "{\nservers {\ntrusted_proxies static 127.0.0.1\n}\n}\n"+site("", `agent_headers api {
		hsts {env.AGE} include_subdomains
		csp frame-ancestors {env.PORTAL} https://other.example.com
		csp img-src 'self' data:
		csp form-action off
		set Referrer-Policy same-origin
		set X-Own "two words"
		remove X-Frame-Options X-From-Backend
		permissions_policy camera self https://portal.example.com
		permissions_policy unload off
		coop unsafe-none
		corp cross-origin
		coep credentialless
		cache_control private max-age=60
	}`, ourProxy))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From-Backend", "1")
		reflecting(w, r)
	})
	res := g.Get("/x", "X-API-KEY", key, "X-Forwarded-Proto", "https")
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; frame-ancestors https://portal.example.com https://other.example.com; img-src 'self' data:",
		"Strict-Transport-Security":    "max-age=172800; includeSubDomains",
		"Referrer-Policy":              "same-origin",
		"X-Own":                        "two words",
		"X-Frame-Options":              "",
		"X-From-Backend":               "",
		"Cross-Origin-Opener-Policy":   "unsafe-none",
		"Cross-Origin-Resource-Policy": "cross-origin",
		"Cross-Origin-Embedder-Policy": "credentialless",
		"Cache-Control":                "private, max-age=60",
		"X-Content-Type-Options":       "nosniff",
	} {
		if got := strings.Join(res.Header[name], "|"); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	permissions := res.Header.Get("Permissions-Policy")
	if !strings.Contains(permissions, `camera=(self "https://portal.example.com")`) || strings.Contains(permissions, "unload") || !strings.Contains(permissions, "microphone=()") {
		t.Errorf("%s", permissions)
	}
}

func TestFor(t *testing.T) {
	for value, ui := range map[string]bool{"true": true, "1": true, "Yes": true, "on": true, "false": false, "": false, "enabled": false} {
		t.Setenv("ELIZA_UI_ENABLE", value)
		g := start(t, site("@pages not path /api/* /media/*", `agent_headers {
			set X-Everywhere yes
			for /media/* media
			for @pages web {
				enabled {env.ELIZA_UI_ENABLE:off}
				set X-Pages yes
			}
		}`, ourProxy))
		for path, want := range map[string]string{"/api/agents": "api", "/media/x.png": "media", "/MEDIA/x.png": "media", "/": "web"} {
			if want == "web" && !ui {
				want = "api"
			}
			res := g.Get(path, "X-API-KEY", key)
			csp := res.Header.Get("Content-Security-Policy")
			got := "api"
			switch {
			case strings.Contains(csp, "sandbox"):
				got = "media"
			case strings.Contains(csp, "script-src 'self'"):
				got = "web"
			}
			if got != want || res.Header.Get("X-Everywhere") != "yes" || (res.Header.Get("X-Pages") != "") != (want == "web") {
				t.Errorf("UI %q: %s has %s, not %s: %v", value, path, got, want, res.Header)
			}
		}
	}
}

func TestMediaNeverRuns(t *testing.T) {
	g := start(t, site("", "agent_headers {\nfor /media/* media\n}", ourProxy))
	for contentType, attachment := range map[string]bool{
		"image/png": false, "audio/mpeg": false, "video/mp4": false, "application/pdf": false,
		"text/html": true, "image/svg+xml": true, "text/plain": true, "application/xhtml+xml": true, "": true,
	} {
		g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			w.Header().Set("Content-Disposition", "inline")
			io.WriteString(w, "<script>alert(1)</script>")
		})
		res := g.Get("/media/uploads/agents/a/x")
		want := "inline"
		if attachment {
			want = "attachment"
		}
		if got := res.Header.Get("Content-Disposition"); got != want {
			t.Errorf("%s: Content-Disposition is %s", contentType, got)
		}
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script") ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", contentType, res.Header)
		}
	}
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Disposition", `Attachment; filename="x.html"`)
	})
	if got := g.Get("/media/x").Header.Get("Content-Disposition"); got != `Attachment; filename="x.html"` {
		t.Errorf("the backend's file name is lost: %s", got)
	}
	// What is no file is no attachment.
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such file", 404) })
	if got := g.Get("/media/x").Header.Get("Content-Disposition"); got != "" {
		t.Errorf("a 404 is an attachment")
	}
}

// What a backend can send has to go through two handlers that wrap it.
func TestResponsesPassUnharmed(t *testing.T) {
	g := start(t, site("", "agent_headers api\nagent_cors https://app.example.com", ourProxy))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/range":
			http.ServeContent(w, r, "x.txt", fixed, strings.NewReader("0123456789"))
		case "/etag":
			w.Header().Set("Etag", `"one"`)
			http.ServeContent(w, r, "x.txt", fixed, strings.NewReader("0123456789"))
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "body")
			w.Header().Set("X-Sum", "42")
		case "/hints":
			w.Header().Set("Link", "</x.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("X-Frame-Options", "ALLOWALL")
			io.WriteString(w, "body")
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	if res := g.Get("/range", "X-API-KEY", key, "Range", "bytes=2-4"); res.Status != 206 || res.Body != "234" || res.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: %+v", res)
	}
	if res := g.Get("/etag", "X-API-KEY", key, "If-None-Match", `"one"`); res.Status != 304 || res.Header.Get("Etag") != `"one"` || res.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("304: %+v", res)
	}
	if res := g.Send("HEAD", "/range", "", "X-API-KEY", key); res.Status != 200 || res.Header.Get("Content-Length") != "10" || res.Body != "" {
		t.Errorf("HEAD: %+v", res)
	}
	if res := g.Get("/empty", "X-API-KEY", key); res.Status != 204 {
		t.Errorf("204: %+v", res)
	}
	r, _ := http.NewRequest("GET", "http://"+g.Addr+"/trailer", nil)
	r.Header.Set("X-API-KEY", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.Trailer.Get("X-Sum") != "42" {
		t.Errorf("trailer: %v", res.Trailer)
	}
	var informational []string
	r, _ = http.NewRequest("GET", "http://"+g.Addr+"/hints", nil)
	r.Header.Set("X-API-KEY", key)
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			informational = append(informational, fmt.Sprint(code, header.Get("Link")))
			return nil
		},
	}))
	if res, err = http.DefaultClient.Do(r); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if !slices.Equal(informational, []string{"103</x.css>; rel=preload"}) || !slices.Equal(res.Header["X-Frame-Options"], []string{"DENY"}) || res.Header.Get("Vary") != "Origin" {
		t.Errorf("103: %v, then %v", informational, res.Header)
	}
}

// Server-sent events arrive one by one: each has to be here before the backend
// goes on to the next.
func TestEventsArriveOneByOne(t *testing.T) {
	g := start(t, site("", "agent_headers api\nagent_cors https://app.example.com", "reverse_proxy BACKEND {\nflush_interval -1\ntransport agent_backend\n}"))
	next := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n", i)
			http.NewResponseController(w).Flush()
			<-next
		}
	})
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /x HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n", g.Addr, key)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(res.Body)
	for i := range 3 {
		if line, err := lines.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q %v", line, err)
		}
		next <- struct{}{}
	}
	if res.Header.Get("X-Frame-Options") != "DENY" || res.Header.Get("Vary") != "Origin" {
		t.Errorf("%v", res.Header)
	}
}
