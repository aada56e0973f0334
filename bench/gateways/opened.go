//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
)

// opened is what a request costs a contender, and what the contender holds, with streams open through it.
type opened struct {
	name           string
	streams        int
	sample         sample
	before, within footprint
}

// streamCounts are how many streams are open.
var streamCounts = []int{1, 1000, 10_000}

// withStreams measures bare Caddy and the gate with quiet streams of server-sent events open through them, over HTTP/2.
func withStreams(contenders []*contender, o options) (all []opened, err error) {
	for _, c := range contenders {
		if c.name != "caddy" && c.name != "gatehouse" {
			continue
		}
		for _, n := range streamCounts {
			found := opened{name: c.name, streams: n}
			if found.before, err = c.footprint(); err != nil {
				return nil, err
			}
			end, err := openStreams(c, n)
			if err != nil {
				return nil, fmt.Errorf("%s, with %d streams: %w", c.name, n, err)
			}
			found.within, err = c.footprint()
			before := c.cpu()
			if err == nil {
				found.sample, err = send(c, get(c), o.connections, o.duration)
			}
			found.sample.cpu = c.cpu() - before
			end()
			if err != nil {
				return nil, fmt.Errorf("%s, with %d streams: %w", c.name, n, err)
			}
			log.Printf("%-28s %-10s %6d streams  %6.1f us CPU each  p50 %7.0f us", "open streams", c.name, n, found.sample.cpuEach(), micros(found.sample.p50))
			all = append(all, found)
		}
	}
	return all, nil
}

// openStreams opens streams and waits for the first event of each; end closes them.
func openStreams(c *contender, n int) (end func(), err error) {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: &protocols}
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var bodies []io.Closer
	end = func() {
		cancel()
		for _, body := range bodies {
			_ = body.Close()
		}
		transport.CloseIdleConnections()
	}
	url := fmt.Sprintf("https://127.0.0.1:%d/api/messaging/sessions/2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00/messages?quiet", c.HTTPS)
	open := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"content":"hello","transport":"sse"}`))
		if err != nil {
			return err
		}
		req.Header = c.header()
		req.Header.Set("Content-Type", "application/json")
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		mu.Lock()
		bodies = append(bodies, res.Body)
		mu.Unlock()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("a stream was answered with %s", res.Status)
		}
		_, err = io.ReadFull(res.Body, make([]byte, len("data: 1")))
		return err
	}
	const workers = 50
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			for k := i; k < n && errs[i] == nil; k += workers {
				errs[i] = open()
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// Opened is the table of open streams in Markdown; "" if it was not measured.
func (r *report) Opened() string {
	if r.opened == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | streams open | CPU seconds per million requests | p50 | p99 | heap for each stream | resident for each |\n|---|---|---|---|---|---|---|\n")
	for _, o := range r.opened {
		heap, resident := "", "" // one stream is less than what comes and goes besides
		if o.streams >= 1000 {
			heap = kibibytes(o.within.heap-o.before.heap, o.streams)
			resident = kibibytes(o.within.resident-o.before.resident, o.streams)
		}
		fmt.Fprintf(&b, "| %s | %d | %.0f | %s | %s | %s | %s |\n", o.name, o.streams, o.sample.cpuEach(),
			span(micros(o.sample.p50)), span(micros(o.sample.p99)), heap, resident)
	}
	return b.String()
}

func kibibytes(n int64, each int) string {
	return fmt.Sprintf("%.1f KiB", float64(n)/float64(each)/1024)
}
