package soak_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// hostile is one way to be a bad client: it does harm until the context ends.
type hostile struct {
	name    string
	clients int
	attack  func(ctx context.Context, to victim)
}

// victim is what is attacked: the addresses of a gate without TLS and with it.
type victim struct{ http, https string }

func (g *gate) victim() victim {
	return victim{"127.0.0.1" + g.url[strings.LastIndexByte(g.url, ':'):], fmt.Sprintf("127.0.0.1:%d", g.Config.HTTPSPort)}
}

// plain opens a connection without TLS.
func (v victim) plain() (net.Conn, error) { return net.Dial("tcp", v.http) }

// http2 opens an HTTP/2 connection and shakes hands.
func (v victim) http2() (*http2.Framer, net.Conn, error) {
	conn, err := tls.Dial("tcp", v.https, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"h2"}})
	if err != nil {
		return nil, nil, err
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, nil, err
	}
	framer := http2.NewFramer(conn, conn)
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	return framer, conn, framer.WriteSettings()
}

// requestHeaders are those of a GET without a key, for HTTP/2.
func requestHeaders() []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/api/agents"}} {
		_ = e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return b.Bytes()
}

// held opens a connection, writes to it in small pieces, and keeps it open.
func held(pieces func(write func(string) bool)) func(context.Context, victim) {
	return func(ctx context.Context, to victim) {
		conn, err := to.plain()
		if err != nil {
			return
		}
		defer conn.Close()
		pieces(func(text string) bool {
			if _, err := io.WriteString(conn, text); err != nil {
				return false
			}
			select {
			case <-ctx.Done():
				return false
			case <-time.After(50 * time.Millisecond):
				return true
			}
		})
		<-ctx.Done()
	}
}

// again repeats a raw request over new connections.
func again(request string) func(context.Context, victim) {
	return func(ctx context.Context, to victim) {
		for ctx.Err() == nil {
			conn, err := to.plain()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, request)
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// bomb is 64 MiB of blanks, compressed.
var bomb = func() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	blanks := bytes.Repeat([]byte{' '}, 1<<20)
	for range 64 {
		_, _ = w.Write(blanks)
	}
	_ = w.Close()
	return b.String()
}()

var attacks = []hostile{
	{"idle connections", 2000, held(func(func(string) bool) {})},
	{"half-open connections", 500, func(ctx context.Context, to victim) { // half a request, and no more to come; the answer is not read
		conn, err := to.plain()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "POST /api/messaging/sessions HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: "+key+"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		_ = conn.(*net.TCPConn).CloseWrite()
		<-ctx.Done()
	}},
	{"handshakes of TLS that stop halfway", 500, func(ctx context.Context, to victim) {
		conn, err := net.Dial("tcp", to.https)
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte{22, 3, 1, 2, 0, 1, 0}) // the head of a ClientHello of 512 bytes
		<-ctx.Done()
	}},
	{"slow headers", 200, held(func(write func(string) bool) {
		write("GET /api/agents HTTP/1.1\r\nHost: localhost\r\n")
		for write("X-A: b\r\n") {
		}
	})},
	{"slow bodies", 200, held(func(write func(string) bool) {
		write("POST /api/messaging/sessions HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + key + "\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
		for write(" ") {
		}
	})},
	{"floods of header fields", 8, again("GET /api/agents HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("a", 200)+"\r\n", 20_000) + "\r\n")},
	{"a header field without an end", 8, again("GET /api/agents HTTP/1.1\r\nHost: localhost\r\nX-Filler: " + strings.Repeat("a", 4<<20))},
	{"two lengths", 4, again("POST /api/agents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nabcdGET /api/server/logs HTTP/1.1\r\n\r\n")},
	{"a length and chunks", 4, again("POST /api/agents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n")},
	{"chunks of a hidden kind", 4, again("POST /api/agents HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
	{"chunks with long extensions", 4, again("POST /api/agents HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + key + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", 1<<20) + "\r\n")},
	{"compressed bodies of a thousand times the size", 4, again("POST /api/messaging/sessions HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: " + key +
		"\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(bomb)) + "\r\n\r\n" + bomb)},
	{"invalid UTF-8 everywhere", 4, again("GET /api/\xff\xfe%ff%c0%ae?q=\xf0\x28\x8c\x28 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \xff\xfe\r\nX-API-KEY: \xc3\x28\r\nReferer: http://\xed\xa0\x80/\r\nOrigin: \xff\r\n\r\n")},
	{"rapid reset", 4, func(ctx context.Context, to victim) {
		for ctx.Err() == nil {
			framer, conn, err := to.http2()
			if err != nil {
				return
			}
			for id := uint32(1); ctx.Err() == nil && id < 20_000; id += 2 {
				if framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: requestHeaders(), EndStream: true, EndHeaders: true}) != nil ||
					framer.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
					break
				}
				if id%100 == 1 {
					time.Sleep(10 * time.Millisecond)
				}
			}
			_ = conn.Close()
		}
	}},
	{"a flood of CONTINUATION frames", 4, func(ctx context.Context, to victim) {
		for ctx.Err() == nil {
			framer, conn, err := to.http2()
			if err != nil {
				return
			}
			var block bytes.Buffer
			_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: "x-filler", Value: strings.Repeat("a", 10_000)})
			err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: requestHeaders()})
			for n := 0; err == nil && n < 2000 && ctx.Err() == nil; n++ {
				err = framer.WriteContinuation(1, false, block.Bytes())
			}
			_ = conn.Close()
			time.Sleep(20 * time.Millisecond)
		}
	}},
}

