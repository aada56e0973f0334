package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const http3Key = "a-key-for-the-tests-of-http3-0"

// overHTTP3 is a site that HTTP/3 is spoken with.
type overHTTP3 struct {
	*gatetest.Gate
	t       *testing.T
	tls     *tls.Config
	tickets chan struct{} // one for each session that can be resumed
}

// startHTTP3 starts a gate with each of these directives in a site over TLS, one
// after the other.
func startHTTP3(t *testing.T, directives ...string) *overHTTP3 {
	t.Helper()
	g := &overHTTP3{Gate: gatetest.New(t), t: t, tickets: make(chan struct{}, 100)}
	_, port, _ := net.SplitHostPort(g.Addr)
	for _, site := range directives {
		err := g.Load("{\nskip_install_trust\nauto_https disable_redirects\nlog {\nformat agent\n}\n}\n" +
			"https://localhost:" + port + " {\nbind 127.0.0.1\ntls internal\nlog\n" + site + "\n}")
		if err != nil {
			t.Fatalf("%v\n%s", err, g.Log())
		}
	}
	g.tls = &tls.Config{
		ServerName: "localhost", InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3},
		ClientSessionCache: toldCache{tls.NewLRUClientSessionCache(4), g.tickets},
	}
	return g
}

// toldCache tells of the sessions that it keeps.
type toldCache struct {
	tls.ClientSessionCache
	tickets chan<- struct{}
}

func (c toldCache) Put(name string, session *tls.ClientSessionState) {
	c.ClientSessionCache.Put(name, session)
	if session != nil {
		c.tickets <- struct{}{}
	}
}

// dial opens a connection, which may be spoken on before its handshake is done.
func (g *overHTTP3) dial(from net.PacketConn) (conn *quic.Conn, client *http3.ClientConn) {
	g.t.Helper()
	to, err := net.ResolveUDPAddr("udp", g.Addr)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &quic.Transport{Conn: from}
	g.t.Cleanup(func() { _ = transport.Close() })
	gatetest.Await(g.t, "a connection", func() bool { // the certificate is made after the start
		conn, err = transport.DialEarly(g.t.Context(), to, g.tls, &quic.Config{})
		return err == nil
	})
	g.t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	return conn, new(http3.Transport).NewClientConn(conn)
}

// udp is a socket of a client's.
func (g *overHTTP3) udp() net.PacketConn {
	g.t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// deaf is a socket to which no answer comes: that of a client who has made up
// the address that its packets come from.
type deaf struct{ net.PacketConn }

func (d deaf) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		if n, from, err := d.PacketConn.ReadFrom(p); err != nil {
			return n, from, err
		}
	}
}

