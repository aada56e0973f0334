package backend_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestClientsTakeNoBackendDown holds that no request makes the proxy take the
// backend for dead, where it counts failures: whoever may ask for a part of an
// answer could shut everybody out.
func TestClientsTakeNoBackendDown(t *testing.T) {
	g := gatetest.Start(t, `GATE {
		agent_gate
		agent_auth {
			anonymous read
		}
		reverse_proxy BACKEND {
			fail_duration 1h
			transport agent_backend {
				conceal settings.secrets unless admin
			}
		}
	}`)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/compressed" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(`{"settings":{"secrets":{"a":"b"}}}`))
	})
	for _, test := range []struct {
		path, fields string
		want         int
	}{
		{"/whole", "", 200},
		{"/part", "bytes=2-5", 416},
		{"/compressed", "", 502},
		{"/whole", "", 200},
	} {
		res := g.Get(test.path, "Range", test.fields)
		if res.Status != test.want || res.Status >= 300 && !strings.HasPrefix(res.Body, `{"success":false,`) {
			t.Errorf("%s: %d %s, want %d", test.path, res.Status, res.Body, test.want)
		}
	}
}
