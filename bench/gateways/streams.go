//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// listen opens streams of server-sent events, as many as are asked for at once, and measures how long an event is on its way. A request,
// here, is one event.
func listen(c *contender, streams int) (sample, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: -1}
	url := fmt.Sprintf("http://127.0.0.1:%d/api/messaging/sessions/2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00/messages", c.HTTP)
	return collect(streams, func(i int, seen *[]time.Duration) error {
		time.Sleep(interval * time.Duration(i) / time.Duration(streams)) // so that not all speak at once
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"content":"hello","transport":"sse"}`))
		if err != nil {
			return err
		}
		req.Header = c.header()
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "text/event-stream")
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("the stream was answered with %s", res.Status)
		}
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			text, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
			if !ok {
				continue
			}
			sent, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
			if err != nil {
				return err
			}
			*seen = append(*seen, time.Duration(time.Now().UnixNano()-sent))
		}
		if len(*seen) != chunks {
			return fmt.Errorf("a stream had %d events instead of %d: %w", len(*seen), chunks, lines.Err())
		}
		return nil
	})
}

// talk sends messages over WebSockets and waits for the echo of each. A request, here, is one message.
func talk(c *contender, sockets int, d time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d+30*time.Second)
	defer cancel()
	end := time.Now().Add(d)
	url := fmt.Sprintf("ws://127.0.0.1:%d/socket.io/?EIO=4&transport=websocket", c.HTTP)
	// A message as Socket.IO writes it.
	message := []byte(`42["message",{"type":2,"payload":{"channelId":"2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00","message":"how are you today?"}}]`)
	return collect(sockets, func(_ int, seen *[]time.Duration) error {
		conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: c.header()})
		if err != nil {
			return err
		}
		defer conn.CloseNow()
		for first := true; first || time.Now().Before(end); first = false {
			start := time.Now()
			if err := conn.Write(ctx, websocket.MessageText, message); err != nil {
				return err
			}
			if _, _, err := conn.Read(ctx); err != nil {
				return err
			}
			*seen = append(*seen, time.Since(start))
		}
		return nil
	})
}