// send sends a request's header at once, without waiting for the handshake.
func (g *overHTTP3) send(client *http3.ClientConn, method, proto, path string) *http3.RequestStream {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	g.t.Cleanup(cancel)
	stream, err := client.OpenRequestStream(ctx)
	if err != nil {
		g.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, method, "https://localhost"+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("X-API-KEY", http3Key)
	if proto != "" {
		r.Proto = proto
	}
	if err := stream.SendRequestHeader(r); err != nil {
		g.t.Fatal(err)
	}
	_ = stream.Close()
	return stream
}

// status reads the response.
func (g *overHTTP3) status(stream *http3.RequestStream) int {
	g.t.Helper()
	res, err := stream.ReadResponse()
	if err != nil {
		g.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

const siteOverHTTP3 = `agent_gate
	agent_auth {
		key a ` + http3Key + `
	}
	reverse_proxy BACKEND {
		transport agent_backend
	}`

// TestEarlyData holds that nothing is done for a request that came before the
// handshake: it may be one that somebody has seen on the line and sends again, or
// come from an address that is not the sender's. A server takes none, if nobody
// says that it should.
func TestEarlyData(t *testing.T) {
	g := startHTTP3(t, siteOverHTTP3)
	for range 2 {
		conn, client := g.dial(g.udp())
		if status := g.status(g.send(client, "POST", "", "/first")); status != 200 {
			t.Errorf("a request: %d", status)
		}
		if conn.ConnectionState().Used0RTT {
			t.Error("early data were taken")
		}
		<-g.tickets
	}
}

// TestEarlyDataWhereItIsTaken is of a port that was opened by a configuration
// without a gate, and takes early data for good.
func TestEarlyDataWhereItIsTaken(t *testing.T) {
	g := startHTTP3(t, "respond hello", siteOverHTTP3)
	_, client := g.dial(g.udp())
	if status := g.status(g.send(client, "POST", "", "/first")); status != 200 {
		t.Errorf("a request behind the handshake: %d", status)
	}
	<-g.tickets
	_, client = g.dial(deaf{g.udp()})
	g.send(client, "POST", "", "/early")
	var answered string // the line of the access log: that of the refusal may come before it
	gatetest.Await(t, "an answer to nobody", func() bool {
		for line := range strings.Lines(g.Log()) {
			if strings.Contains(line, `"uri":"/early"`) && strings.Contains(line, `"status":`) {
				answered = line
			}
		}
		return answered != ""
	})
	if !strings.Contains(answered, `"status":425`) {
		t.Errorf("the request was not refused as too early\n%s", g.Log())
	}
	for _, r := range g.Backend.Seen() {
		if r.URL.Path == "/early" {
			t.Errorf("the backend got %s %s from an address that nobody has made sure of", r.Method, r.URL)
		}
	}
}

// TestEarlyAtTheProxy holds that a request that changes something, of which a
// proxy says that it came early, is to be sent again.
func TestEarlyAtTheProxy(t *testing.T) {
	g := gatetest.Start(t, "GATE {\n"+siteOverHTTP3+"\n}")
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 425, "DELETE": 425} {
		if res := g.Send(method, "/x", "", "X-API-KEY", http3Key, "Early-Data", "1"); res.Status != want {
			t.Errorf("%s: %d, want %d", method, res.Status, want)
		}
	}
}

// TestMethodsOfHTTP2 holds that a method that HTTP/2 can carry and the proxy
// cannot send is no failure of the backend, which would be taken for dead.
func TestMethodsOfHTTP2(t *testing.T) {
	g := startHTTP3(t, `agent_gate
		agent_auth {
			key a `+http3Key+`
			public /open
		}
		reverse_proxy BACKEND {
			fail_duration 1h
			transport agent_backend
		}`)
	for _, test := range []struct{ method, want string }{{"GET", "200"}, {"A B", "400"}, {"get", "400"}, {"", "400"}, {"G\xe9T", "400"}, {"GET", "200"}} {
		if status := g.overHTTP2(test.method, "/open"); status != test.want && (test.method != "" || status != "") {
			t.Errorf("%q: %s, want %s", test.method, status, test.want)
		}
	}
}

// overHTTP2 sends a request by HTTP/2 and returns its status; "" if the stream
// is reset.
func (g *overHTTP3) overHTTP2(method, path string) (status string) {
	g.t.Helper()
	config := g.tls.Clone()
	config.NextProtos, config.ClientSessionCache = []string{http2.NextProtoTLS}, nil
	var conn *tls.Conn
	gatetest.Await(g.t, "a connection", func() bool { // the certificate is made after the start
		var err error
		conn, err = tls.Dial("tcp", g.Addr, config)
		return err == nil
	})
	defer conn.Close()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		g.t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range []hpack.HeaderField{{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":path", Value: path}, {Name: ":authority", Value: "localhost"}} {
		if err := encoder.WriteField(field); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := errors.Join(framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})); err != nil {
		g.t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			g.t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return ""
		}
	}
}

// TestExtendedConnect holds that a rule on GET holds for the request by which a
// WebSocket is opened over HTTP/3: the backend gets it as a GET, and may answer
// it as any other. A list of methods with GET lets it through.
func TestExtendedConnect(t *testing.T) {
	g := startHTTP3(t, `agent_gate
		@secret {
			path /secret/*
			method GET
		}
		agent_auth {
			key a `+http3Key+` {
				scopes chat
			}
			require read @secret
			require chat
		}
		agent_validate {
			methods GET
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}`)
	_, client := g.dial(g.udp())
	for _, test := range []struct {
		method, proto, path string
		want                int
	}{
		{"GET", "", "/secret/1", 403},
		{"CONNECT", "websocket", "/secret/1", 403},
		{"CONNECT", "websocket", "/open", 200},
	} {
		if status := g.status(g.send(client, test.method, test.proto, test.path)); status != test.want {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, status, test.want)
		}
	}
}

// TestSocketOverHTTP3Ends holds that a WebSocket over HTTP/3 is ended like any.
func TestSocketOverHTTP3Ends(t *testing.T) {
	g := startHTTP3(t, `agent_gate
		agent_auth {
			key a `+http3Key+`
		}
		agent_rate_limit {
			stream_max_age 200ms
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}`)
	gone := make(chan string, 1)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if gatetest.HoldSocket(w) == nil {
			gone <- r.URL.Path
		}
	})
	_, client := g.dial(g.udp())
	stream, err := client.OpenRequestStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://localhost/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-KEY", http3Key)
	r.Proto = "websocket"
	if err := stream.SendRequestHeader(r); err != nil {
		t.Fatal(err)
	}
	res, err := stream.ReadResponse()
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	gatetest.Receive(t, "the end of the stream", gone)
}
