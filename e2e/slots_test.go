package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// What the binary of these tests is when it is started again, as a process that
// can be killed: its role and the address that it needs.
const (
	roleVar    = "GATEHOUSE_E2E_ROLE"
	addressVar = "GATEHOUSE_E2E_ADDRESS"
)

var roles = map[string]func(address string){"listeners": listeners, "streamer": streamer}

// crowdSize is how many streams one process has open.
const crowdSize = 100

// listeners opens streams, every other one a WebSocket, and listens for ever.
func listeners(address string) {
	for i := range crowdSize {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			fmt.Println(err)
			return
		}
		upgrade := ""
		if i%2 == 0 {
			upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n", upgrade)
		in := bufio.NewReader(conn)
		response, err := http.ReadResponse(in, nil)
		if err != nil || response.StatusCode >= 400 {
			fmt.Println(response, err)
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, in)
			conn.Close()
		}()
	}
	fmt.Println("all are open")
	select {}
}

// streamer is a backend that begins every stream that it is asked for, and
// says no more.
func streamer(address string) {
	fmt.Println(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Header.Get("Upgrade") == "" {
			_ = control.Flush()
			<-r.Context().Done()
			return
		}
		conn, out, err := control.Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = out.Flush()
		_, _ = io.Copy(io.Discard, conn)
	})))
}

// slots is how many slots the gate says are in use.
func slots(t *testing.T, g *house.Gate) int {
	t.Helper()
	_, metrics := g.Admin(t, http.MethodGet, "/metrics", "", "")
	found := regexp.MustCompile(`(?m)^caddy_gatehouse_rate_limit_slots_in_use (\d+)$`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatal("the metrics have no slots in use")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Slots of streams are returned whatever becomes of the processes at their
// ends. GATEHOUSE_RUNS says how often each way is tried, with a hundred streams.
func TestSlotsOfKilledProcesses(t *testing.T) {
	rounds := 1
	if text := os.Getenv("GATEHOUSE_RUNS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, way := range []struct {
		name, lines string
		end         func(t *testing.T, client, backend *house.Process)
	}{
		{"the client is killed", "", func(t *testing.T, client, _ *house.Process) {
			client.Signal(t, syscall.SIGKILL)
			client.Wait(t)
		}},
		{"the backend is killed", "", func(t *testing.T, _, backend *house.Process) {
			backend.Signal(t, syscall.SIGKILL)
			backend.Wait(t)
		}},
		{"the client falls silent", "stream_idle 1s", func(t *testing.T, client, _ *house.Process) { client.Signal(t, syscall.SIGSTOP) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			address := fmt.Sprintf("127.0.0.1:%d", house.Port(t))
			g := house.StartGate(t, house.GateConfig{Sites: fmt.Sprintf("http://localhost {\nagent_gate\nagent_rate_limit {\nconcurrent %d\n%s\n}\n"+
				"reverse_proxy %s {\nflush_interval -1\ntransport agent_backend\n}\n}", crowdSize, way.lines, address)})
			began := time.Now()
			var backend *house.Process
			for range rounds {
				if backend == nil || backend.Exited() {
					backend = house.Again(t, "the backend", roleVar+"=streamer", addressVar+"="+address)
					backend.Retry(t, func() error {
						conn, err := net.Dial("tcp", address)
						if err == nil {
							conn.Close()
						}
						return err
					})
				}
				client := house.Again(t, "the client", roleVar+"=listeners", fmt.Sprintf("%s=localhost:%d", addressVar, g.Config.HTTPPort))
				client.WaitFor(t, "all are open")
				if got := slots(t, g); got != crowdSize && way.lines == "" {
					t.Fatalf("%d streams hold %d slots", crowdSize, got)
				}
				way.end(t, client, backend)
				g.Retry(t, func() error {
					if n := slots(t, g); n > 0 {
						return fmt.Errorf("%d slots are in use", n)
					}
					return nil
				})
				if !client.Exited() { // one that is stopped would not end at a word
					client.Signal(t, syscall.SIGKILL)
					client.Wait(t)
				}
			}
			t.Logf("%d streams in %s: all slots were returned", rounds*crowdSize, time.Since(began).Round(time.Millisecond))
		})
	}
}
