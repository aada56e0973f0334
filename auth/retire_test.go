package auth_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestStreamsOfPlacesThatAreGone holds that a key ends with the place where it
// was written: a reload without the key file, or without the site, ends the
// streams of its keys, unless another place has the same key.
func TestStreamsOfPlacesThatAreGone(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	const behind = "\nreverse_proxy BACKEND {\nflush_interval -1\nstream_close_delay 1h\ntransport agent_backend\n}\n}\n"
	option := "{\ngatehouse {\nkeys " + file.Path() + "\n}\n}\n"
	site := "GATE {\nagent_auth {\nkey bob " + bobKey + "\n}" + behind
	g := start(t, option+site)
	_, port, _ := strings.Cut(g.Addr, ":")
	renamed := "http://another.test:" + port + ", " + site
	gone := make(chan string, 10)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: x\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- r.URL.Path
	})
	open := func(path, secret string) {
		t.Helper()
		conn, err := dial(t, g)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n", path, g.Addr, secret)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%s: %q, %v", path, line, err)
		}
	}
	load := func(config, want string) {
		t.Helper()
		if err := g.Load(config); err != nil {
			t.Fatal(err)
		}
		if path := gatetest.Receive(t, "the end of "+want, gone); path != want {
			t.Errorf("%s has ended, not %s", path, want)
		}
	}
	open("/ada", ada)
	open("/bob", bobKey)
	load(renamed, "/ada")
	load(strings.Replace(site, bobKey, otherKey, 1), "/bob")
	if len(gone) > 0 {
		t.Errorf("%s has ended", <-gone)
	}
}
