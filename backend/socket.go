package backend

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/backend/sockets"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// checkSocket refuses a request to a socket whose packets could not be read as
// the backend reads them, and reads those that come in its body.
func checkSocket(r *http.Request, req *gate.Request) error {
	if refusal := socketRefusal(r, req); refusal != nil {
		req.Refuse(refusal)
		return gate.ErrCutOff
	}
	return nil
}

func socketRefusal(r *http.Request, req *gate.Request) *gate.Refusal {
	query, err := url.ParseQuery(r.URL.RawQuery)
	upgrade := r.Header.Get("Upgrade")
	speaks := upgrade != "" || !gate.ChangesNothing(r.Method)
	switch {
	case err != nil:
		return unreadable("the query cannot be read")
	case query.Has("j"):
		return unreadable("JSONP polling is not read by the gate")
	case (speaks || query.Has("EIO")) && (len(query["EIO"]) != 1 || query.Get("EIO") != "4"):
		return unreadable("the gate reads version 4 of Engine.IO (EIO=4) and no other")
	case !speaks:
		return nil
	case upgrade != "" && (r.Method != http.MethodGet || !strings.EqualFold(upgrade, "websocket")):
		return unreadable("the gate reads WebSockets, and no other protocol that a connection can be upgraded to")
	case upgrade != "" && r.ProtoMajor == 1 && r.ContentLength != 0:
		// Node gives what stands behind the header to the WebSocket, whatever
		// the header says of a body: those would be frames that nobody has read.
		return unreadable("the request that opens a WebSocket has a body")
	case upgrade != "":
		r.Body, r.ContentLength = nil, 0 // of HTTP/2 and 3 the body is the socket, which is not sent along
		// What is compressed could not be read: the backend is not offered it.
		// The proxy writes these names with a capital S, which is not Go's way.
		maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return strings.EqualFold(name, "Sec-Websocket-Extensions") })
		return nil
	case r.Method != http.MethodPost || r.Header.Get("Content-Encoding") != "":
		return unreadable("the gate reads packets in the plain body of a POST, and in no other request")
	}
	return pollingRefusal(r, req)
}

// pollingRefusal reads the packets in a body, and puts the body back.
func pollingRefusal(r *http.Request, req *gate.Request) *gate.Refusal {
	if r.Body == nil { // the proxy takes it out if its length is 0
		return refusalOf(sockets.Polling(nil, req.Socket))
	}
	body, err := req.ReadAll(r, sockets.MaxMessage)
	if refusal, busy := errors.AsType[*gate.Refusal](err); busy {
		return refusal
	}
	switch {
	case err != nil:
		return unreadable("the client did not send the whole body")
	case len(body) > sockets.MaxMessage:
		return gate.InvalidInput(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "Request entity too large", "the packets are longer than the backend takes")
	}
	return refusalOf(sockets.Polling(body, req.Socket))
}

func unreadable(reason string) *gate.Refusal {
	return gate.BadRequest("SOCKET_UNREADABLE", "The socket cannot be read", reason)
}

// refusalOf makes a refusal of what the reader or the judge has against a
// packet; nil of nil.
func refusalOf(err error) *gate.Refusal {
	var refusal *gate.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return refusal
	}
	return unreadable(err.Error())
}

// readSocket has what the client says on a WebSocket read on its way to the
// backend.
func readSocket(res *http.Response, r *http.Request, req *gate.Request) (*http.Response, error) {
	conn, ok := res.Body.(io.ReadWriteCloser)
	if !ok || res.Header.Get("Sec-Websocket-Extensions") != "" {
		_ = res.Body.Close()
		return nil, fmt.Errorf("the backend has agreed to an extension of WebSockets that nobody has offered, so the gate could not read what is said")
	}
	watched := &socket{ReadWriteCloser: conn, r: r, req: req}
	watched.reader = sockets.NewWebSocket(conn, holder{req.Socket, req})
	res.Body = watched
	return res, nil
}

// holder is a judge that minds what is held of messages that are not whole.
type holder struct {
	gate.SocketJudge
	req *gate.Request
}

// Holds returns an error if the gate may not hold that many bytes of the socket.
func (h holder) Holds(bytes int) error {
	if refusal := h.req.Holds(bytes); refusal != nil {
		return refusal
	}
	return nil
}

// socket is the connection to the backend of a WebSocket, on which the client
// says only what it may.
type socket struct {
	io.ReadWriteCloser
	r   *http.Request
	req *gate.Request

	mu     sync.Mutex // the proxy says goodbye while the client speaks
	reader *sockets.WebSocket
	ended  bool
}

// lastAnswer is how long the backend may take to answer a goodbye.
const lastAnswer = time.Second

// Write takes what the client says. At the first thing that it may not say, the
// backend is told goodbye in its name, and answers so that the client learns
// why; whatever the client says then is dropped.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return len(p), nil
	}
	n, err := s.reader.Write(p)
	var judged *gate.Refusal
	if err == nil || !errors.As(err, &judged) && !sockets.Malformed(err) {
		return n, err
	}
	s.ended = true
	refusal := refusalOf(err)
	e := refusal.Event
	e.Message = "[SECURITY] Socket ended for"
	s.req.Report(s.r, e)
	_, err = s.ReadWriteCloser.Write(sockets.CloseFrame(refusal.Message))
	time.AfterFunc(lastAnswer, func() { _ = s.Close() })
	return len(p), err
}

// CloseWrite passes on that the client says no more.
func (s *socket) CloseWrite() error {
	if half, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}
