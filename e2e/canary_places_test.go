package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// serve is the backend. It reads what it is sent, tells its own key in a
// header, and streams to whoever asks until they leave.
func (c *canary) serve(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	w.Header().Set("X-Own-Key", r.Header.Get("X-Api-Key"))
	if r.URL.Path != "/read/stream" {
		_, _ = io.WriteString(w, "ok")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "data: x\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(time.Millisecond):
		}
	}
	c.left <- struct{}{}
}

// everywhere sends each key in each place.
func (c *canary) everywhere(t *testing.T, client *http.Client, base, path string) {
	t.Helper()
	for _, key := range c.keys {
		for place, put := range places {
			body := io.Reader(nil)
			method := http.MethodGet
			if path == "/large" {
				method, body = http.MethodPost, strings.NewReader(strings.Repeat("x", 1000))
			}
			r, err := http.NewRequest(method, base+path, body)
			if err != nil {
				t.Fatal(err)
			}
			put(r, key)
			response, err := client.Do(r)
			if err != nil {
				if path == "/large" { // it may be answered before it is sent
					continue
				}
				// Go on: what the gate has written of it is still to be searched.
				t.Errorf("%s %s: %v", path, place, err)
				continue
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if told := fmt.Sprint(response.Header); strings.Contains(told, c.keys["the backend's"]) {
				t.Errorf("%s %s: the answer tells the backend's key: %s", path, place, told)
			}
			if base == c.http && response.StatusCode != http.StatusForbidden && place != "cookie" && place != "Referer" {
				t.Errorf("plain http, %s with a key in %s: %d", path, place, response.StatusCode)
			}
		}
	}
}

func allEncoded(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02x", text[i])
	}
	return b.String()
}

// forms are how a key may stand in what is written.
func forms(key string) []string {
	return []string{key, url.QueryEscape(key), url.PathEscape(key), allEncoded(key), base64.StdEncoding.EncodeToString([]byte("x:" + key))}
}

func (c *canary) clients(t *testing.T) map[string]*http.Client {
	return map[string]*http.Client{"HTTP/1.1": c.http1(t), "HTTP/2": c.http2(t), "HTTP/3": c.http3(t)}
}

func (c *canary) http2(t *testing.T) *http.Client { return house.Client(t, c.gate.LocalCA()) }

func (c *canary) http1(t *testing.T) *http.Client {
	client := house.Client(t, c.gate.LocalCA())
	transport := client.Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = false
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	return client
}

func (c *canary) http3(t *testing.T) *http.Client {
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: house.Roots(t, c.gate.LocalCA())},
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			return quic.DialAddrEarly(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.gate.Config.HTTPSPort)), tlsConfig, config)
		},
	}
	t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: transport}
}

// leave starts to read a stream, with a key in each place and another that
// opens it, and leaves in the middle.
func (c *canary) leave(t *testing.T, client *http.Client) {
	t.Helper()
	var streams sync.WaitGroup
	for _, key := range []string{c.keys["ada"], c.keys["nobody"]} {
		for _, put := range places {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.https+"/read/stream", nil)
			if err != nil {
				t.Fatal(err)
			}
			put(r, key)
			if r.Header.Get("X-API-KEY") == "" {
				r.Header.Set("X-API-KEY", c.keys["bob"])
			}
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode == http.StatusOK {
				if _, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				streams.Go(func() { <-c.left })
			}
			cancel()
			response.Body.Close()
		}
	}
	streams.Wait()
}

