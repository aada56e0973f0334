package access_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// A client on a unix socket has no address: it is on no list, so an allow list
// keeps it out, and all such clients are counted as one. A proxy there is
// believed if it is trusted.
func TestClientsWithoutAnAddress(t *testing.T) {
	dir, err := os.MkdirTemp("", "gh") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	for _, c := range []struct {
		name, servers, lists, forwarded string
		want                            []int // of one request after the other
	}{
		{"an allow list", "", "agent_ip 10.0.0.0/8", "", []int{403}},
		{"an allow list of everything", "", "agent_ip 0.0.0.0/0 ::/0", "", []int{403}},
		{"an allow list, and a header", "", "agent_ip 10.0.0.0/8", "10.1.2.3", []int{403}},
		{"a deny list", "", "agent_ip {\ndeny 10.0.0.0/8\n}", "", []int{200}},
		{"a trusted proxy, allowed", "trusted_proxies_unix", "agent_ip 10.0.0.0/8", "10.1.2.3", []int{200}},
		{"a trusted proxy, not allowed", "trusted_proxies_unix", "agent_ip 10.0.0.0/8", "11.1.2.3", []int{403}},
		{"a limit", "", "agent_rate_limit 2 1h", "", []int{200, 200, 429, 429}},
	} {
		t.Run(c.name, func(t *testing.T) {
			gatetest.Start(t, "{\nservers {\n"+c.servers+"\n}\n}\nhttp://x.test {\nbind unix/"+socket+"\nagent_gate\n"+c.lists+"\nrespond welcome\n}")
			for i, want := range c.want {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x.test/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if c.forwarded != "" {
					r.Header.Set("X-Forwarded-For", c.forwarded)
				}
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("request %d: %d, not %d", i+1, res.StatusCode, want)
				}
			}
		})
	}
}
