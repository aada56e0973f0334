package ratelimit

import (
	"strings"
	"testing"
)

func TestPlaceholdersToCountBy(t *testing.T) {
	for name, want := range map[string]string{
		// what tells clients apart, as Caddy writes its short forms out
		"http.request.header.X-Tenant":        "",
		"http.request.header.X_Tenant":        "", // a server may expect it
		"http.request.cookie.sid":             "",
		"http.request.host":                   "",
		"http.request.host.labels.2":          "",
		"http.request.hostport":               "",
		"http.request.method":                 "",
		"http.request.uri.path":               "",
		"http.request.uri.path.0":             "",
		"http.request.uri.query.tenant":       "",
		"http.request.remote.host":            "",
		"http.request.local.port":             "",
		"http.request.orig_method":            "",
		"http.request.local.host":             "",
		"http.request.remote.host/24":         "",
		"http.request.body":                   "",
		"http.request.orig_uri.path":          "",
		"http.request.scheme":                 "",
		"http.request.tls.client.fingerprint": "",
		"http.request.tls.server_name":        "",
		"http.auth.user.id":                   "",
		"http.vars.client_ip":                 "",
		"http.vars.tenant":                    "",
		"http.regexp.tenant.1":                "",
		"tenant":                              "", // of a map
		"geoip2.country_code":                 "", // of another module

		"header.a.b":                  "{header.<name>} has a name",
		"header.":                     "{header.<name>} has a name",
		"query.a.b":                   "{query.<name>} has a name",
		"vars.a.b":                    "{vars.<name>} has a name",
		"http.request.header.":        "no request has a header of that name",
		"http.request.header.a b":     "no request has a header of that name",
		"http.request.header.A} {b":   "one placeholder alone",
		"http.request.tenant":         "Caddy knows no such placeholder",
		"http.request.cookie.":        "Caddy knows no such placeholder",
		"env.TENANT":                  "the same for everybody",
		"file./etc/hostname":          "the same for everybody",
		"system.hostname":             "the same for everybody",
		"time.now.unix":               "nobody would ever be limited",
		"http.request.uuid":           "nobody would ever be limited",
		"http.request.remote":         "nobody would ever be limited",
		"http.request.remote.port":    "nobody would ever be limited",
		"http.request.duration_ms":    "nobody would ever be limited",
		"http.error.status_code":      "known when the request is answered",
		"http.reverse_proxy.header.X": "known when the request is answered",
	} {
		kind, err := parseBy("{" + name + "}")
		switch {
		case kind != byPlaceholder:
			t.Errorf("%s is no placeholder", name)
		case want == "" && err != nil:
			t.Errorf("%s is refused: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), "by {"+name+"}: ") || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
