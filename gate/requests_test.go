package gate_test

import (
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestEitherForm holds that a rule on /x holds for /x/ too, and a rule on all
// but /x for neither: backends take both for one route. A rule on GET holds for
// HEAD, for which backends do the same.
func TestEitherForm(t *testing.T) {
	g := gatetest.Start(t, `GATE {
		@not {
			path /not/*
			not path /not/open
		}
		@get {
			method GET
			path /get
		}
		@first {
			method GET
			path /first
		}
		agent_auth {
			key a `+hopKey+` {
				scopes none
			}
			require admin /admin
			require admin /folder/
			require admin @not
			require admin @get
		}
		agent_rate_limit {
			tier exact /limited {
				limit 1 1h
				code EXACT
			}
			tier get @first {
				limit 1 1h
			}
			tier not @not {
				limit 1000 1h
			}
		}
		agent_validate {
			methods GET
			methods GET POST /get
			methods POST /post
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/admin", 403},
		{"GET", "/admin/", 403},
		{"GET", "/ADMIN/", 403},
		{"GET", "/admin/x", 200},
		{"GET", "/folder", 403},
		{"GET", "/folder/", 403},
		{"GET", "/not/closed", 403},
		{"GET", "/not/closed/", 403},
		{"GET", "/not/open", 200},
		{"GET", "/not/open/", 200},
		{"GET", "/limited", 200},
		{"GET", "/limited/", 429},
		{"GET", "/limited", 429},
		{"GET", "/get", 403},
		{"HEAD", "/get", 403},
		{"HEAD", "/get/", 403},
		{"POST", "/get", 200},
		{"HEAD", "/first", 200},
		{"GET", "/first", 429},
		{"get", "/get", 400},
		{"gEt", "/first", 400},
		{"POST", "/post/", 200},
		{"GET", "/post/", 405},
	} {
		if res := g.Send(test.method, test.path, "", "X-API-KEY", hopKey); res.Status != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, res.Status, test.want)
		}
	}
}
