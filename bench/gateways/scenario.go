//go:build linux

package main

import (
	"bufio"
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"
)

// A scenario is one thing that is measured.
type scenario struct {
	name  string
	title string
	// unit is what a request is in this scenario.
	unit string
	run  func(c *contender, o options, d time.Duration) (sample, error)
	// bare tells that bare Caddy, which refuses nothing, does here something else than the others and is only there as a measure.
	bare string
}

var scenarios = []scenario{
	{
		name: "json", title: "A small JSON answer, HTTP/1.1", unit: "requests",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			return send(c, get(c), o.connections, d)
		},
	},
	{
		name: "json-tls", title: "A small JSON answer, HTTP/1.1 over TLS", unit: "requests",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.tls = true
			return send(c, p, o.connections, d)
		},
	},
	{
		name: "json-h2", title: "A small JSON answer, HTTP/2 over TLS", unit: "requests",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			return send2(c, get(c), o.connections, d)
		},
	},
	{
		name: "chat", title: "A chat message, POST with 150 bytes of JSON, HTTP/1.1", unit: "requests",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.method, p.path = http.MethodPost, "/api/messaging/channels/2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00/messages"
			p.header.Set("Content-Type", "application/json")
			p.body = []byte(`{"author_id":"2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a01","content":"Could you please update my selection, and tell me how it went?",` +
				`"source_type":"client_chat"}`)
			return send(c, p, o.connections, d)
		},
	},
	{
		name: "paced", title: "Latency at 1,000 requests a second, HTTP/1.1", unit: "requests",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.pause = time.Duration(o.connections) * time.Millisecond
			return send(c, p, o.connections, d)
		},
	},
	{
		name: "refused-401", title: "Refused: no key", unit: "requests", bare: "answers 401 by `respond`",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.header.Del("X-Api-Key")
			p.status = http.StatusUnauthorized
			if c.refusesNobody() {
				p.path = "/refused"
			}
			return send(c, p, o.connections, d)
		},
	},
	{
		name: "refused-429", title: "Refused: over the limit", unit: "requests", bare: "answers 429 by `respond`",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.path = "/api/over"
			if c.refusesNobody() {
				p.path = "/over"
			}
			if err := exhaust(c, p); err != nil {
				return sample{}, err
			}
			p.status = http.StatusTooManyRequests
			return send(c, p, o.connections, d)
		},
	},
	{
		name: "upload", title: "Uploads of 1 MB, HTTP/1.1", unit: "uploads",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			p := get(c)
			p.method, p.path = http.MethodPost, "/api/media/agents/2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00/upload-media"
			p.body, p.header["Content-Type"] = form(1 << 20)
			return send(c, p, min(8, o.connections), d)
		},
	},
	{
		name: "sse", title: "Server-sent events: 500 streams with 10 events a second each", unit: "events",
		run: func(c *contender, _ options, d time.Duration) (sample, error) {
			return listen(c, 500)
		},
	},
	{
		name: "websocket", title: "WebSockets: messages and their echo on 32 connections", unit: "messages",
		run: func(c *contender, o options, d time.Duration) (sample, error) {
			return talk(c, o.connections, d)
		},
	},
}

// exhaust sends a request that uses up a limit of one.
func exhaust(c *contender, p plan) error {
	conn, err := dial(c, false)
	if err != nil {
		return err
	}
	defer conn.Close()
	s := &sender{conn: conn, in: bufio.NewReader(conn), plan: p, head: p.text()}
	_, err = s.ask()
	return err
}

// get is the request that agents' clients make most.
func get(c *contender) plan {
	return plan{method: http.MethodGet, path: "/api/agents", header: c.header(), status: http.StatusOK}
}

// form is an upload of the given size, and its content type.
func form(size int) ([]byte, []string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="picture.png"`},
		"Content-Type":        {"image/png"},
	})
	_, _ = part.Write(append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, size)...))
	_ = w.Close()
	return b.Bytes(), []string{w.FormDataContentType()}
}
