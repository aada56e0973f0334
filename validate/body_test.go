package validate_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestLongBodiesStream holds that a body goes on to the backend as it comes:
// the client sends the next piece only after the backend has this one.
func TestLongBodiesStream(t *testing.T) {
	g := start(t, "max_body 1gb\njson 5\nfiles text/plain")
	received := make(chan int)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 1<<10)
		for {
			if _, err := io.ReadFull(r.Body, piece); err != nil {
				close(received)
				return
			}
			received <- len(piece)
		}
	})
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const count = 50
	fmt.Fprintf(conn, "POST /up/x HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", g.Addr, (count+1)<<10)
	for i := range count + 1 {
		piece := bytes.Repeat([]byte("1,"), 512)
		if i == 0 {
			piece[0], piece[1] = '[', ' '
		}
		if i == count {
			copy(piece[1022:], "1]")
		}
		if _, err := conn.Write(piece); err != nil {
			t.Fatal(err)
		}
		if got := <-received; got != 1<<10 {
			t.Fatalf("piece %d: %d", i, got)
		}
	}
	<-received
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
}

// TestShortBodies holds that the backend hears nothing of a request whose short
// body is refused, and gets the whole of one that is good.
func TestShortBodies(t *testing.T) {
	g := start(t, "json 5")
	heard := make(chan string, 10)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		heard <- string(text)
	})
	good := "[" + strings.Repeat("1,", 5000) + "1]"
	for end, status := range map[string]int{"x": 400, "": 200} {
		if res := send(g, "POST", "/x", "application/json", "length", good+end); res.Status != status {
			t.Errorf("with %q behind it: %d, want %d", end, res.Status, status)
		}
	}
	if len(heard) != 1 {
		t.Fatalf("the backend heard of %d requests, want 1", len(heard))
	}
	if got := <-heard; got != good {
		t.Errorf("the backend got %d bytes of %d", len(got), len(good))
	}
}

// TestClientsThatLeave holds that a client who leaves in the middle of a body
// counts against nobody.
func TestClientsThatLeave(t *testing.T) {
	g := start(t, "max_body 1mb\njson 5")
	arrived := make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
	})
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /up/x HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n[1,%s", g.Addr, 100_000, strings.Repeat("1,", 10_000))
	<-arrived
	conn.Close()
	<-arrived
	g.Backend.Handle(nil)
	if res := g.Get("/up/next"); res.Status != 200 {
		t.Errorf("the backend is held to be down: %d", res.Status)
	}
	for _, event := range g.Events() {
		t.Errorf("an event: %v", event)
	}
}