// attackerEnv tells the program of the tests that it is the hostile clients: how
// they attack, how many they are, and whom.
const attackerEnv = "GATEHOUSE_SOAK_ATTACKER"

// begin lets the hostile clients loose, until the function that it returns is
// called. They are a process of their own, which works when nobody else does:
// in the world they have machines of their own, so that what they cost the gate
// counts for what honest clients wait, and what they cost themselves does not.
func (h hostile) begin(t *testing.T, g *gate) (end func()) {
	clients := h.clients
	if *full {
		clients *= 5
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nice", "-n", "19", program)
	to := g.victim()
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s %s", attackerEnv, clients, to.http, to.https, h.name))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	leave, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = leave.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the hostile clients ended badly: %v\n%s", err, &said)
		}
	}
}

// attack is the process of the hostile clients. It ends when nobody holds its
// standard input any more.
func attack(order string) error {
	var clients int
	var to victim
	if _, err := fmt.Sscan(order, &clients, &to.http, &to.https); err != nil {
		return err
	}
	at := slices.IndexFunc(attacks, func(h hostile) bool { return strings.HasSuffix(order, " "+h.name) })
	if at < 0 {
		return fmt.Errorf("nobody knows how to attack like this: %s", order)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for range clients {
		wait.Go(func() { attacks[at].attack(ctx, to) })
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	cancel()
	wait.Wait()
	return err
}

// Whatever hostile clients do, honest ones are served, the gate's memory stays
// bounded, and nothing panics.
func TestHostileClients(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	calm := startLoad(t, g, 2, key)
	time.Sleep(*soak / 5)
	calm.stop(t)
	t.Logf("%-32s honest clients' p99 %v, %d MiB", "calm", calm.p99(), g.resident(t))
	for _, h := range attacks {
		t.Run(h.name, func(t *testing.T) {
			seen := b.requests.Load()
			end := h.begin(t, g)
			honest := startLoad(t, g, 2, key)
			time.Sleep(*soak / 5)
			honest.stop(t)
			memory := g.resident(t)
			end()
			if memory > 400 {
				t.Errorf("the gate took %d MiB", memory)
			}
			if got, want := b.requests.Load()-seen, honest.sent.Load(); got != want {
				t.Errorf("%d requests reached the backend, %d of them honest ones", got, want)
			}
			t.Logf("%-32s honest clients' p99 %v, %d MiB", h.name, honest.p99(), memory)
		})
	}
	if strings.Contains(g.Output(), "panic") {
		t.Errorf("something panicked:\n%s", g.Output())
	}
	if status, _, _, err := g.get(t.Context(), g.client(t), "/api/agents", key); err != nil || status != http.StatusOK {
		t.Errorf("afterwards: %d %v", status, err)
	}
}
