package gate_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestReloadsLoseNoRequest holds that no request fails because the configuration
// is reloaded while it comes: not of clients who open a connection for each, and
// not of clients who keep theirs.
func TestReloadsLoseNoRequest(t *testing.T) {
	for _, way := range []string{"http", "https", "unix"} {
		t.Run(way, func(t *testing.T) {
			g := gatetest.New(t)
			_, port, _ := strings.Cut(g.Addr, ":")
			scheme, bind, dial := way, "127.0.0.1", new(net.Dialer).DialContext
			if way == "unix" { // of which both configurations have the same socket
				socket := filepath.Join(t.TempDir(), "s")
				scheme, bind = "http", "unix/"+socket
				dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "unix", socket)
				}
			}
			load := func(n int) {
				t.Helper()
				site := fmt.Sprintf("{\nauto_https disable_redirects\nskip_install_trust\nservers {\nprotocols h1\n}\n}\n%s://localhost:%s {\nbind %s\nagent_gate\nrespond as-of-%d\n}", scheme, port, bind, n)
				if scheme == "https" {
					site = strings.Replace(site, "agent_gate", "tls internal\nagent_gate", 1)
				}
				if err := g.Load(site); err != nil {
					t.Fatal(err)
				}
			}
			load(0)
			config := &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}
			gatetest.Await(t, "the site", func() bool { // its certificate is made after the start
				if scheme == "http" {
					return true
				}
				conn, err := tls.Dial("tcp", g.Addr, config)
				return err == nil && conn.Close() == nil
			})
			var asked, answered atomic.Int64
			stop := make(chan struct{})
			var clients sync.WaitGroup
			for i := range 8 {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0, TLSClientConfig: config, DialContext: dial}}
				t.Cleanup(client.CloseIdleConnections)
				clients.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						asked.Add(1)
						if err := post(t, client, scheme+"://localhost:"+port+"/"); err != nil {
							t.Errorf("client %d, after %d requests: %v", i, asked.Load(), err)
							continue
						}
						answered.Add(1)
					}
				})
			}
			const reloads = 8
			for n := range reloads {
				before := answered.Load()
				gatetest.Await(t, "requests", func() bool { return answered.Load() > before+50 })
				load(n + 1)
			}
			close(stop)
			clients.Wait()
			t.Logf("%d reloads, %d requests", reloads, asked.Load())
		})
	}
}

// TestFailedReloadsLoseNoRequest holds that no request fails because a
// configuration was refused when some of its servers listened already, and that
// none is answered by it.
func TestFailedReloadsLoseNoRequest(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	g := gatetest.Start(t, "GATE {\nagent_gate\nrespond runs\n}")
	var answered atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := post(t, client, "http://"+g.Addr+"/"); err != nil {
					t.Error(err)
				}
				answered.Add(1)
			}
		})
	}
	for range 40 {
		before := answered.Load()
		gatetest.Await(t, "requests", func() bool { return answered.Load() > before+10 })
		if err := g.Load("GATE {\nagent_gate\nrespond 503\n}\nhttp://" + taken.Addr().String() + " {\nbind 127.0.0.1\nagent_gate\nrespond 503\n}"); err == nil {
			t.Error("a configuration is loaded one of whose ports is taken")
		}
	}
	close(stop)
	clients.Wait()
}

// post sends what no client sends a second time by itself: it has a body that
// comes only once.
func post(t *testing.T, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, io.NopCloser(strings.NewReader("{}")))
	if err != nil {
		return err
	}
	req.ContentLength = 2
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%d %v", res.StatusCode, err)
	}
	return nil
}