func (c *canary) wrongHost(t *testing.T, client *http.Client) {
	t.Helper()
	for _, key := range c.keys {
		for _, put := range places {
			r, err := http.NewRequest(http.MethodGet, c.https+"/api/agents", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "nobody.test"
			put(r, key)
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
		}
	}
}

// malformed sends what no client library would, on both ports.
func (c *canary) malformed(t *testing.T) {
	t.Helper()
	for name, key := range c.keys {
		requests := []string{
			"GET /read/x HTTP/1.1\r\nHost: agents.test\r\nX-API-KEY " + key + "\r\n\r\n",
			"GET /read/x HTTP/1.1\r\nHost: agents.test\r\nX-API-KEY : " + key + "\r\n\r\n",
			"GET /read/x HTTP/1.1\r\nX-API-KEY: " + key + "\r\n\r\n",
			"GET /read/x HTTP/1.1\r\nHost: a b\r\nX-API-KEY: " + key + "\r\n\r\n",
			"GET /read/x HTTP/9.9\r\nHost: agents.test\r\nX-API-KEY: " + key + "\r\n\r\n",
			"GET /read/x?api_key=" + key + " x HTTP/1.1\r\nHost: agents.test\r\n\r\n",
			"GET /read/%2e%2e%2f?api_key=" + key + " HTTP/1.1\r\nHost: agents.test\r\nAuthorization: Bearer " + key + "\r\n\r\n",
			"GET /%zz?api_key=" + key + " HTTP/1.1\r\nHost: agents.test\r\n\r\n",
			strings.Repeat("X", 40) + " /read/x HTTP/1.1\r\nHost: agents.test\r\nX-API-KEY: " + key + "\r\n\r\n",
			"GET /read/x HTTP/1.1\r\nHost: agents.test\r\nX-API-KEY: " + key + "\x00\r\n\r\n",
			"GET /read/x HTTP/1.1\r\nHost: agents.test\r\nX-API-KEY: " + key + "\r\nContent-Length: x\r\n\r\n",
			"X-API-KEY: " + key + "\r\n\r\n",
			key + "\r\n\r\n",
		}
		// In these places nothing tells that it is a key, unless it is one that
		// the gate knows or one of ours.
		if !strings.HasPrefix(name, "nobody") || strings.HasPrefix(key, "agk_") {
			requests = append(requests,
				"GET /read/"+allEncoded(key)+" HTTP/1.1\r\nHost: agents.test\r\n\r\n",
				"GET /read/x HTTP/1.1\r\nHost: agents.test\r\nUser-Agent: me/"+key+"\r\n\r\n",
				"GET http://x:"+url.PathEscape(key)+"@agents.test/read/x HTTP/1.1\r\nHost: agents.test\r\n\r\n",
				"OPTIONS /read/x HTTP/1.1\r\nHost: agents.test\r\nOrigin: https://"+url.PathEscape(key)+".x.test\r\nAccess-Control-Request-Method: GET\r\n\r\n",
			)
		}
		if strings.HasPrefix(key, "agk_") {
			requests = append(requests,
				key+" /read/x HTTP/1.1\r\nHost: agents.test\r\n\r\n",
				"GET /read/x HTTP/1.1\r\nHost: "+key+".agents.test\r\n\r\n",
				"GET /read/x HTTP/1.1\r\nHost: agents.test\r\n"+key+": 1\r\n\r\n",
			)
		}
		for _, request := range requests {
			c.raw(t, c.gate.Config.HTTPPort, nil, request)
			c.raw(t, c.gate.Config.HTTPSPort, &tls.Config{ServerName: "agents.test", InsecureSkipVerify: true}, request)
			c.raw(t, c.gate.Config.HTTPSPort, nil, request) // plain http to the port of https
		}
	}
}

// raw sends a request and reads until the gate has answered or has hung up.
func (c *canary) raw(t *testing.T, port int, config *tls.Config, request string) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if config != nil {
		conn = tls.Client(conn, config)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return
	}
	if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		response.Body.Close()
	}
}

// admin asks the admin endpoint what it tells.
func (c *canary) admin(t *testing.T) {
	t.Helper()
	c.gate.Admin(t, http.MethodPost, "/load", "text/caddyfile", "agents.test {\n\tgatehouse nothing\n}")
	c.gate.Admin(t, http.MethodGet, "/nothing?api_key="+url.QueryEscape(c.keys["ada"]), "", "")
}
