package gate_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestUnfinishedBeginnings holds that the beginnings of bodies that are looked at
// before anybody is asked for a key are within the bound of what is not finished,
// and are given back when they are passed on and when their client leaves.
func TestUnfinishedBeginnings(t *testing.T) {
	const begin, long = 60 << 10, 100 << 10 // too little to go on, and enough
	held := gate.BoundHoldings(t, 1<<20)
	g := gatetest.Start(t, "GATE {\nagent_security_log {\nbody /watched\n}\nagent_auth {\nkey a {$KEY:"+key+"}\n}\nreverse_proxy BACKEND\n}")
	post := func(length int, sent string) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /watched HTTP/1.1\r\nHost: %s\r\nX-API-KEY: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", g.Addr, key, length, sent)
		return conn
	}
	status := func(conn net.Conn) int {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		return res.StatusCode
	}
	// One caller may hold a quarter, which is room for four such and not for five.
	var open []net.Conn
	for i := range 4 {
		open = append(open, post(long, strings.Repeat("x", begin)))
		gatetest.Await(t, "the beginning is held", func() bool { return held() >= (i+1)*(begin-16<<10) })
	}
	// The answer waits in net/http for a client that is still sending.
	open = append(open, post(long, strings.Repeat("x", begin)))
	gatetest.Await(t, "one more is refused", func() bool { return strings.Contains(g.Log(), `"tier":"unfinished"`) })
	if got := status(post(10, `{"a":"bc"}`)); got != http.StatusOK {
		t.Errorf("what is short: %d", got)
	}
	for _, conn := range open {
		conn.Close()
	}
	gatetest.Await(t, "what clients have left is given back", func() bool { return held() == 0 })

	begun, finish := make(chan struct{}), make(chan struct{})
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 70<<10))
		begun <- struct{}{}
		<-finish
	})
	conn := post(long, strings.Repeat("x", 80<<10))
	gatetest.Receive(t, "the backend has the beginning", begun)
	gatetest.Await(t, "what is passed on is given back, while the rest is still to come", func() bool { return held() == 0 })
	close(finish)
	if _, err := io.WriteString(conn, strings.Repeat("x", 20<<10)); err != nil {
		t.Fatal(err)
	}
	if got := status(conn); got != http.StatusOK {
		t.Errorf("a body that goes on: %d", got)
	}
}
