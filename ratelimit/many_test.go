package ratelimit_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// times is how often a long test is run: GATEHOUSE_RUNS, or a few times.
func times(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("GATEHOUSE_RUNS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("GATEHOUSE_RUNS: %v", err)
	}
	return n
}

// TestTenThousandAtOnce holds that of 10,000 requests at once, through the
// running gate and over HTTP, a limit of 1,000 admits 1,000.
func TestTenThousandAtOnce(t *testing.T) {
	const requests, limit, connections = 10_000, 1000, 100
	for run := range times(t, 2) {
		g := start(t, fmt.Sprintf("GATE {\nagent_rate_limit %d 15m\nrespond ok\n}", limit))
		var admitted, refused atomic.Int64
		var ready, done sync.WaitGroup
		begin := make(chan struct{})
		for range connections {
			ready.Add(1)
			done.Go(func() {
				conn, err := net.Dial("tcp", g.Addr)
				ready.Done()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				<-begin
				// All of them are sent before an answer is read.
				go func() {
					out := bufio.NewWriter(conn)
					for range requests / connections {
						fmt.Fprintf(out, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", g.Addr)
					}
					_ = out.Flush()
				}()
				in := bufio.NewReader(conn)
				for range requests / connections {
					res, err := http.ReadResponse(in, nil)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					switch res.StatusCode {
					case http.StatusOK:
						admitted.Add(1)
					case http.StatusTooManyRequests:
						refused.Add(1)
					}
				}
			})
		}
		ready.Wait()
		close(begin)
		done.Wait()
		if admitted.Load() != limit || refused.Load() != requests-limit {
			t.Fatalf("run %d: %d admitted and %d refused, of a limit of %d", run, admitted.Load(), refused.Load(), limit)
		}
	}
}
