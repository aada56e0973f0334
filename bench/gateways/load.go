//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A sample is one measurement.
type sample struct {
	requests int
	elapsed  time.Duration
	cpu      time.Duration // of the contender
	p50, p99 time.Duration
}

func (s sample) rate() float64 { return float64(s.requests) / s.elapsed.Seconds() }

// cpuEach is the contender's processor time for one request, in microseconds.
func (s sample) cpuEach() float64 { return micros(s.cpu) / float64(max(1, s.requests)) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// plan says what the load generator sends.
type plan struct {
	method, path string
	header       http.Header
	body         []byte
	status       int // the one that is right
	tls          bool
	// pause is the time between two requests of one connection; zero for as fast as it goes. Latencies count from the moment at which a
	// request was due, so that a contender that stalls is not asked less.
	pause time.Duration
	// addresses, if true, sends each request as another client's, by X-Forwarded-For.
	addresses bool
}

// send sends requests over HTTP/1.1 on the given number of connections, for so long.
func send(c *contender, p plan, connections int, d time.Duration) (sample, error) {
	end := time.Now().Add(d)
	return sendWhile(c, p, connections, func() bool { return time.Now().Before(end) })
}

// sendWhile sends requests while more says so. It writes and reads the bytes itself: it must cost less than what it measures.
func sendWhile(c *contender, p plan, connections int, more func() bool) (sample, error) {
	return collect(connections, func(i int, seen *[]time.Duration) error {
		conn, err := dial(c, p.tls)
		if err != nil {
			return err
		}
		defer conn.Close()
		s := &sender{conn: conn, in: bufio.NewReaderSize(conn, 32<<10), plan: p, head: p.text()}
		due := time.Now().Add(p.pause * time.Duration(i) / time.Duration(connections))
		for {
			if p.pause > 0 {
				time.Sleep(time.Until(due))
			} else {
				due = time.Now()
			}
			if !more() && len(*seen) > 0 { // however slow the machine is, something is measured
				return nil
			}
			if err := s.once(); err != nil {
				return err
			}
			*seen = append(*seen, time.Since(due))
			due = due.Add(p.pause)
		}
	})
}

// collect runs one worker for each connection and puts what they saw together.
func collect(workers int, work func(i int, seen *[]time.Duration) error) (sample, error) {
	var wait sync.WaitGroup
	latencies := make([][]time.Duration, workers)
	errs := make([]error, workers)
	start := time.Now()
	for i := range workers {
		wait.Go(func() { errs[i] = work(i, &latencies[i]) })
	}
	wait.Wait()
	elapsed := time.Since(start)
	all := slices.Concat(latencies...)
	if err := errors.Join(errs...); err != nil {
		return sample{}, err
	}
	if len(all) == 0 {
		return sample{}, errors.New("nothing was answered")
	}
	slices.Sort(all)
	return sample{requests: len(all), elapsed: elapsed, p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

func dial(c *contender, secure bool) (net.Conn, error) {
	if !secure {
		return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.HTTP))
	}
	return tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.HTTPS), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
}

// text is the request up to and without the empty line.
func (p plan) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", p.method, p.path)
	_ = p.header.Write(&b)
	if p.body != nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(p.body))
	}
	return b.Bytes()
}

// A sender sends requests over one connection.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
	head []byte
	out  []byte
	plan
}

// nextAddress counts the clients that plan.addresses has made up.
var nextAddress atomic.Uint32

// once sends a request and sees whether its answer is right.
func (s *sender) once() error {
	status, err := s.ask()
	if err == nil && status != s.status {
		err = fmt.Errorf("%s %s was answered with %d instead of %d", s.method, s.path, status, s.status)
	}
	return err
}

func (s *sender) ask() (status int, err error) {
	s.out = append(s.out[:0], s.head...)
	if s.addresses {
		n := nextAddress.Add(1)
		addr := netip.AddrFrom4([4]byte{20 + byte(n>>24), byte(n >> 16), byte(n >> 8), byte(n)})
		s.out = append(addr.AppendTo(append(s.out, "X-Forwarded-For: "...)), "\r\n"...)
	}
	s.out = append(append(s.out, "\r\n"...), s.body...)
	if _, err := s.conn.Write(s.out); err != nil {
		return 0, err
	}
	return s.read()
}

// read reads one response and returns its status.
func (s *sender) read() (status int, err error) {
	length := -1
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case first:
			if len(line) < 12 {
				return 0, fmt.Errorf("this is no response: %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		case len(line) == 0:
			if length < 0 {
				return status, s.discardChunks()
			}
			_, err = s.in.Discard(length)
			return status, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

func (s *sender) discardChunks() error {
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return err
		}
		if _, err := s.in.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

// send2 sends requests over HTTP/2: many at once over few connections.
func send2(c *contender, p plan, workers int, d time.Duration) (sample, error) {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: &protocols}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	url := fmt.Sprintf("https://127.0.0.1:%d%s", c.HTTPS, p.path)
	return collect(workers, func(_ int, seen *[]time.Duration) error {
		for first := true; first || ctx.Err() == nil; first = false {
			req, err := http.NewRequest(p.method, url, bytes.NewReader(p.body))
			if err != nil {
				return err
			}
			req.Header = p.header
			start := time.Now()
			res, err := transport.RoundTrip(req)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				return err
			}
			if res.StatusCode != p.status || res.ProtoMajor != 2 {
				return fmt.Errorf("%s %s was answered with %s %d", p.method, p.path, res.Proto, res.StatusCode)
			}
			*seen = append(*seen, time.Since(start))
		}
		return nil
	})
}
