package auth_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// heldStreams are streams that a test has open, which the backend never ends.
type heldStreams struct {
	t    *testing.T
	g    *gatetest.Gate
	gone chan string // their paths, as they end
}

func holdStreams(t *testing.T, g *gatetest.Gate) *heldStreams {
	s := &heldStreams{t, g, make(chan string, 10)}
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: x\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		s.gone <- r.URL.Path
	})
	return s
}

// open opens one with a key.
func (s *heldStreams) open(path, secret string) {
	s.t.Helper()
	conn, err := dial(s.t, s.g)
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\n\r\n", path, s.g.Addr, secret)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		s.t.Fatalf("%s: %q, %v", path, line, err)
	}
}

// awaitEnd waits until one has ended, which is to be that of a path.
func (s *heldStreams) awaitEnd(want string) {
	s.t.Helper()
	if path := gatetest.Receive(s.t, "the end of "+want, s.gone); path != want {
		s.t.Errorf("%s has ended, not %s", path, want)
	}
}
