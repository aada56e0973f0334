//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// backendWord makes this program the backend.
const backendWord = "backend"

// answer is about what ElizaOS answers to a small GET.
var answer = []byte(`{"success":true,"data":{"agents":[{"id":"b850bc30-45f8-0041-a00a-83df46d8555d","name":"Eliza","status":"active"}]}}`)

// chunks is how many events a stream of the backend has, interval the time between two of them.
const (
	chunks   = 20
	interval = 100 * time.Millisecond
)

// serveBackend answers as an agent server would, as cheaply as can be, so that the gateways are what is measured.
func serveBackend() error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
	})
	mux.HandleFunc("POST /api/messaging/sessions/{session}/messages", stream)
	mux.HandleFunc("/socket.io/", echo)
	return http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux)
}

// stream sends events that carry the time at which they were sent; or, if it is to be quiet, one, and stays open.
func stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	if r.URL.Query().Has("quiet") {
		_, _ = io.WriteString(w, "data: 1\n\n")
		if flusher.Flush() == nil {
			<-r.Context().Done()
		}
		return
	}
	for range chunks {
		fmt.Fprintf(w, "data: %d%s\n\n", time.Now().UnixNano(), strings.Repeat(" ", 40))
		if flusher.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(interval):
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
