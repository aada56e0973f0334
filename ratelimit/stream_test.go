package ratelimit_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

// chatter has the backend send something forever, in streams and on sockets;
// streams that were asked for silence send nothing after their head.
func chatter(t *testing.T, g *gatetest.Gate) {
	var open sync.WaitGroup
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		open.Add(1)
		defer open.Done()
		talk := func(flush func() error, to io.Writer) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(to, "data: x\n\n"); err != nil || flush() != nil {
					return
				}
			}
		}
		control := http.NewResponseController(w)
		if r.Header.Get("Upgrade") != "" {
			conn, err := gatetest.Upgrade(w)
			if err != nil {
				return
			}
			defer conn.Close()
			if strings.Contains(r.URL.Path, "silent") {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			talk(func() error { return nil }, conn)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = control.Flush()
		if strings.Contains(r.URL.Path, "silent") {
			<-r.Context().Done()
			return
		}
		talk(control.Flush, w)
	})
	t.Cleanup(open.Wait)
}

// follow opens a stream and reads until it ends.
func follow(t *testing.T, g *gatetest.Gate, path string, upgrade bool) (status int) {
	t.Helper()
	conn, reader, res := begin(t, g, path, upgrade)
	defer conn.Close()
	if upgrade {
		_, _ = io.Copy(io.Discard, reader)
	} else {
		_, _ = io.Copy(io.Discard, res.Body)
	}
	return res.StatusCode
}

// TestStreamLimits holds that a stream ends when it is too old, or when nothing
// moves in it, and that its slot is free then.
func TestStreamLimits(t *testing.T) {
	for name, test := range map[string]struct{ option, path string }{
		"too old and busy":   {"stream_max_age 50ms\nstream_idle 1h", "/busy"},
		"too old and silent": {"stream_max_age 50ms", "/silent"},
		"idle":               {"stream_idle 50ms\nstream_max_age 1h", "/silent"},
	} {
		for _, upgrade := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s upgrade=%t", name, upgrade), func(t *testing.T) {
				g := start(t, site("{\nconcurrent 1\n"+test.option+"\n}"))
				chatter(t, g)
				want := http.StatusOK
				if upgrade {
					want = http.StatusSwitchingProtocols
				}
				for range 2 {
					if got := follow(t, g, test.path, upgrade); got != want {
						t.Fatalf("got %d, want %d", got, want)
					}
					gatetest.Await(t, "the slot is returned", func() bool { return ratelimit.SlotsInUse() == 0 })
				}
				if events := g.Events(); len(events) != 0 {
					t.Errorf("it is a security event: %v", events)
				}
			})
		}
	}
}

// TestSlowAnswer holds that a request whose answer takes long is no idle stream.
func TestSlowAnswer(t *testing.T) {
	g := start(t, site("{\nstream_idle 1ms\nstream_max_age 1ms\n}"))
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		for range 200 {
			if conn, err := net.Dial("tcp", g.Backend.Addr()); err == nil { // takes a while
				conn.Close()
			}
		}
		_, _ = io.WriteString(w, "late")
	})
	if res := g.Get("/"); res.Status != 200 {
		t.Errorf("got %d %s", res.Status, res.Body)
	}
}
